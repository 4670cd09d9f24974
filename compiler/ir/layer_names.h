// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a node's layer is called: forward as in the source, "stem.conv1", and backward with a mark that no name of a source has.
#pragma once

#include <string>
#include <string_view>

namespace cnnc {

inline constexpr char kBackwardMark = '\'';

/// "conv1" → "conv1'"; a node of no layer stays so.
inline std::string backward_name(std::string_view layer) { return layer.empty() ? std::string() : std::string(layer) + kBackwardMark; }

/// "conv1'" → "conv1"; names of the forward pass stay as they are.
inline std::string_view without_backward_mark(std::string_view layer) {
  if (layer.ends_with(kBackwardMark)) layer.remove_suffix(1);
  return layer;
}

}  // namespace cnnc
