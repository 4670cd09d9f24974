// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checked size of an array that a file declares.
#include "runtime/formats/limits.h"

namespace cnnc::formats {

std::optional<std::uint64_t> checked_size(std::span<const std::uint64_t> shape, std::uint64_t element_size) {
  std::uint64_t size = element_size;
  bool empty = false;
  for (const std::uint64_t extent : shape) {
    if (extent == 0) {
      empty = true;
      continue;
    }
    const std::optional<std::uint64_t> product = checked_multiply(size, extent);
    if (!product) return std::nullopt;
    size = *product;
  }
  return empty ? 0 : size;
}

}  // namespace cnnc::formats
