// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks and arithmetic that shape rules share. Tests: test/ops/windows.cpp.
#include "ops/shape_rules.h"

#include <fmt/format.h>

#include "support/limits.h"

namespace cnnc {
namespace {

/// Large enough for any picture, small enough that sums of products of these never overflow.
constexpr int64_t kMaximumWindow = int64_t{1} << 24;

bool in_range(const Dims& list, size_t count, int64_t minimum) {
  if (list.size() != count) return false;
  for (int64_t value : list)
    if (value < minimum || value > kMaximumWindow) return false;
  return true;
}

}  // namespace

Complaint check_count(std::span<const TensorType> in, size_t minimum, size_t maximum) {
  if (in.size() < minimum || in.size() > maximum)
    return minimum == maximum ? fmt::format("needs {} operands, but has {}", minimum, in.size())
                              : fmt::format("needs {} to {} operands, but has {}", minimum, maximum, in.size());
  return {};
}

Complaint check_same_float(std::span<const TensorType> in) {
  for (const TensorType& type : in) {
    if (is_absent(type)) continue;
    if (!is_float(type.element)) return "needs floating-point operands, but one is " + to_string(type);
    if (type.element != in[0].element)
      return fmt::format("needs operands of one element type, but they are {} and {}", to_string(in[0]), to_string(type));
  }
  return {};
}

bool dims_fit(const Dims& dims) {
  if (dims.size() > limits::kMaximumRank) return false;
  int64_t count = 1;
  for (int64_t extent : dims) {
    if (extent < 1 || extent >= limits::kMaximumExtent || extent >= kMaximumElements / count) return false;
    count *= extent;
  }
  return true;
}

Complaint check_dims(const Dims& dims) {
  if (dims.size() > limits::kMaximumRank) return fmt::format("there are at most {} dimensions, but here are {}", limits::kMaximumRank, dims.size());
  if (!dims_fit(dims)) return fmt::format("dimensions {} are not positive, or one is 2^31 or more, or they have 2^40 elements or more", to_string(dims));
  return {};
}

Complaint check_window(const Window& window) {
  if (!in_range(window.kernel, 2, 1)) return "`kernel` needs two positive numbers";
  if (!in_range(window.stride, 2, 1)) return "`stride` needs two positive numbers";
  if (!in_range(window.dilation, 2, 1)) return "`dilation` needs two positive numbers";
  if (!in_range(window.pad, 4, 0)) return "`pad` needs four numbers that are not negative: top, left, bottom, right";
  return {};
}

Complaint check_pool_padding(const Window& window) {
  for (size_t side = 0; side < 4; ++side)
    if (window.pad[side] > window.kernel[side % 2] / 2)
      return fmt::format("padding {} is more than half the kernel {}", window.pad[side], window.kernel[side % 2]);
  return {};
}

int64_t window_outputs(const Window& window, int axis, int64_t extent) {
  const auto a = static_cast<size_t>(axis);
  const int64_t before = window.pad[a], after = window.pad[a + 2], stride = window.stride[a];
  const int64_t room = extent + before + after - window.dilation[a] * (window.kernel[a] - 1) - 1;
  if (room < 0) return 0;
  if (!window.ceil) return room / stride + 1;
  const int64_t outputs = (room + stride - 1) / stride + 1;
  // A last window that would start in the padding behind the image (or later) is dropped.
  return (outputs - 1) * stride >= extent + before ? outputs - 1 : outputs;
}

bool lies_inside(const Window& window, const Dims& image) {
  for (const size_t axis : {size_t{0}, size_t{1}}) {
    const int64_t last = (window_outputs(window, static_cast<int>(axis), image[axis + 1]) - 1) * window.stride[axis];
    if (window.pad[axis] > 0 || last + (window.kernel[axis] - 1) * window.dilation[axis] >= image[axis + 1]) return false;
  }
  return true;
}

std::variant<Dims, std::string> window_dims(const Window& window, const Dims& image) {
  if (image.size() != 3) return "needs an operand [channels, height, width], but has " + to_string(image);
  const int64_t height = window_outputs(window, 0, image[1]), width = window_outputs(window, 1, image[2]);
  if (height < 1 || width < 1)
    return fmt::format("the window {} does not fit into {}", to_string(window.kernel), to_string(image));
  return Dims{image[0], height, width};
}

Scalar flatten_coordinates(Body& body, const std::vector<Scalar>& at, const Dims& dims) {
  if (at.empty()) return body.integer(0);
  Scalar flat = at[0];
  for (size_t axis = 1; axis < dims.size(); ++axis) flat = flat * dims[axis] + at[axis];
  return flat;
}

}  // namespace cnnc
