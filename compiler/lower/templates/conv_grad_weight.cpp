// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `conv.lanes_grad_weight`: the gradient towards the weight, images innermost. Partial sums of one group and one strip of rows
// stay in registers (taps of a row by channels by filters), are added to vectors over lanes, and the lanes are summed last:
// a fixed order whatever runs in parallel. Parallel over blocks of filters by channels. Images beyond the batch are masked.
// Parameters: filters, channels (of the register tile), tiles (of filters), block (of channels): whose lane vectors lie in cache
// together; rows (of a strip), unroll (columns), border (1: x is copied into a bordered scratch, once for a block).
#include "lower/templates/conv_shape.h"

namespace cnnc {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

Halide::Pipeline build_conv_grad_weight(KernelBuilder& builder) {
  const Node& node = builder.anchor();
  const ValueId w_value = node.results[0];
  const ConvShape s = conv_shape(node, builder.type(node.operands[0]).dims, builder.type(node.operands[1]).dims, builder.type(w_value).dims);
  const auto filters = int32(builder.parameter("filters")), channels = int32(builder.parameter("channels"));
  const auto filter_block = filters * int32(builder.parameter("tiles")), block = int32(builder.parameter("block")), rows = int32(builder.parameter("rows"));
  const auto unroll = int32(builder.parameter("unroll")), border = int32(builder.parameter("border"));
  const auto vector = int32(builder.plan().group);

  const Var l = KernelBuilder::lane_variable(), n = KernelBuilder::batch_variable();
  const Var v("d3"), u("d2"), c("d1"), k("d0"), x("x"), y("y"), strip("strip");
  const auto at = [&](ValueId value, Expr channel, Expr row, Expr column) {
    return builder.element(value, {Coordinate::split(n, l, vector),
                                   {Coordinate::whole(channel), Coordinate::whole(row), Coordinate::whole(column)}});
  };
  Func bordered("bordered"), part("part"), sums("sums");
  if (border == 1)
    bordered(l, x, y, c, n) = inside_or_zero(y - s.pad_top, s.height, x - s.pad_left, s.width,
                                             [&](Expr row, Expr column) { return at(node.operands[0], c, row, column); });

  const RDom r(0, s.out_width, 0, rows);
  const Expr out_row = strip * rows + r.y;
  const Expr channel = s.groups == 1 ? Expr(c) : k / s.group_filters() * s.group_channels() + c;
  const Expr column = r.x * s.stride_x + v * s.dilation_x, row = out_row * s.stride_y + u * s.dilation_y;
  const Expr element = border == 1 ? Expr(bordered(l, column, row, channel, n))
                                   : at(node.operands[0], channel, row - s.pad_top, column - s.pad_left);
  part(l, v, u, c, k, strip, n) = Halide::Internal::make_zero(element.type());
  part(l, v, u, c, k, strip, n) += at(node.operands[1], k, out_row, r.x) * element;

  const RDom g(0, s.out_height / rows, 0, (builder.batch() + vector - 1) / vector);
  // The mask is a value of its own: as a condition it would make Halide's bounds of everything above depend on it.
  Func live("live");
  live(l, n) = select(n * vector + l < builder.batch(), 1, 0);
  const Expr valid = live(l, g.y) == 1;
  sums(l, v, u, c, k) = Halide::Internal::make_zero(element.type());
  sums(l, v, u, c, k) += select(valid, part(l, v, u, c, k, g.x, g.y), Halide::Internal::make_zero(element.type()));
  builder.provide(w_value, [=](const Spot& spot) {
    return sum_tree([&](int lane) { return sums(lane, s.tap_x(spot.at[3].value), s.tap_y(spot.at[2].value), spot.at[1].value, spot.at[0].value); },
                    0, vector);
  });

  Results results = define_results(builder);
  Func& func = results.func;
  const Var ki("ki"), ko("ko"), kk("kk"), ci("ci"), co("co"), cc("cc"), task("task");
  func.split(k, ko, ki, filter_block, TailStrategy::GuardWithIf).split(c, co, ci, block, TailStrategy::GuardWithIf)
      .reorder(v, u, ci, ki, co, ko).fuse(co, ko, task);
  if (multiply_add_ns(builder, s.multiply_adds() * vector) > kTaskNs) func.parallel(task);
  sums.compute_at(func, task).bound_extent(v, s.kernel_width).vectorize(l, vector, TailStrategy::RoundUp);
  sums.update().split(c, cc, ci, channels, TailStrategy::GuardWithIf).split(k, kk, ki, filters, TailStrategy::GuardWithIf)
      .reorder(l, v, ci, ki, u, cc, kk, g.x, g.y).vectorize(l, vector, TailStrategy::RoundUp).unroll(v).unroll(ci).unroll(ki);
  part.compute_at(sums, u).vectorize(l, vector, TailStrategy::RoundUp).unroll(v).unroll(c).unroll(k);
  part.update().reorder(l, v, c, k, r.x, r.y).vectorize(l, vector, TailStrategy::RoundUp).unroll(v).unroll(c).unroll(k);
  if (unroll > 1) part.update().unroll(r.x, unroll, TailStrategy::GuardWithIf);
  live.compute_at(sums, g.y).vectorize(l, vector, TailStrategy::RoundUp);
  for (Func* scratch : {&sums, &part, &live}) keep_on_stack(*scratch);
  if (border == 1) {
    bordered.compute_at(sums, g.x).vectorize(l, vector, TailStrategy::RoundUp);
    keep_on_stack(bordered);
  }
  return Halide::Pipeline(func);
}

}  // namespace cnnc
