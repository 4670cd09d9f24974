// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the shape rules of ops share: checks that give a sentence where something is wrong, and the arithmetic of windows
// (convolutions and pools). Rules must refuse any attributes, since the IR's text form may come from a person.
#pragma once
#include <optional>
#include <string>

#include "ir/op.h"

namespace cnnc {

/// What is wrong; nothing when all is well.
using Complaint = std::optional<std::string>;

inline InferResult one_result(TensorType type) { return std::vector<TensorType>{std::move(type)}; }

inline bool is_float(ElementType element) { return element == ElementType::F32 || element == ElementType::F64; }

/// Whether the optional operand is there.
inline bool has_type(std::span<const TensorType> in, size_t index) { return index < in.size() && !is_absent(in[index]); }

Complaint check_count(std::span<const TensorType> in, size_t minimum, size_t maximum);
/// All operands (that are there) are of one float element type.
Complaint check_same_float(std::span<const TensorType> in);
/// Every extent is at least 1 and below limits::kMaximumExtent, and the number of elements is below kMaximumElements.
Complaint check_dims(const Dims& dims);
inline constexpr int64_t kMaximumElements = int64_t{1} << 40;
/// False also when the product would overflow.
bool dims_fit(const Dims& dims);

/// Kernel, stride, dilation: [vertical, horizontal]; pad: [top, left, bottom, right].
struct Window {
  Dims kernel, stride, pad, dilation = {1, 1};
  bool ceil = false;
};

/// The number of lists' items and the ranges of their values.
Complaint check_window(const Window& window);
/// A pool's padding is at most half its kernel, so that each window touches the image.
Complaint check_pool_padding(const Window& window);
/// Places of the window along axis 0 (vertical) or 1, on an extent; 0: it does not fit.
int64_t window_outputs(const Window& window, int axis, int64_t extent);
/// Whether every window lies inside the image: no place of it needs a check.
bool lies_inside(const Window& window, const Dims& image);
/// [channels, height, width] → the same channels with the window's outputs.
std::variant<Dims, std::string> window_dims(const Window& window, const Dims& image);

/// The place of a coordinate tuple in row-major order.
Scalar flatten_coordinates(Body& body, const std::vector<Scalar>& at, const Dims& dims);

}  // namespace cnnc
