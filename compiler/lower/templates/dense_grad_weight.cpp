// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `dense.lanes_grad_weight`: vectors over the inputs, so that the result needs no sums over lanes. Images are taken in chunks:
// x of a chunk is transposed into a scratch, dy is masked into another; the register tile is vectors of inputs by outputs.
// Parallel over inputs; chunks in a fixed order. Parameters: vector (inputs of a vector), vectors, outputs (of a tile), tiles (of
// inputs) by block (of outputs) whose sums lie in cache together, chunk (groups of images).
#include "lower/templates/tools.h"

namespace cnnc {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

Halide::Pipeline build_dense_grad_weight(KernelBuilder& builder) {
  const Node& node = builder.anchor();
  const ValueId w_value = node.results[0];
  const auto out_extent = int32(builder.type(w_value).dims[0]), in_extent = int32(builder.type(w_value).dims[1]);
  const auto vector = int32(builder.parameter("vector")), vectors = int32(builder.parameter("vectors"));
  const auto outputs = int32(builder.parameter("outputs")), block = int32(builder.parameter("block"));
  const auto lanes = int32(builder.plan().group), images = int32(builder.parameter("chunk")) * lanes;

  const Var i("d1"), o("d0"), m("m"), chunk("chunk");
  const Expr groups = (builder.batch() + lanes - 1) / lanes;
  // Image m of a chunk; beyond the batch zeros.
  const auto at = [&](ValueId value, const Var& coordinate) {
    const Expr group = min(chunk * (images / lanes) + m / lanes, groups - 1);
    const Expr element = builder.element(value, {Coordinate::split(group, m % lanes, lanes), {Coordinate::whole(coordinate)}});
    return select(chunk * images + m < builder.batch(), element, Halide::Internal::make_zero(element.type()));
  };
  Func turned("turned"), masked("masked"), part("part"), sums("sums");
  turned(i, m, chunk) = at(node.operands[0], i);
  masked(m, o, chunk) = at(node.operands[1], o);
  const RDom r(0, images), q(0, (builder.batch() + images - 1) / images);
  const Halide::Type type = turned.types()[0];
  part(i, o, chunk) = Halide::Internal::make_zero(type);
  part(i, o, chunk) += turned(i, r, chunk) * masked(r, o, chunk);
  sums(i, o) = Halide::Internal::make_zero(type);
  sums(i, o) += part(i, o, q);
  builder.provide(w_value, [=](const Spot& spot) { return sums(spot.at[1].value, spot.at[0].value); });

  Results results = define_results(builder);
  Func& func = results.func;
  const Var ii("ii"), io("io"), it("it"), oi("oi"), oo("oo");
  const int32_t tile = vector * vectors, strip = tile * int32(builder.parameter("tiles"));
  func.split(i, io, ii, strip, tail(in_extent, strip)).split(o, oo, oi, block, tail(out_extent, block))
      .reorder(ii, oi, oo, io).vectorize(ii, vector);
  if (multiply_add_ns(builder, static_cast<double>(in_extent) * out_extent * images) > kTaskNs) func.parallel(io);
  sums.compute_at(func, oo).vectorize(i, vector, TailStrategy::RoundUp);
  sums.update().split(o, oo, oi, outputs, TailStrategy::GuardWithIf).split(i, it, i, tile, TailStrategy::RoundUp).reorder(i, oi, it, oo, q)
      .vectorize(i, vector).unroll(i).unroll(oi);
  part.compute_at(sums, it).vectorize(i, vector, TailStrategy::RoundUp).unroll(i).unroll(o);
  part.update().reorder(i, o, r).vectorize(i, vector, TailStrategy::RoundUp).unroll(i).unroll(o).unroll(r, 2);
  turned.compute_at(sums, q).vectorize(i, vector, TailStrategy::RoundUp);
  masked.compute_at(sums, q).vectorize(m, lanes, TailStrategy::RoundUp);
  for (Func* scratch : {&sums, &part, &turned, &masked}) keep_on_stack(*scratch);
  return Halide::Pipeline(func);
}

}  // namespace cnnc
