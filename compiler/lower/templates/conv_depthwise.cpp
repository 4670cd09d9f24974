// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `conv.depthwise`: each channel has a filter of its own; channels lie in vectors. The taps of a pixel are written out as one
// sum, for several columns at once, which share what they read. x lies in blocks with a border of zeros as wide as the taps
// reach, the weights in blocks too. Parameters: columns, rows (of a tile).
#include "lower/templates/conv_shape.h"

namespace cnnc {

using Halide::Expr;
using Halide::Func;
using Halide::TailStrategy;
using Halide::Var;

void provide_depthwise(KernelBuilder& builder, const Node& node) {
  const ValueId x_value = node.operands[0], w_value = node.operands[1], y_value = node.results[0];
  const bool has_bias = node.operands.size() > 2 && node.operands[2].valid();
  const ConvShape s = conv_shape(node, builder.type(x_value).dims, builder.type(y_value).dims, builder.type(w_value).dims);
  const int64_t vector = builder.layout(y_value).vector;
  const Coordinate zero = Coordinate::whole(Expr(0));
  builder.provide(y_value, [=, &builder, &node](const Spot& at) {
    const auto [block, lane] = at.at[0].parts(vector);
    const Coordinate channel = Coordinate::split(block, lane, vector);
    Expr sum = has_bias ? builder.element(node.operands[2], {zero, {channel}}) : Expr();
    for (int32_t u = 0; u < s.kernel_height; ++u)
      for (int32_t v = 0; v < s.kernel_width; ++v) {
        const Coordinate row = Coordinate::whole(at.at[1].value * s.stride_y + (u * s.dilation_y - s.pad_top));
        const Coordinate column = Coordinate::whole(at.at[2].value * s.stride_x + (v * s.dilation_x - s.pad_left));
        const Spot tap{zero, {channel, zero, Coordinate::whole(s.tap_y(u)), Coordinate::whole(s.tap_x(v))}};
        const Expr product = builder.element(x_value, {at.image, {channel, row, column}}) * builder.element(w_value, tap);
        sum = sum.defined() ? sum + product : product;
      }
    return sum;
  });
}

Halide::Pipeline build_conv_depthwise(KernelBuilder& builder) {
  const Node& node = builder.anchor();
  const ValueId y_value = node.results[0];
  const bool batched = builder.type(y_value).batched;
  const ConvShape s = conv_shape(node, builder.type(node.operands[0]).dims, builder.type(y_value).dims, builder.type(node.operands[1]).dims);
  const auto vector = int32(builder.layout(y_value).vector), columns = int32(builder.parameter("columns")), rows = int32(builder.parameter("rows"));
  provide_depthwise(builder, node);

  Results results = define_results(builder);
  Func& func = results.func;
  const std::vector<Var>& variables = results.stored.variables;
  const Var l = variables[0], x = variables[1], y = variables[2], k = variables[3];
  const Var xi("xi"), xo("xo"), yi("yi"), yo("yo"), step("step");
  func.split(x, xo, xi, columns, tail(s.out_width, columns))
      .split(y, yo, yi, rows, tail(s.out_height, rows))
      .reorder(l, xi, yi, xo, yo, k)
      .vectorize(l, vector, TailStrategy::RoundUp).unroll(xi).unroll(yi);
  if (batched) {
    func.fuse(k, results.batch(), step);
  } else {
    func.rename(k, step);
  }
  parallelize(func, step, multiply_add_ns(builder, s.multiply_adds() / s.channels * vector));
  return Halide::Pipeline(func);
}

}  // namespace cnnc
