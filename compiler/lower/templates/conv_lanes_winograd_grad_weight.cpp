// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `conv.lanes_winograd_grad_weight`: the gradient towards weights of 3x3 taps at stride 1 by Winograd's algorithm (winograd.h),
// images innermost. For a block of filters by channels, a block of tiles of x and of dy is transformed, x turned so that vectors
// hold channels; for each number of a transformed filter their products are summed over tiles and images in registers, where dy
// is a scalar, then added to sums in memory, which are transformed back at the end: a fixed order whatever runs in parallel.
// Parallel over blocks of filters by channels. Images beyond the batch are masked.
// Parameters: outputs (m: of dy along a side of a tile), filters, vectors (of channels, of the register tile), filter_block,
// vector_block (whose sums lie in cache together), across, band, groups (tiles side by side, below each other, and groups of
// images, that are transformed together).
#include "ir/op.h"
#include "lower/templates/conv_shape.h"
#include "lower/templates/winograd.h"

namespace cnnc {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

Halide::Pipeline build_conv_winograd_grad_weight(KernelBuilder& builder) {
  const Node& node = builder.anchor();
  const ValueId x_value = node.operands[0], dy_value = node.operands[1], w_value = node.results[0];
  const ConvShape s = conv_shape(node, builder.type(x_value).dims, builder.type(dy_value).dims, builder.type(w_value).dims);
  constexpr int32_t kTaps = 3;
  const auto m = int32(builder.parameter("outputs")), side = int32(winograd_side(m)), vector = int32(builder.plan().group);
  const auto filters = int32(builder.parameter("filters")), channels = int32(builder.parameter("vectors")) * vector;
  const auto filter_block = int32(builder.parameter("filter_block")), channel_block = int32(builder.parameter("vector_block")) * vector;
  const auto across = int32(builder.parameter("across")), band = int32(builder.parameter("band")), groups = int32(builder.parameter("groups"));
  const auto tiles_across = (s.out_width + m - 1) / m, tiles_down = (s.out_height + m - 1) / m;

  const Var l = KernelBuilder::lane_variable(), n = KernelBuilder::batch_variable();
  const Var v("d3"), u("d2"), c("d1"), k("d0"), x("x"), y("y"), tx("tx"), ty("ty"), f("f"), e("e"), i("i"), sx("sx"), sy("sy");
  // The mask is a value of its own: as a condition it would make Halide's bounds of everything above depend on it.
  Func live("live");
  live(l, n) = select(n * vector + l < builder.batch(), 1, 0);
  const Expr all_groups = (builder.batch() + vector - 1) / vector;
  const auto at = [&](ValueId value, const Expr& channel, const Expr& row, const Expr& column) {
    const Expr group = groups > 1 ? min(n, all_groups - 1) : Expr(n);
    return select(live(l, n) == 1, builder.element(value, {Coordinate::split(group, l, vector), {Coordinate::whole(channel), Coordinate::whole(row), Coordinate::whole(column)}}), 0.0f);
  };
  Func bordered("bordered"), turned("turned"), image_half("image_half"), image("image"), slope("slope"), slope_half("slope_half"), transformed_slope("transformed_slope");
  // The last vector may have places beyond the channels: what they hold is never stored.
  const Expr channel = s.channels % vector == 0 ? Expr(c) : min(c, s.channels - 1);
  bordered(l, x, y, c, n) = inside_or_zero(y - s.pad_top, s.height, x - s.pad_left, s.width, [&](const Expr& row, const Expr& column) { return at(x_value, channel, row, column); });
  turned(c, l, x, y, n) = bordered(l, x, y, c, n);
  image_half(c, l, tx, ty, i, f, n) = transformed(transform_image, m, f, side, [&](int32_t j) { return Expr(turned(c, l, tx * m + j, ty * m + i, n)); });
  image(c, l, tx, ty, f, e, n) = transformed(transform_image, m, e, side, [&](int32_t row) { return Expr(image_half(c, l, tx, ty, row, f, n)); });
  slope(l, x, y, k, n) = inside_or_zero(y, s.out_height, x, s.out_width, [&](const Expr& row, const Expr& column) { return at(dy_value, k, row, column); });
  slope_half(l, tx, ty, k, i, f, n) = transformed(transform_output_gradient, m, f, m, [&](int32_t j) { return Expr(slope(l, tx * m + j, ty * m + i, k, n)); });
  transformed_slope(l, k, tx, ty, f, e, n) = transformed(transform_output_gradient, m, e, m, [&](int32_t row) { return Expr(slope_half(l, tx, ty, k, row, f, n)); });

  Func part("part"), sums("sums"), back_half("back_half"), back("back");
  const RDom t(0, vector, 0, across, 0, band, 0, groups);
  part(c, k, f, e, sx, sy, n) = 0.0f;
  part(c, k, f, e, sx, sy, n) += image(c, t[0], sx * across + t[1], sy * band + t[2], f, e, n * groups + t[3]) *
                                 transformed_slope(t[0], k, sx * across + t[1], sy * band + t[2], f, e, n * groups + t[3]);
  const RDom g(0, tiles_across / across, 0, tiles_down / band, 0, (all_groups + groups - 1) / groups);
  sums(c, k, f, e) = 0.0f;
  sums(c, k, f, e) += part(c, k, f, e, g.x, g.y, g.z);
  back_half(c, v, k, e) = transformed(transform_back_to_taps, m, v, side, [&](int32_t j) { return Expr(sums(c, k, j, e)); });
  back(c, v, u, k) = transformed(transform_back_to_taps, m, u, side, [&](int32_t j) { return Expr(back_half(c, v, k, j)); });
  builder.provide(w_value, [=](const Spot& spot) { return back(spot.at[1].value, spot.at[3].value, spot.at[2].value, spot.at[0].value); });

  Results results = define_results(builder);
  Func& func = results.func;
  const Var ki("ki"), ko("ko"), kk("kk"), ci("ci"), co("co"), cc("cc"), cu("cu"), task("task");
  func.bound(v, 0, kTaps).bound(u, 0, kTaps)
      .split(k, ko, ki, filter_block, TailStrategy::RoundUp).split(c, co, ci, channel_block, tail(s.channels, channel_block, TailStrategy::GuardWithIf))
      .reorder(v, u, ci, ki, co, ko).unroll(v).unroll(u).fuse(co, ko, task);
  if (multiply_add_ns(builder, s.multiply_adds() * vector) > kTaskNs) func.parallel(task);
  back.compute_at(func, ki).bound_extent(c, channel_block).vectorize(c, vector, TailStrategy::RoundUp).unroll(v).unroll(u);
  back.reorder(v, u, c);
  back_half.compute_at(back, c).bound_extent(e, side).vectorize(c, vector, TailStrategy::RoundUp).unroll(v).unroll(e);
  sums.compute_at(func, task).bound_extent(f, side).bound_extent(e, side).bound_extent(c, channel_block).bound_extent(k, filter_block);
  sums.vectorize(c, vector, TailStrategy::RoundUp);
  sums.update().split(c, cc, ci, channels, TailStrategy::RoundUp).split(ci, cu, ci, vector).split(k, kk, ki, filters, TailStrategy::RoundUp)
      .reorder(ci, cu, ki, cc, kk, f, e, g.x, g.y, g.z).vectorize(ci).unroll(cu).unroll(ki);
  part.compute_at(sums, cc).bound_extent(c, channels).bound_extent(k, filters).vectorize(c, vector, TailStrategy::RoundUp).unroll(c).unroll(k);
  part.update().reorder(c, k, t[0], t[1], t[2], t[3]).vectorize(c, vector, TailStrategy::RoundUp).unroll(c).unroll(k);
  live.compute_at(sums, g.z).bound_extent(n, groups).vectorize(l, vector, TailStrategy::RoundUp);
  for (Func* stage : {&image, &transformed_slope})
    stage->compute_at(sums, g.x).bound_extent(tx, across).bound_extent(ty, band).bound_extent(n, groups).bound_extent(f, side).bound_extent(e, side);
  image.bound_extent(c, channel_block).bound_extent(l, vector).align_storage(l, vector | 1)
      .split(c, co, ci, vector).reorder(ci, f, e, l, tx, ty, co, n).vectorize(ci).unroll(f).unroll(e);
  image_half.compute_at(image, l).bound_extent(f, side).vectorize(c, vector, TailStrategy::RoundUp).unroll(f).unroll(i);
  turned.compute_at(image, co).bound_extent(c, vector).bound_extent(l, vector).vectorize(c, vector).unroll(l).reorder(c, l, x, y, n);
  bordered.compute_at(image, co).vectorize(l, vector, TailStrategy::RoundUp);
  transformed_slope.align_storage(k, filter_block | 1).reorder(l, f, e, tx, ty, k, n).vectorize(l, vector, TailStrategy::RoundUp).unroll(f).unroll(e);
  slope_half.compute_at(transformed_slope, tx).bound_extent(f, side).vectorize(l, vector, TailStrategy::RoundUp).unroll(f).unroll(i);
  slope.compute_at(transformed_slope, k).vectorize(l, vector, TailStrategy::RoundUp);
  for (Func* scratch : {&bordered, &turned, &image_half, &image, &slope, &slope_half, &transformed_slope, &part, &sums, &live, &back, &back_half}) keep_on_stack(*scratch);
  return Halide::Pipeline(func);
}

}  // namespace cnnc
