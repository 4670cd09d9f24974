// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The numbers of a convolution.
#include "lower/templates/conv_shape.h"

namespace cnnc {

using Halide::Expr;

ConvShape conv_shape(const Node& node, const Dims& x, const Dims& y, const Dims& weight) {
  const auto list = [&](const char* name) { return std::get<Dims>(node.attributes.at(name)); };
  const Dims stride = list("stride"), pad = list("pad"), dilation = list("dilation");
  ConvShape shape;
  shape.channels = int32(x[0]), shape.height = int32(x[1]), shape.width = int32(x[2]);
  shape.filters = int32(y[0]), shape.out_height = int32(y[1]), shape.out_width = int32(y[2]);
  shape.kernel_height = int32(weight[2]), shape.kernel_width = int32(weight[3]);
  shape.stride_y = int32(stride[0]), shape.stride_x = int32(stride[1]);
  shape.pad_top = int32(pad[0]), shape.pad_left = int32(pad[1]);
  shape.dilation_y = int32(dilation[0]), shape.dilation_x = int32(dilation[1]);
  shape.groups = int32(std::get<int64_t>(node.attributes.at("groups")));
  shape.flip = std::get<bool>(node.attributes.at("flip"));
  return shape;
}

ConvShape gradient_shape(const ConvShape& of) {
  ConvShape shape = of;
  shape.channels = of.filters, shape.height = of.out_height, shape.width = of.out_width;
  shape.filters = of.channels, shape.out_height = of.height, shape.out_width = of.width;
  shape.pad_top = (of.kernel_height - 1) * of.dilation_y - of.pad_top, shape.pad_left = (of.kernel_width - 1) * of.dilation_x - of.pad_left;
  shape.flip = !of.flip;
  return shape;
}

bool ConvShape::leaves_rows() const {
  return pad_top > 0 || (out_height - 1) * stride_y + (kernel_height - 1) * dilation_y - pad_top >= height;
}

bool ConvShape::leaves_columns() const {
  return pad_left > 0 || (out_width - 1) * stride_x + (kernel_width - 1) * dilation_x - pad_left >= width;
}

double ConvShape::multiply_adds() const {
  return static_cast<double>(filters) * out_height * out_width * group_channels() * kernel_height * kernel_width;
}

PoolWindow pool_window(KernelBuilder& builder) {
  if (builder.kernel().pool < 0) return {};
  const Dims& size = std::get<Dims>(builder.graph().node(builder.kernel().pool).attributes.at("kernel"));
  builder.set_unroll_limit(size[0] * size[1]);
  return {int32(size[0]), int32(size[1])};
}

Expr inside_or_zero(const Expr& y, int32_t height, const Expr& x, int32_t width,
                    const std::function<Expr(Expr y, Expr x)>& element) {
  const Expr inside = y >= 0 && y < height && x >= 0 && x < width;
  // `likely` lets Halide cut the loops where conditions change: most of a row is then copied without any.
  const Expr value = element(clamp(likely(y), 0, height - 1), clamp(likely(x), 0, width - 1));
  return select(inside, likely(value), Halide::Internal::make_zero(value.type()));
}

}  // namespace cnnc
