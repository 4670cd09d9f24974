// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Layouts: the dimensions of a value's memory, its bytes, its text.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "schedule/conv_numbers.h"
#include "schedule/plan.h"
#include "support/check.h"

namespace cnnc {
namespace {

/// [outputs, inputs, rest…] → lanes, blocks, inputs, rest reversed, tiles: one stream in the order of use.
std::vector<StoredDim> packed_dims(Dims dims, const Layout& layout) {
  const Dims& tile = layout.tile;
  CNNC_CHECK(dims.size() >= 2 && tile.size() >= 2, "packed weights have outputs and inputs");
  if (layout.kind == LayoutKind::Winograd) {
    dims[2] = dims[3] = winograd_side(tile[2]);
    if (tile[3] == 1) std::swap(dims[0], dims[1]);
  }
  std::vector<StoredDim> result;
  const auto push = [&](int64_t extent) { result.push_back({.extent = extent}); };
  push(tile[0]), push(tile[1]), push(dims[1]);
  for (size_t axis = dims.size(); axis-- > 2;) push(dims[axis]);
  push(ceil_divide(dims[0], tile[0] * tile[1]));
  return result;
}

/// The dimensions without their strides.
std::vector<StoredDim> extents_of(const TensorType& type, const Layout& layout) {
  std::vector<StoredDim> result;
  const Dims& dims = type.dims;
  if (layout.is_packed()) return packed_dims(dims, layout);
  if (layout.kind != LayoutKind::Planar) result.push_back({.extent = layout.vector});
  const bool blocked = layout.kind == LayoutKind::Blocked;
  CNNC_CHECK(!blocked || !dims.empty(), "a blocked value has channels");
  for (size_t axis = dims.size(); axis-- > 0;)
    result.push_back({.extent = blocked && axis == 0 ? ceil_divide(dims[0], layout.vector) : dims[axis]});
  if (!layout.border.empty()) {
    CNNC_CHECK(blocked && dims.size() == 3 && layout.border.size() == 4, "only blocked images have a border");
    for (size_t axis = 0; axis < 2; ++axis)   // of the image: columns lie before rows
      result[2 - axis].before = layout.border[axis], result[2 - axis].after = layout.border[axis + 2];
  }
  if (type.batched) result.push_back({.extent = 1, .is_batch = true});
  return result;
}

}  // namespace

std::vector<StoredDim> stored_dims(const TensorType& type, const Layout& layout) {
  std::vector<StoredDim> dims = extents_of(type, layout);
  int64_t stride = 1;
  for (StoredDim& dim : dims) {
    dim.stride = stride;
    stride *= dim.before + dim.extent + dim.after;
  }
  return dims;
}

int64_t border_elements(const std::vector<StoredDim>& dims) {
  int64_t elements = 0;
  for (const StoredDim& dim : dims) elements += dim.before * dim.stride;
  return elements;
}

int64_t stored_bytes(const TensorType& type, const Layout& layout) {
  int64_t bytes = element_bytes(type.element);
  for (const StoredDim& dim : stored_dims(type, layout)) bytes *= dim.before + dim.extent + dim.after;
  return bytes;
}

std::string to_string(const Layout& layout) {
  switch (layout.kind) {
    case LayoutKind::Planar: return "planar";
    case LayoutKind::Lanes: return fmt::format("lanes({})", layout.vector);
    case LayoutKind::Blocked:
      if (!layout.border.empty()) return fmt::format("blocked({}, border: {})", layout.vector, fmt::join(layout.border, " "));
      return fmt::format("blocked({})", layout.vector);
    case LayoutKind::Packed: return fmt::format("packed({})", fmt::join(layout.tile, ", "));
    case LayoutKind::Winograd: return fmt::format("winograd({})", fmt::join(layout.tile, ", "));
  }
  return {};
}

}  // namespace cnnc
