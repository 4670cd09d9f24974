// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Weights by name. What a checkpoint holds besides (`optimizer.*`) and PyTorch's counters (`num_batches_tracked`) is skipped.
#include "runtime/program/weights_file.h"

#include <cstring>
#include <set>

#include "runtime/formats/text.h"
#include "runtime/program/failure.h"
#include "runtime/program/retries.h"

namespace cnnc::runtime {
namespace {

std::vector<uint64_t> shape_of(const cnn_tensor& tensor) { return {tensor.dims, tensor.dims + tensor.rank}; }

formats::ElementType file_type(int32_t element) { return element == CNN_F64 ? formats::ElementType::F64 : formats::ElementType::F32; }

bool is_skipped(std::string_view name) { return name.starts_with("optimizer.") || name.ends_with("num_batches_tracked"); }

bool is_known(const Model& model, std::string_view name) {
  for (const auto tensors : {model.weight_tensors(), model.state_tensors()})
    for (const cnn_tensor& tensor : tensors)
      if (name == tensor.name) return true;
  return false;
}

}  // namespace

void append_views(std::vector<formats::TensorView>& views, const std::string& prefix, std::span<const cnn_tensor> tensors,
                  int32_t element, const void* buffer) {
  const size_t size = element_bytes(element);
  for (const cnn_tensor& tensor : tensors)
    views.push_back({prefix + tensor.name, file_type(element), shape_of(tensor),
                     {static_cast<const std::byte*>(buffer) + static_cast<size_t>(tensor.offset) * size, static_cast<size_t>(tensor.elements) * size}});
}

void read_tensors(const formats::Safetensors& file, const std::string& prefix, std::span<const cnn_tensor> tensors, int32_t element,
                  void* buffer, std::vector<std::string>& problems) {
  for (const cnn_tensor& tensor : tensors) {
    const std::string name = prefix + tensor.name;
    const formats::Tensor* own = file.find(name);
    if (!own) {
      problems.push_back("`" + name + "` " + formats::print_shape(shape_of(tensor)) + " is missing");
    } else if (own->shape != shape_of(tensor)) {
      problems.push_back("`" + name + "` is " + formats::print_shape(own->shape) + ", the network wants " + formats::print_shape(shape_of(tensor)));
    } else if (!formats::is_floating(own->type)) {
      problems.push_back("`" + name + "` holds " + std::string(formats::element_name(own->type)) + ", not floating-point numbers");
    } else if (element == CNN_F64) {
      file.read_doubles(*own, {static_cast<double*>(buffer) + tensor.offset, static_cast<size_t>(tensor.elements)});
    } else {
      file.read_floats(*own, {static_cast<float*>(buffer) + tensor.offset, static_cast<size_t>(tensor.elements)});
    }
  }
}

void write_weights(const std::string& path, const Model& model) {
  std::vector<formats::TensorView> views;
  append_views(views, "", model.weight_tensors(), model.program->element, model.weights);
  append_views(views, "", model.state_tensors(), model.program->element, model.states);
  with_retries([&] { formats::write_safetensors(path, views, {{"network", model.program->network}, {"producer", model.program->compiler}}); });
}

/// What to do where the tensors fit one after the other, and only their names differ: as from PyTorch's numbered modules.
std::string renaming_help(const formats::Safetensors& file, const Model& model) {
  std::multiset<std::vector<uint64_t>> wanted, there;
  for (const auto tensors : {model.weight_tensors(), model.state_tensors()})
    for (const cnn_tensor& tensor : tensors) wanted.insert(shape_of(tensor));
  for (const formats::Tensor& tensor : file.tensors)
    if (!is_skipped(tensor.name)) there.insert(tensor.shape);
  if (wanted != there) return {};
  return "; the file's tensors have the same shapes under other names: no option renames them, but a few lines of Python do, as in docs/from-pytorch.md";
}

void read_weights(const formats::Safetensors& file, Model& model) {
  std::vector<std::string> problems;
  // Into copies first: a file that does not fit changes nothing.
  std::vector<std::byte> weights(model.weight_bytes()), states(model.state_bytes());
  read_tensors(file, "", model.weight_tensors(), model.program->element, weights.data(), problems);
  read_tensors(file, "", model.state_tensors(), model.program->element, states.data(), problems);
  for (const formats::Tensor& tensor : file.tensors)
    if (!is_skipped(tensor.name) && !is_known(model, tensor.name))
      problems.push_back(formats::quote_name(tensor.name) + " " + formats::print_shape(tensor.shape) + " is not in the network");
  if (!problems.empty()) {
    std::string list;
    for (const std::string& problem : problems) list += "\n  " + problem;
    fail(formats::quote_name(file.file) + " does not fit the network `" + model.program->network + "`:" + list,
         "`info` lists the names and shapes that the network wants" + renaming_help(file, model));
  }
  if (!weights.empty()) std::memcpy(model.weights, weights.data(), weights.size());
  if (!states.empty()) std::memcpy(model.states, states.data(), states.size());
}

void read_weights(const std::string& path, Model& model) {
  read_weights(with_retries([&] { return formats::read_safetensors(path); }), model);
}

void load_weights(const std::string& path, Model& model) {
  if (!path.empty()) read_weights(path, model);
  else if (!model.take_embedded())
    fail_usage("the network has weights, and none are built into the program: name them with `--weights FILE`",
               model.program->recipe_count > 0 ? "`train --save FILE` makes them; `cnnc build --weights FILE` builds them in"
                                               : "a `train` block in the .cnn file lets the program make them; `cnnc build --weights FILE` builds them in");
}

}  // namespace cnnc::runtime
