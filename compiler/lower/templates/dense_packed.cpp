// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `dense.packed`: y = W x with outputs in vectors, weights packed in the order of their use. A register tile of images by vectors of
// outputs is summed over the inputs: load the weights of the tile, broadcast one number of each image, multiply-add. The weights
// of a tile of outputs serve all images one after the other. Chunks of the inputs are summed apart, so that long sums round less. The
// order of sums is that of one image whatever the batch. Means of channels that the layer alone reads are computed into a scratch first,
// image by image. Parameters: images, blocks (vectors of outputs of a tile), chunk, unroll (inputs
// written out).
#include "lower/templates/tools.h"

namespace cnnc {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

Halide::Pipeline build_dense_packed(KernelBuilder& builder) {
  const Node& node = builder.anchor();
  const Func means = provide_means(builder);
  const ValueId x_value = node.operands[0], w_value = node.operands[1], y_value = node.results[0];
  const bool has_bias = node.operands.size() > 2 && node.operands[2].valid(), batched = builder.type(y_value).batched;
  const auto reduced = int32(builder.type(x_value).dims[0]), extent = int32(builder.type(y_value).dims[0]);
  const auto vector = int32(builder.layout(w_value).tile[0]), blocks = int32(builder.parameter("blocks"));
  const auto images = int32(builder.parameter("images")), chunk = int32(builder.parameter("chunk")), unroll = int32(builder.parameter("unroll"));

  const Var l("l"), v("v"), o("d0"), n = KernelBuilder::batch_variable(), c("c");
  // Of a vector of outputs, of one image where there are some.
  const auto places = [&](const Expr& lane, const Expr& block, const Expr& at) { return batched ? std::vector<Expr>{lane, block, at} : std::vector<Expr>{lane, block}; };
  const std::vector<Var> variables = batched ? std::vector{l, v, n} : std::vector{l, v};
  // A tile at the end of the batch reads its last image again.
  const Expr image = images > 1 ? min(n, builder.batch() - 1) : batched ? Expr(n) : Expr(0);
  const RDom r(0, chunk), q(0, reduced / chunk);
  const Coordinate in = Coordinate::whole(c * chunk + r);
  const Expr product = builder.element(x_value, {Coordinate::whole(image), {in}}) *
                       builder.element(w_value, {Coordinate::whole(Expr(0)), {Coordinate::split(v, l, vector), in}});
  Func part("part"), sums("sums");
  std::vector<Var> of_part = variables;
  of_part.push_back(c);
  part(of_part) = Halide::Internal::make_zero(product.type());
  part(of_part) += product;
  std::vector<Expr> of_chunk = places(l, v, n);
  of_chunk.emplace_back(q);
  sums(variables) = Halide::Internal::make_zero(product.type());
  sums(variables) += part(of_chunk);
  builder.provide(y_value, [=, &builder, &node](const Spot& at) {
    const Expr out = at.at[0].value;
    const Expr total = sums(places(out % vector, out / vector, at.image.value));
    return has_bias ? total + builder.element(node.operands[2], {Coordinate::whole(Expr(0)), {at.at[0]}}) : total;
  });

  Results results = define_results(builder);
  Func& func = results.func;
  const Var ov("ov"), ol("ol"), oo("oo"), ob("ob"), no("no"), ni("ni"), step("step");
  // Lanes beyond the outputs are neither read nor written.
  func.split(o, ov, ol, vector, tail(extent, vector, TailStrategy::Predicate)).split(ov, oo, ob, blocks, TailStrategy::RoundUp).vectorize(ol).unroll(ob);
  if (batched) {
    func.split(n, no, ni, images, TailStrategy::GuardWithIf);
    if (means.defined()) {
      func.reorder(ol, ob, ni, oo, no);
      compute_means_at(builder, means, func, no);
      parallelize(func, no, multiply_add_ns(builder, static_cast<double>(reduced) * extent));
    } else {
      func.reorder(ol, ob, ni, no, oo).fuse(no, oo, step);
      parallelize(func, step, multiply_add_ns(builder, static_cast<double>(reduced) * vector * blocks * images));
    }
    for (Func* scratch : {&part, &sums}) scratch->bound_extent(n, images).unroll(n);
    sums.compute_at(func, means.defined() ? oo : step).update().reorder(l, v, n, q).unroll(n);
    part.update().reorder(l, v, n, r).unroll(n);
  } else {
    func.reorder(ol, ob, oo);
    sums.compute_at(func, oo).update().reorder(l, v, q);
    part.update().reorder(l, v, r);
  }
  part.compute_at(sums, q);
  for (Func* scratch : {&part, &sums}) {
    scratch->bound(l, 0, vector).bound_extent(v, blocks).vectorize(l).unroll(v);
    scratch->update().vectorize(l).unroll(v);
    keep_on_stack(*scratch);
  }
  if (unroll > 1) part.update().unroll(r, unroll);
  return Halide::Pipeline(func);
}

}  // namespace cnnc
