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
  if (layout.kind == LayoutKind::Winograd) dims[2] = dims[3] = winograd_side(tile[2]);
  if (layout.is_turned()) std::swap(dims[0], dims[1]);
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
  if (type.batched && layout.image_step > 0) dims.back().stride = layout.image_step;
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

int64_t step_bytes(const TensorType& type, const Layout& layout) {
  return type.batched && layout.image_step > 0 ? layout.image_step * element_bytes(type.element) : stored_bytes(type, layout);
}

std::string to_string(const Layout& layout) {
  std::string kind;
  std::vector<std::string> numbers;
  switch (layout.kind) {
    case LayoutKind::Planar: kind = "planar"; break;
    case LayoutKind::Lanes: kind = "lanes"; break;
    case LayoutKind::Blocked: kind = "blocked"; break;
    case LayoutKind::Packed: kind = "packed"; break;
    case LayoutKind::Winograd: kind = "winograd"; break;
  }
  if (layout.kind == LayoutKind::Lanes || layout.kind == LayoutKind::Blocked) numbers.push_back(std::to_string(layout.vector));
  for (const int64_t number : layout.tile) numbers.push_back(std::to_string(number));
  if (!layout.border.empty()) numbers.push_back(fmt::format("border: {}", fmt::join(layout.border, " ")));
  if (layout.image_step > 0) numbers.push_back(fmt::format("step: {}", layout.image_step));
  return numbers.empty() ? kind : fmt::format("{}({})", kind, fmt::join(numbers, ", "));
}

}  // namespace cnnc
