// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `conv.lanes_winograd`: 3x3 taps at stride 1 by Winograd's algorithm (winograd.h), images innermost; the convolution, or its
// gradient towards x, which is the convolution of dy with filters turned around. A block of tiles is transformed channel by
// channel, from a copy with zeros around; then for each tile of filters the products are summed in registers, where weights
// are scalars, and transformed back where the result is stored; a pool takes its windows from there.
// Parameters: columns, rows, blocks (of a register tile), across, band (tiles that are transformed together), unroll.
#include "ir/op.h"
#include "lower/templates/conv_shape.h"
#include "lower/templates/winograd.h"

namespace cnnc {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

Halide::Pipeline build_conv_lanes_winograd(KernelBuilder& builder) {
  const Node& node = builder.anchor();
  const bool towards_x = node.op->name == "conv_grad_input";
  const ValueId from = node.operands[0], w_value = node.operands[1], to = node.results[0];
  const bool has_bias = !towards_x && node.operands.size() > 2 && node.operands[2].valid();
  const Dims &from_dims = builder.type(from).dims, &to_dims = builder.type(to).dims;
  const ConvShape s = towards_x ? conv_shape(node, to_dims, from_dims, builder.type(w_value).dims) : conv_shape(node, from_dims, to_dims, builder.type(w_value).dims);
  const int32_t pad_top = towards_x ? 2 - s.pad_top : s.pad_top, pad_left = towards_x ? 2 - s.pad_left : s.pad_left;
  const int32_t channels = int32(from_dims[0]), height = int32(to_dims[1]), width = int32(to_dims[2]);
  const Dims& packed = builder.layout(w_value).tile;
  const int32_t vector = int32(builder.plan().group), blocks = int32(packed[1]), m = int32(packed[2]), side = int32(winograd_side(m));
  const auto columns = int32(builder.parameter("columns")), rows = int32(builder.parameter("rows")), unroll = int32(builder.parameter("unroll"));
  const auto across = int32(builder.parameter("across")), band = int32(builder.parameter("band"));
  const PoolWindow window = pool_window(builder);

  const Var l = KernelBuilder::lane_variable(), x("d2"), y("d1"), k("d0"), n = KernelBuilder::batch_variable();
  const Var c("c"), tx("tx"), ty("ty"), f("f"), e("e"), i("i"), ox("ox");
  Func bordered("bordered"), half("half"), image("image"), sums("sums"), back("back");
  bordered(l, x, y, c, n) = inside_or_zero(y - pad_top, int32(from_dims[1]), x - pad_left, int32(from_dims[2]), [&](const Expr& row, const Expr& column) {
    return builder.element(from, {Coordinate::split(n, l, vector), {Coordinate::whole(c), Coordinate::whole(row), Coordinate::whole(column)}});
  });
  half(l, tx, ty, c, i, f, n) = transformed(transform_image, m, f, side, [&](int32_t j) { return Expr(bordered(l, tx * m + j, ty * m + i, c, n)); });
  image(l, tx, ty, c, f, e, n) = transformed(transform_image, m, e, side, [&](int32_t row) { return Expr(half(l, tx, ty, c, row, f, n)); });
  const RDom r(0, channels);
  sums(l, tx, ty, k, f, e, n) = 0.0f;
  sums(l, tx, ty, k, f, e, n) += image(l, tx, ty, r, f, e, n) * builder.memory(w_value)(0, k % blocks, r, f, e, k / blocks);
  back(l, tx, ty, k, e, ox, n) = transformed(transform_back, m, ox, side, [&](int32_t j) { return Expr(sums(l, tx, ty, k, j, e, n)); });
  builder.provide(to, [=, &builder](const Spot& at) {
    const Expr filter = at.at[0].value, row = at.at[1].value, column = at.at[2].value;
    const Expr sum = transformed(transform_back, m, row % m, side, [&](int32_t j) {
      return Expr(back(at.image.inner, column / m, row / m, filter, j, column % m, at.image.outer));
    });
    return has_bias ? sum + builder.element(node.operands[2], {Coordinate::whole(Expr(0)), {at.at[0]}}) : sum;
  });

  Results results = define_results(builder);
  Func& func = results.func;
  const Var xo("xo"), yo("yo"), oy("oy"), ko("ko"), txi("txi"), tyi("tyi"), step("step");
  // Of the result, which behind a pool has a place for each window of a tile.
  const int32_t wide = m / window.width, high = m / window.height;
  func.split(x, xo, x, wide * across, tail(width / window.width, wide * across, TailStrategy::GuardWithIf))
      .split(x, tx, ox, wide)
      .split(y, yo, y, high * band, tail(height / window.height, high * band, TailStrategy::GuardWithIf))
      .split(y, ty, oy, high)
      .split(k, ko, k, blocks, TailStrategy::RoundUp)
      .reorder(l, ox, oy, tx, ty, k, ko, xo, yo)
      .vectorize(l, vector, TailStrategy::RoundUp).unroll(ox).unroll(oy);
  back.compute_at(func, tx).bound_extent(e, side).bound_extent(ox, m).vectorize(l, vector, TailStrategy::RoundUp).unroll(e).unroll(ox);
  sums.compute_at(func, ko).bound_extent(tx, across).bound_extent(ty, band).bound_extent(k, blocks).bound_extent(f, side).bound_extent(e, side);
  sums.vectorize(l, vector, TailStrategy::RoundUp);
  sums.update().split(tx, tx, txi, columns).split(ty, ty, tyi, rows).reorder(l, txi, tyi, k, r.x, tx, ty, f, e)
      .vectorize(l, vector, TailStrategy::RoundUp).unroll(txi).unroll(tyi).unroll(k).unroll(r.x, unroll);
  image.compute_at(func, step).bound_extent(tx, across).bound_extent(ty, band).bound_extent(f, side).bound_extent(e, side);
  image.align_storage(c, channels | 1).reorder(l, f, e, tx, ty, c).vectorize(l, vector, TailStrategy::RoundUp).unroll(f).unroll(e);
  half.compute_at(image, tx).bound_extent(i, side).bound_extent(f, side).vectorize(l, vector, TailStrategy::RoundUp).unroll(f).unroll(i);
  bordered.compute_at(image, c).bound_extent(x, m * across + 2).bound_extent(y, m * band + 2).vectorize(l, vector, TailStrategy::RoundUp);
  for (Func* scratch : {&bordered, &half, &image, &sums, &back}) keep_on_stack(*scratch);
  // Blocks of tiles of all groups are one loop, for the threads.
  func.fuse(xo, yo, step).fuse(step, n, step);
  const double steps = static_cast<double>((width + m * across - 1) / (m * across)) * ((height + m * band - 1) / (m * band));
  parallelize(func, step, multiply_add_ns(builder, s.multiply_adds() * vector / 3 / steps));
  return Halide::Pipeline(func);
}

}  // namespace cnnc
