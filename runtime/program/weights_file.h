// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Weights and running statistics ↔ .safetensors, by name, in the layout of frameworks. Tests: test/runtime/program.
#pragma once
#include <string>
#include <vector>

#include "runtime/formats/safetensors.h"
#include "runtime/program/model.h"

namespace cnnc::runtime {

/// Views of all tensors of a flat buffer under `prefix` + their names.
void append_views(std::vector<formats::TensorView>& views, const std::string& prefix, std::span<const cnn_tensor> tensors,
                  int32_t element, const void* buffer);

/// Reads tensors `prefix` + name into a flat buffer. Problems (missing, other shape, other kind of numbers) are appended.
void read_tensors(const formats::Safetensors& file, const std::string& prefix, std::span<const cnn_tensor> tensors, int32_t element,
                  void* buffer, std::vector<std::string>& problems);

/// Writes weights and statistics, whole or not at all.
void write_weights(const std::string& path, const Model& model);

/// Reads weights and statistics from a weights file or a checkpoint. Missing, extra and misshapen tensors are all named in one
/// Failure; nothing is changed then.
void read_weights(const std::string& path, Model& model);
void read_weights(const formats::Safetensors& file, Model& model);

/// Weights for `eval`, `predict`, `gradients`: those of the file, else those embedded in the program. Neither: a usage error,
/// unless the network has none. `path` is empty where no file was named.
void load_weights(const std::string& path, Model& model);

}  // namespace cnnc::runtime
