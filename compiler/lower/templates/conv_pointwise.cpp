// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `conv.pointwise`: convolutions of one tap as products of matrices. All pixels of a band of rows are one row of pixels, which a register
// tile of pixels by vectors of filters runs along; the sums of a chunk of channels, whose weights stay in the first-level cache, are added to
// those of the chunks before. Parallel over images, bands and tiles of filters. Parameters: pixels, blocks (of the tile), chunk (blocks of
// channels), band (rows), ahead (blocks of channels that are fetched early; 0: none), unroll (channels written out).
#include "ir/op.h"
#include "lower/templates/conv_shape.h"
#include "lower/templates/tools.h"

namespace cnnc {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

Halide::Pipeline build_conv_pointwise(KernelBuilder& builder) {
  const Node& node = builder.anchor();
  const ValueId x_value = node.operands[0], w_value = node.operands[1], y_value = node.results[0];
  const bool has_bias = node.operands.size() > 2 && node.operands[2].valid(), batched = builder.type(y_value).batched;
  const ConvShape s = conv_shape(node, builder.type(x_value).dims, builder.type(y_value).dims, builder.type(w_value).dims);
  const auto vector = int32(builder.layout(y_value).vector), pixels = int32(builder.parameter("pixels")), blocks = int32(builder.parameter("blocks"));
  const auto chunk = int32(builder.parameter("chunk")), band = int32(builder.parameter("band")), ahead = int32(builder.parameter("ahead"));
  const auto unroll = int32(builder.parameter("unroll"));

  const std::vector<Var> variables = builder.variables(y_value).variables;
  const Var l = variables[0], x = variables[1], y = variables[2], k = variables[3], n = KernelBuilder::batch_variable(), p("p"), t("t"), c("c");
  const std::vector<Var> of_sums = batched ? std::vector{l, k, p, t, n} : std::vector{l, k, p, t};
  // The tiles of a band; the last one begins earlier, so that it ends with the pixels.
  const int32_t width = band * s.out_width, tiles = (width + pixels - 1) / pixels;
  const auto first_pixel = [=](const Expr& tile) { return tile / tiles * width + min(tile % tiles * pixels, width - pixels); };
  const Expr pixel = first_pixel(t) + p, image = batched ? Expr(n) : Expr(0);
  // Rows follow one another without gaps: all pixels are columns of the first one.
  const RDom r(0, vector, 0, chunk), q(0, s.channels / (vector * chunk));
  const Expr input_block = c * chunk + r.y;
  const Expr product =
      builder.element(x_value, {Coordinate::whole(image), {Coordinate::split(input_block, r.x, vector), Coordinate::whole(Expr(0)), Coordinate::whole(pixel)}}) *
      builder.element(w_value, {Coordinate::whole(Expr(0)), {Coordinate::split(k, l, vector), Coordinate::whole(input_block * vector + r.x),
                                                             Coordinate::whole(Expr(0)), Coordinate::whole(Expr(0))}});
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
    const Expr at_pixel = at.at[1].value % band * s.out_width + at.at[2].value, tile = at.at[1].value / band * tiles + at_pixel / pixels;
    std::vector<Expr> place = {lane, block, at.at[1].value * s.out_width + at.at[2].value - first_pixel(tile), tile};
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
  part.update().reorder(l, k, p, r.x, r.y).vectorize(l, vector, TailStrategy::RoundUp).unroll(k).unroll(p).unroll(r.x, unroll);
  if (ahead > 0) part.update().prefetch(builder.memory(x_value), r.y, r.y, ahead, Halide::PrefetchBoundStrategy::NonFaulting);
  sums.bound_extent(t, tiles);
  for (Func* scratch : {&part, &sums}) {
    scratch->bound(p, 0, pixels).bound_extent(k, blocks);
    keep_on_stack(*scratch);
  }
  const int32_t steps = (s.out_height + band - 1) / band * ((s.filters + vector * blocks - 1) / (vector * blocks));
  parallelize(func, step, multiply_add_ns(builder, s.multiply_adds() / steps));
  return Halide::Pipeline(func);
}

}  // namespace cnnc
