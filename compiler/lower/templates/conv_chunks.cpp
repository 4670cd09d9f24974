// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `conv.chunks` and `conv.pointwise`: convolutions whose sums of a chunk of channels, which stays in the first-level cache with its weights,
// are added to those of the chunks before. A register tile of pixels by vectors of filters runs along the rows of a band; of one tap, in
// `conv.pointwise`, all pixels of a band are one row. Parallel over images, bands and tiles of filters. Parameters: columns or pixels, blocks (of
// the tile), chunk (blocks of channels), band (rows), ahead (blocks of channels that are fetched early; 0: none), unroll (channels written out).
#include "ir/op.h"
#include "lower/templates/conv_shape.h"
#include "lower/templates/tools.h"

namespace cnnc {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

namespace {

/// `joins_rows`: the rows of a band follow one another without gaps, in x too: all are columns of one row.
Halide::Pipeline build(KernelBuilder& builder, int32_t columns, int32_t ahead, bool joins_rows) {
  const Node& node = builder.anchor();
  const ValueId x_value = node.operands[0], w_value = node.operands[1], y_value = node.results[0];
  const bool has_bias = node.operands.size() > 2 && node.operands[2].valid(), batched = builder.type(y_value).batched;
  const ConvShape s = conv_shape(node, builder.type(x_value).dims, builder.type(y_value).dims, builder.type(w_value).dims);
  const auto vector = int32(builder.layout(y_value).vector), blocks = int32(builder.parameter("blocks"));
  const auto chunk = int32(builder.parameter("chunk")), band = int32(builder.parameter("band")), unroll = int32(builder.parameter("unroll"));

  const std::vector<Var> variables = builder.variables(y_value).variables;
  const Var l = variables[0], x = variables[1], y = variables[2], k = variables[3], n = KernelBuilder::batch_variable(), p("p"), t("t"), c("c");
  const std::vector<Var> of_sums = batched ? std::vector{l, k, p, t, n} : std::vector{l, k, p, t};
  // The tiles of a row; the last one begins earlier, so that it ends with the row.
  const int32_t joined = joins_rows ? band : 1, width = joined * s.out_width, tiles = (width + columns - 1) / columns;
  const auto first_column = [=](const Expr& tile) { return min(tile % tiles * columns, width - columns); };
  const Expr image = batched ? Expr(n) : Expr(0), column = first_column(t) + p;
  const RDom r(0, vector, 0, s.kernel_width, 0, s.kernel_height, 0, chunk), q(0, s.channels / (vector * chunk));
  const Expr input_block = c * chunk + r[3];
  // Of joined rows all pixels are columns of the first one.
  const Expr x_row = joins_rows ? Expr(0) : t / tiles * s.stride_y + r.z * s.dilation_y - s.pad_top;
  const Expr x_column = joins_rows ? t / tiles * width + column : column * s.stride_x + r.y * s.dilation_x - s.pad_left;
  const Expr product =
      builder.element(x_value, {Coordinate::whole(image), {Coordinate::split(input_block, r.x, vector), Coordinate::whole(x_row), Coordinate::whole(x_column)}}) *
      builder.element(w_value, {Coordinate::whole(Expr(0)), {Coordinate::split(k, l, vector), Coordinate::whole(input_block * vector + r.x),
                                                             Coordinate::whole(s.tap_y(r.z)), Coordinate::whole(s.tap_x(r.y))}});
  Func part("part"), sums("sums");
  std::vector<Var> of_part = of_sums;
  of_part.push_back(c);
  part(of_part) = Halide::Internal::make_zero(product.type());
  part(of_part) += product;
  std::vector<Expr> of_chunk(of_sums.begin(), of_sums.end());
  of_chunk.emplace_back(q);
  sums(of_sums) = has_bias ? builder.element(node.operands[2], {Coordinate::whole(Expr(0)), {Coordinate::split(k, l, vector)}}) : Halide::Internal::make_zero(product.type());
  sums(of_sums) += part(of_chunk);
  builder.provide(y_value, [=](const Spot& at) {
    const auto [block, lane] = at.at[0].parts(vector);
    const Expr in_row = at.at[1].value % joined * s.out_width + at.at[2].value, tile = at.at[1].value / joined * tiles + in_row / columns;
    // That it lies in the tile is more than Halide finds out.
    std::vector<Expr> place = {lane, block, Halide::unsafe_promise_clamped(in_row - first_column(tile), 0, columns - 1), tile};
    if (batched) place.push_back(at.image.value);
    return sums(place);
  });

  Results results = define_results(builder);
  Func& func = results.func;
  const Var ki("ki"), ko("ko"), yo("yo"), step("step");
  func.split(y, yo, y, band, TailStrategy::GuardWithIf).split(k, ko, ki, blocks, TailStrategy::RoundUp).reorder(l, x, y, ki, ko, yo)
      .vectorize(l, vector, TailStrategy::RoundUp).fuse(ko, yo, step);
  if (batched) func.fuse(step, n, step);
  sums.compute_at(func, step).vectorize(l, vector, TailStrategy::RoundUp);
  sums.update().reorder(l, k, p, t, q).vectorize(l, vector, TailStrategy::RoundUp).unroll(k).unroll(p);
  part.compute_at(sums, t).vectorize(l, vector, TailStrategy::RoundUp).unroll(k).unroll(p);
  part.update().reorder(l, k, p, r.x, r.y, r.z, r[3]).vectorize(l, vector, TailStrategy::RoundUp).unroll(k).unroll(p).unroll(r.x, unroll);
  if (ahead > 0) part.update().prefetch(builder.memory(x_value), r[3], r[3], ahead, Halide::PrefetchBoundStrategy::NonFaulting);
  sums.bound_extent(t, band / joined * tiles);
  for (Func* scratch : {&part, &sums}) {
    scratch->bound(p, 0, columns).bound_extent(k, blocks);
    keep_on_stack(*scratch);
  }
  const int32_t steps = (s.out_height + band - 1) / band * ((s.filters + vector * blocks - 1) / (vector * blocks));
  parallelize(func, step, multiply_add_ns(builder, s.multiply_adds() / steps));
  return Halide::Pipeline(func);
}

}  // namespace

Halide::Pipeline build_conv_chunks(KernelBuilder& builder) {
  return build(builder, int32(builder.parameter("columns")), 0, false);
}

Halide::Pipeline build_conv_pointwise(KernelBuilder& builder) {
  return build(builder, int32(builder.parameter("pixels")), int32(builder.parameter("ahead")), true);
}

}  // namespace cnnc
