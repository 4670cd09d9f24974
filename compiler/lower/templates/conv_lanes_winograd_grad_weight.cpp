// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `conv.lanes_winograd_grad_weight`: the gradient towards weights of 3x3 taps at stride 1 by Winograd's algorithm (winograd.h),
// images innermost. For a block of filters by channels, a block of tiles of x and of dy is transformed; for each number of a
// transformed filter their products are summed over the tiles in registers, then added to vectors over lanes. At the end the
// sums are transformed back and their lanes added: a fixed order whatever runs in parallel. Parallel over blocks of filters by
// channels. Images beyond the batch are masked.
// Parameters: outputs (m: of dy along a side of a tile), filters, channels (of the register tile), filter_block, channel_block
// (whose sums lie in cache together), across, band, groups (tiles side by side, below each other, and groups of images, that are transformed together).
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
  const auto m = int32(builder.parameter("outputs")), side = int32(winograd_side(m)), vector = int32(builder.plan().group), kept = std::min(vector, int32(kWinogradKeptLanes));
  const auto filters = int32(builder.parameter("filters")), channels = int32(builder.parameter("channels"));
  const auto filter_block = int32(builder.parameter("filter_block")), channel_block = int32(builder.parameter("channel_block"));
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
  Func bordered("bordered"), image_half("image_half"), image("image"), slope("slope"), slope_half("slope_half"), transformed_slope("transformed_slope");
  bordered(l, x, y, c, n) = inside_or_zero(y - s.pad_top, s.height, x - s.pad_left, s.width, [&](const Expr& row, const Expr& column) { return at(x_value, c, row, column); });
  image_half(l, tx, ty, c, i, f, n) = transformed(transform_image, m, f, side, [&](int32_t j) { return Expr(bordered(l, tx * m + j, ty * m + i, c, n)); });
  image(l, c, tx, ty, f, e, n) = transformed(transform_image, m, e, side, [&](int32_t row) { return Expr(image_half(l, tx, ty, c, row, f, n)); });
  slope(l, x, y, k, n) = inside_or_zero(y, s.out_height, x, s.out_width, [&](const Expr& row, const Expr& column) { return at(dy_value, k, row, column); });
  slope_half(l, tx, ty, k, i, f, n) = transformed(transform_output_gradient, m, f, m, [&](int32_t j) { return Expr(slope(l, tx * m + j, ty * m + i, k, n)); });
  transformed_slope(l, k, tx, ty, f, e, n) = transformed(transform_output_gradient, m, e, m, [&](int32_t row) { return Expr(slope_half(l, tx, ty, k, row, f, n)); });

  Func part("part"), sums("sums"), back_half("back_half"), back("back");
  const RDom t(0, across, 0, band, 0, groups);
  part(l, c, k, f, e, sx, sy, n) = 0.0f;
  part(l, c, k, f, e, sx, sy, n) += image(l, c, sx * across + t.x, sy * band + t.y, f, e, n * groups + t.z) * transformed_slope(l, k, sx * across + t.x, sy * band + t.y, f, e, n * groups + t.z);
  const RDom g(0, tiles_across / across, 0, tiles_down / band, 0, (all_groups + groups - 1) / groups);
  sums(l, c, k, f, e) = 0.0f;
  sums(l, c, k, f, e) += sum_tree([&](int quarter) { return Expr(part(l + quarter * kept, c, k, f, e, g.x, g.y, g.z)); }, 0, vector / kept);
  back_half(l, v, c, k, e) = transformed(transform_back_to_taps, m, v, side, [&](int32_t j) { return Expr(sums(l, c, k, j, e)); });
  back(l, v, u, c, k) = transformed(transform_back_to_taps, m, u, side, [&](int32_t j) { return Expr(back_half(l, v, c, k, j)); });
  builder.provide(w_value, [=](const Spot& spot) {
    return sum_tree([&](int lane) { return back(lane, spot.at[3].value, spot.at[2].value, spot.at[1].value, spot.at[0].value); }, 0, kept);
  });

  Results results = define_results(builder);
  Func& func = results.func;
  const Var ki("ki"), ko("ko"), kk("kk"), ci("ci"), co("co"), cc("cc"), task("task");
  func.bound(v, 0, kTaps).bound(u, 0, kTaps)
      .split(k, ko, ki, filter_block, TailStrategy::RoundUp).split(c, co, ci, channel_block, TailStrategy::RoundUp)
      .reorder(v, u, ci, ki, co, ko).unroll(v).unroll(u).fuse(co, ko, task);
  if (multiply_add_ns(builder, s.multiply_adds() * vector) > 5000) func.parallel(task);
  back.compute_at(func, ci).vectorize(l, kept).unroll(v).unroll(u);
  back_half.compute_at(func, ci).vectorize(l, kept).unroll(v).unroll(e);
  sums.compute_at(func, task).bound_extent(f, side).bound_extent(e, side).bound_extent(c, channel_block).bound_extent(k, filter_block);
  sums.align_storage(c, channel_block | 1).vectorize(l, kept, TailStrategy::RoundUp);
  sums.update().split(c, cc, ci, channels, TailStrategy::RoundUp).split(k, kk, ki, filters, TailStrategy::RoundUp)
      .reorder(l, ci, ki, cc, kk, f, e, g.x, g.y, g.z).vectorize(l, kept, TailStrategy::RoundUp).unroll(ci).unroll(ki);
  part.compute_at(sums, cc).vectorize(l, vector, TailStrategy::RoundUp).unroll(c).unroll(k);
  part.update().reorder(l, c, k, t.x, t.y, t.z).vectorize(l, vector, TailStrategy::RoundUp).unroll(c).unroll(k);
  live.compute_at(sums, g.z).bound_extent(n, groups).vectorize(l, vector, TailStrategy::RoundUp);
  const auto schedule_transform = [&](Func& stage, Func& half, Func& copy, const Var& channel, int32_t block) {
    stage.compute_at(sums, g.x).bound_extent(tx, across).bound_extent(ty, band).bound_extent(n, groups).bound_extent(f, side).bound_extent(e, side);
    stage.align_storage(channel, block | 1).reorder(l, f, e, tx, ty, channel, n).vectorize(l, vector, TailStrategy::RoundUp).unroll(f).unroll(e);
    half.compute_at(stage, tx).bound_extent(f, side).vectorize(l, vector, TailStrategy::RoundUp).unroll(f).unroll(i);
    copy.compute_at(stage, channel).vectorize(l, vector, TailStrategy::RoundUp);
    for (Func* scratch : {&stage, &half, &copy}) keep_on_stack(*scratch);
  };
  schedule_transform(image, image_half, bordered, c, channel_block);
  schedule_transform(transformed_slope, slope_half, slope, k, filter_block);
  for (Func* scratch : {&part, &sums, &live, &back, &back_half}) keep_on_stack(*scratch);
  return Halide::Pipeline(func);
}

}  // namespace cnnc
