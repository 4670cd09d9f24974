// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `conv.lanes_grad_input`: the gradient towards x, images innermost. A tile of columns by channels, which filters and taps run
// over. Taps that leave dy are kept out by conditions, which the unrolled columns and taps decide when compiling, where the tiles of
// a row are few enough to be written out, or for the stride; rows are skipped by the loop. Parameters: columns, channels, rows.
#include "lower/templates/conv_shape.h"
#include "schedule/conv_numbers.h"

namespace cnnc {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

Halide::Pipeline build_conv_grad_input(KernelBuilder& builder) {
  const Node& node = builder.anchor();
  const ValueId x_value = node.results[0];
  const ConvShape s = conv_shape(node, builder.type(x_value).dims, builder.type(node.operands[0]).dims, builder.type(node.operands[1]).dims);
  const auto columns = int32(builder.parameter("columns")), channels = int32(builder.parameter("channels"));
  const auto rows = int32(builder.parameter("rows"));
  const auto vector = int32(builder.plan().group);

  const Var l = KernelBuilder::lane_variable(), x("d2"), y("d1"), c("d0"), n = KernelBuilder::batch_variable();
  const auto source = [&](Expr column, Expr row, Expr filter) {
    return builder.element(node.operands[0], {Coordinate::split(n, l, vector),
                                              {Coordinate::whole(filter), Coordinate::whole(row), Coordinate::whole(column)}});
  };
  Func sums("sums");
  RDom r(0, s.kernel_width, 0, s.group_filters(), 0, s.kernel_height);   // tap, filter, tap row
  const Expr filter = s.groups == 1 ? Expr(r.y) : c / s.group_channels() * s.group_filters() + r.y;
  const Expr channel = s.groups == 1 ? Expr(c) : c % s.group_channels();
  const Expr from_x = x + s.pad_left - r.x * s.dilation_x, from_y = y + s.pad_top - r.z * s.dilation_y;
  const Expr weight = builder.element(node.operands[1], {Coordinate::whole(Expr(0)),
                                                         {Coordinate::whole(filter), Coordinate::whole(channel),
                                                          Coordinate::whole(s.tap_y(r.z)), Coordinate::whole(s.tap_x(r.x))}});
  sums(l, x, y, c, n) = Halide::Internal::make_zero(weight.type());
  const Expr sum = sums(l, x, y, c, n);
  r.where(from_y >= 0 && from_y <= (s.out_height - 1) * s.stride_y && from_y % s.stride_y == 0);
  const Expr inside = from_x >= 0 && from_x <= (s.out_width - 1) * s.stride_x && from_x % s.stride_x == 0;
  const Expr column = clamp(from_x / s.stride_x, 0, s.out_width - 1), row = clamp(from_y / s.stride_y, 0, s.out_height - 1);
  sums(l, x, y, c, n) = select(inside, sum + source(column, row, filter) * weight, sum);
  builder.provide(x_value, [=](const Spot& at) {
    return sums(at.image.inner, at.at[2].value, at.at[1].value, at.at[0].value, at.image.outer);
  });

  Results results = define_results(builder);
  Func& func = results.func;
  const Var xi("xi"), xo("xo"), ci("ci"), co("co"), yi("yi"), yo("yo");
  func.split(x, xo, xi, columns, TailStrategy::RoundUp)
      .split(c, co, ci, channels, TailStrategy::GuardWithIf)
      .split(y, yo, yi, rows, tail(s.height, rows, TailStrategy::GuardWithIf))
      .vectorize(l, vector, TailStrategy::RoundUp).unroll(xi).unroll(ci);
  if (s.kernel_width > 1 && s.width / columns <= kMostWrittenOutTiles) func.unroll(xo);
  sums.compute_at(func, xo).bound_extent(c, channels).vectorize(l, vector, TailStrategy::RoundUp).unroll(x).unroll(c);
  sums.update().reorder(l, x, c, r.x, r.y, r.z).vectorize(l, vector, TailStrategy::RoundUp).unroll(x).unroll(c);
  constexpr int32_t kMostTaps = 7;
  if (s.kernel_width <= kMostTaps) sums.update().unroll(r.x);
  keep_on_stack(sums);
  // The weights of a tile lie in cache, for all rows of a band; where that is the image, for all groups. Bands of all groups, or tiles
  // of channels, are one loop, for the threads.
  const Var step("step");
  const int32_t bands = (s.height + rows - 1) / rows, tiles = (s.channels + channels - 1) / channels;
  if (bands == 1) func.reorder(l, xi, ci, xo, yi, yo, n, co).fuse(n, co, step).fuse(yo, step, step);
  else func.reorder(l, xi, ci, xo, yi, co, yo).fuse(yo, n, step);
  parallelize(func, step, multiply_add_ns(builder, s.multiply_adds() * vector / (bands == 1 ? tiles : bands)));
  return Halide::Pipeline(func);
}

}  // namespace cnnc
