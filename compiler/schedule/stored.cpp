// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Layouts: the dimensions of a value's memory, its bytes, its text.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "schedule/plan.h"
#include "support/check.h"

namespace cnnc {
namespace {

constexpr int64_t ceil_divide(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// [outputs, inputs, rest…] → lanes, blocks, inputs, rest reversed, tiles: one stream in the order of use.
std::vector<StoredDim> packed_dims(const Dims& dims, const Dims& tile) {
  CNNC_CHECK(dims.size() >= 2 && tile.size() == 2, "packed weights have outputs and inputs");
  std::vector<StoredDim> result = {{tile[0]}, {tile[1]}, {dims[1]}};
  for (size_t axis = dims.size(); axis-- > 2;) result.push_back({dims[axis]});
  result.push_back({ceil_divide(dims[0], tile[0] * tile[1])});
  return result;
}

}  // namespace

std::vector<StoredDim> stored_dims(const TensorType& type, const Layout& layout) {
  std::vector<StoredDim> result;
  const Dims& dims = type.dims;
  if (layout.kind == LayoutKind::Packed) return packed_dims(dims, layout.tile);
  if (layout.kind != LayoutKind::Planar) result.push_back({layout.vector});
  const bool blocked = layout.kind == LayoutKind::Blocked;
  CNNC_CHECK(!blocked || !dims.empty(), "a blocked value has channels");
  for (size_t axis = dims.size(); axis-- > 0;)
    result.push_back({blocked && axis == 0 ? ceil_divide(dims[0], layout.vector) : dims[axis]});
  if (type.batched) result.push_back({1, true});
  return result;
}

int64_t stored_bytes(const TensorType& type, const Layout& layout) {
  int64_t bytes = element_bytes(type.element);
  for (const StoredDim& dim : stored_dims(type, layout)) bytes *= dim.extent;
  return bytes;
}

std::string to_string(const Layout& layout) {
  switch (layout.kind) {
    case LayoutKind::Planar: return "planar";
    case LayoutKind::Lanes: return fmt::format("lanes({})", layout.vector);
    case LayoutKind::Blocked: return fmt::format("blocked({})", layout.vector);
    case LayoutKind::Packed: return fmt::format("packed({})", fmt::join(layout.tile, ", "));
  }
  return {};
}

}  // namespace cnnc
