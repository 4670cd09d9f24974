// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Hashes as data; tensors as files.
#include "test/random/data.h"

#include "runtime/formats/safetensors.h"

namespace cnnc::random_programs {
namespace {

/// From 0 to below 1, in steps of 2^-20, so that scaled values are exact in single precision too.
double unit(std::string_view name, uint64_t number) { return static_cast<double>(random_bits(name, number) >> 44) * 0x1p-20; }

double in_single_precision(double number) { return static_cast<double>(static_cast<float>(number)); }

struct Range {
  double low = -1, high = 1;
};

/// Weights keep a signal's size; factors and variances lie around what they start with.
Range range_of(const Module& module, const Port& port) {
  if (port.role == Role::Label) return {0, 1};
  if (port.role != Role::Weight && port.role != Role::State) return {};
  for (const Parameter& parameter : module.parameters) {
    if (parameter.name != port.name) continue;
    if (parameter.initialiser.name == "ones") return {0.5, 1.5};
    if (parameter.type.dims.size() <= 1) return {-0.2, 0.2};
    const double bound = std::sqrt(3.0 / static_cast<double>(parameter.initialiser.fan_in));
    return {-bound, bound};
  }
  return {};
}

}  // namespace

uint64_t random_bits(std::string_view name, uint64_t number) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (const char byte : name) hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001B3u;
  uint64_t z = hash + (number + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

Tensor argument_value(const Module& module, const Port& port, const TensorType& type, int64_t images, int64_t classes) {
  Tensor tensor = zeros(type, images);
  const Range range = range_of(module, port);
  const std::string name = std::string(role_name(port.role)) + "/" + port.name;
  for (size_t i = 0; i < tensor.at.size(); ++i) {
    const double whole = static_cast<double>(random_bits(name, i) % static_cast<uint64_t>(std::max<int64_t>(classes, 1)));
    tensor.at[i] = exact(type.element == ElementType::I32
                             ? whole
                             : in_single_precision(range.low + (range.high - range.low) * unit(name, i)));
  }
  return tensor;
}

std::vector<Tensor> argument_values(const Module& module, const Function& function, int64_t images) {
  int64_t classes = 1;
  for (const Port& port : function.results)
    if (port.role == Role::Output && !function.graph.type(port.value).dims.empty()) classes = function.graph.type(port.value).dims[0];
  std::vector<Tensor> values;
  for (const Port& port : function.arguments)
    values.push_back(argument_value(module, port, function.graph.type(port.value), images, classes));
  return values;
}

std::vector<uint64_t> shape_of(const Tensor& tensor) {
  std::vector<uint64_t> shape;
  if (tensor.type.batched) shape.push_back(tensor.at.size() / static_cast<size_t>(tensor.count()));
  for (const int64_t extent : tensor.type.dims) shape.push_back(static_cast<uint64_t>(extent));
  return shape;
}

void save_weights(const std::filesystem::path& file, const Function& function, std::span<const Tensor> arguments) {
  std::vector<std::vector<float>> numbers;
  std::vector<formats::TensorView> views;
  numbers.reserve(arguments.size());
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Port& port = function.arguments[i];
    if (port.role != Role::Weight && port.role != Role::State) continue;
    numbers.push_back(numbers_of<float>(arguments[i]));
    views.push_back(formats::view_of(port.name, shape_of(arguments[i]), numbers.back()));
  }
  formats::write_safetensors(file, views, {});
}

}  // namespace cnnc::random_programs
