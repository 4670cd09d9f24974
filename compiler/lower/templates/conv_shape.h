// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The numbers of a convolution, as their templates use them. Private to lower.
#pragma once
#include "lower/templates/tools.h"

namespace cnnc {

struct ConvShape {
  int32_t channels = 0, height = 0, width = 0;                  // of x
  int32_t filters = 0, out_height = 0, out_width = 0;           // of y
  int32_t kernel_height = 0, kernel_width = 0;
  int32_t stride_y = 1, stride_x = 1, pad_top = 0, pad_left = 0, dilation_y = 1, dilation_x = 1;
  int32_t groups = 1;
  bool flip = false;

  int32_t group_channels() const { return channels / groups; }
  int32_t group_filters() const { return filters / groups; }
  /// Whether a tap reads outside x.
  bool leaves_rows() const;
  bool leaves_columns() const;
  Halide::Expr tap_y(const Halide::Expr& u) const { return flip ? kernel_height - 1 - u : u; }
  Halide::Expr tap_x(const Halide::Expr& v) const { return flip ? kernel_width - 1 - v : v; }
  double multiply_adds() const;
};

/// From the types of x, y and the weight, and the attributes of any of the three ops.
ConvShape conv_shape(const Node& node, const Dims& x, const Dims& y, const Dims& weight);

/// The gradient towards x of a convolution at stride 1: a convolution of dy with mirrored filters.
ConvShape gradient_shape(const ConvShape& of);

/// The windows of a pool in the same kernel; without one 1 x 1. The results of a tile of sums are so much smaller.
struct PoolWindow {
  int32_t height = 1, width = 1;
};
/// From here on the places of a window are written out.
PoolWindow pool_window(KernelBuilder& builder);

/// From here on the elements of the result are sums of taps that are written out; each channel has a filter of its own.
void provide_depthwise(KernelBuilder& builder, const Node& node);

/// element(place) where `inside` holds, else 0; the place is clamped.
Halide::Expr inside_or_zero(const Halide::Expr& y, int32_t height, const Halide::Expr& x, int32_t width,
                            const std::function<Halide::Expr(Halide::Expr y, Halide::Expr x)>& element);

}  // namespace cnnc
