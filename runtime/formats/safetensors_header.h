// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The JSON header of .safetensors, both ways. Private to safetensors.cpp.
// Reading accepts this grammar and nothing else; keys in any order, white space as in JSON:
//   {"__metadata__": {KEY: VALUE, …}, NAME: {"dtype": TYPE, "shape": [N, …], "data_offsets": [BEGIN, END]}, …}
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/formats/safetensors.h"

namespace cnnc::formats {

struct SafetensorsHeader {
  std::vector<Tensor> tensors;  ///< In the order of the text; shapes, sizes and offsets agree with each other.
  Metadata metadata;
};

/// Parses the header's text; `file` is the name for messages. Each tensor is checked by itself, not against the others.
SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& file);

/// The header's text without its padding: metadata by key, then the tensors in the given order.
std::string print_safetensors_header(std::span<const Tensor> tensors, const Metadata& metadata);

}  // namespace cnnc::formats
