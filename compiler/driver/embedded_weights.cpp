// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A weights file (or a checkpoint, whose optimizer state is skipped) into flat buffers. Tests: test/run/embedded_weights*.test
#include "driver/embedded_weights.h"

#include <fmt/format.h>

#include "runtime/formats/error.h"
#include "runtime/formats/safetensors.h"
#include "runtime/formats/text.h"

namespace cnnc {
namespace {

bool is_skipped(std::string_view name) { return name.starts_with("optimizer.") || name.ends_with("num_batches_tracked"); }

std::vector<uint64_t> shape_of(const Parameter& parameter) { return {parameter.type.dims.begin(), parameter.type.dims.end()}; }

/// What is wrong with a parameter's tensor in the file; empty when it was read into `buffer`.
std::string read_parameter(const formats::Safetensors& file, const Parameter& parameter, ElementType element, char* buffer) {
  const formats::Tensor* tensor = file.find(parameter.name);
  const auto shape = shape_of(parameter);
  if (!tensor) return fmt::format("`{}` {} is missing", parameter.name, formats::print_shape(shape));
  if (tensor->shape != shape)
    return fmt::format("`{}` is {}, the network wants {}", parameter.name, formats::print_shape(tensor->shape), formats::print_shape(shape));
  if (!formats::is_floating(tensor->type))
    return fmt::format("`{}` holds {}, not floating-point numbers", parameter.name, formats::element_name(tensor->type));
  const auto count = static_cast<size_t>(tensor->elements());
  if (element == ElementType::F64)
    file.read_doubles(*tensor, {reinterpret_cast<double*>(buffer), count});
  else
    file.read_floats(*tensor, {reinterpret_cast<float*>(buffer), count});
  return {};
}

}  // namespace

std::optional<FlatParameters> read_embedded_weights(const std::string& path, const Module& module, const FlatLayout& layout,
                                                    ElementType element, std::string& error) {
  const auto size = static_cast<size_t>(element_bytes(element));
  FlatParameters result{std::string(static_cast<size_t>(layout.weight_elements) * size, '\0'),
                        std::string(static_cast<size_t>(layout.state_elements) * size, '\0')};
  std::string problems;
  try {
    const formats::Safetensors file = formats::read_safetensors(path);
    for (const Parameter& parameter : module.parameters) {
      std::string& buffer = parameter.role == Role::Weight ? result.weights : result.states;
      const std::string problem =
          read_parameter(file, parameter, element, buffer.data() + static_cast<size_t>(layout.offsets.at(parameter.name)) * size);
      if (!problem.empty()) problems += "\n  " + problem;
    }
    for (const formats::Tensor& tensor : file.tensors) {
      const auto is_own = [&](const Parameter& parameter) { return parameter.name == tensor.name; };
      if (!is_skipped(tensor.name) && std::none_of(module.parameters.begin(), module.parameters.end(), is_own))
        problems += fmt::format("\n  {} {} is not in the network", formats::quote_name(tensor.name), formats::print_shape(tensor.shape));
    }
  } catch (const formats::FormatError& failure) {
    error = failure.what();
    return std::nullopt;
  }
  if (problems.empty()) return result;
  error = fmt::format("{} does not fit the network `{}`:{}", formats::quote_name(path), module.network, problems);
  return std::nullopt;
}

}  // namespace cnnc
