// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `dense.vector`: y = W x for one or a few images at a time, as inference needs: vectors along a row of the weights, several rows
// by several images together, their lanes summed last. The order of sums is that of one image whatever the batch. With a chunk,
// the sums of a group of images lie in memory, and all their tiles add a chunk of the inputs before the next one: weights come
// once for the group, and both sides of a tile from the first-level cache. Means of channels that the layer alone reads are computed
// into a scratch first, image by image. Parameters: vector, rows (outputs of a tile), images
// (of a tile), tasks (parallel parts of the outputs), group (images whose sums lie in memory), chunk (vectors of inputs; 0: all).
#include "lower/templates/tools.h"
#include "schedule/conv_numbers.h"

namespace cnnc {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::RVar;
using Halide::TailStrategy;
using Halide::Var;

Halide::Pipeline build_dense_vector(KernelBuilder& builder) {
  const Node& node = builder.anchor();
  const Func means = provide_means(builder);
  const bool has_bias = node.operands.size() > 2 && node.operands[2].valid(), batched = builder.type(node.results[0]).batched;
  const auto reduced = int32(builder.type(node.operands[0]).dims[0]), extent = int32(builder.type(node.results[0]).dims[0]);
  const auto vector = int32(builder.parameter("vector")), rows = int32(builder.parameter("rows")), tasks = int32(builder.parameter("tasks"));
  const auto images = int32(builder.parameter("images")), group = int32(builder.parameter("group")), chunk = int32(builder.parameter("chunk"));

  const Var p("p"), o("d0"), n = KernelBuilder::batch_variable();
  // A tile at the end of the batch reads its last image again.
  const Expr image = images > 1 || group > 1 ? min(n, builder.batch() - 1) : batched ? Expr(n) : Expr(0);
  const auto product = [&](const Expr& in, const Expr& out) {
    return builder.element(node.operands[0], {Coordinate::whole(image), {Coordinate::whole(in)}}) *
           builder.element(node.operands[1], {Coordinate::whole(Expr(0)), {Coordinate::whole(out), Coordinate::whole(in)}});
  };
  const auto arguments = [&](const Expr& lane, const Expr& out, const Expr& at) {
    return batched ? std::vector<Expr>{lane, out, at} : std::vector<Expr>{lane, out};
  };
  const std::vector<Var> variables = batched ? std::vector{p, o, n} : std::vector{p, o};
  Func sums("sums");
  const int32_t whole = reduced / vector;
  const Halide::Type type = product(0, 0).type();
  sums(variables) = Halide::Internal::make_zero(type);
  const RDom r(0, std::max(whole, 1));
  if (whole > 0) sums(variables) += product(r * vector + p, chunk > 0 ? min(o, extent - 1) : Expr(o));
  builder.provide(node.results[0], [=, &builder, &node](const Spot& at) {
    const Expr out = at.at[0].value;
    Expr total = sum_tree([&](int lane) { return sums(arguments(lane, out, at.image.value)); }, 0, vector);
    for (int32_t i = whole * vector; i < reduced; ++i) {   // the rest of the row, one by one
      total = total + builder.element(node.operands[0], {at.image, {Coordinate::whole(Expr(i))}}) *
                          builder.element(node.operands[1], {Coordinate::whole(Expr(0)), {at.at[0], Coordinate::whole(Expr(i))}});
    }
    return has_bias ? total + builder.element(node.operands[2], {Coordinate::whole(Expr(0)), {at.at[0]}}) : total;
  });

  Results results = define_results(builder);
  Func& func = results.func;
  const Var oi("oi"), oo("oo"), task("task");
  const int32_t tiles = (extent + rows - 1) / rows;
  keep_on_stack(sums);
  if (chunk > 0) {
    const int32_t part = int32(DenseGroup{rows, tasks, group}.outputs(extent));
    const Var no("no"), step("step"), tile_o("tile_o"), tile_n("tile_n");
    const RVar inner("inner");
    func.split(o, oo, oi, part, TailStrategy::GuardWithIf).split(n, no, n, group, TailStrategy::GuardWithIf).reorder(oi, n, oo, no).fuse(oo, no, step).parallel(step);
    sums.compute_at(func, step).bound_storage(o, part).bound_storage(n, group).vectorize(p, vector, TailStrategy::RoundUp);
    sums.update().split(o, o, tile_o, rows, TailStrategy::RoundUp).split(n, n, tile_n, images, TailStrategy::RoundUp).split(r, r, inner, chunk)
        .reorder(p, tile_o, tile_n, inner, n, o, r).vectorize(p, vector, TailStrategy::RoundUp).unroll(tile_o).unroll(tile_n);
    return Halide::Pipeline(func);
  }
  func.split(o, oo, oi, rows, tail(extent, rows, TailStrategy::GuardWithIf));
  const Var no("no");
  Var batch_loop = n;
  if (images > 1) {
    func.split(n, no, n, images, TailStrategy::GuardWithIf).reorder(oi, n, oo, no);
    batch_loop = no;
    sums.bound_extent(n, images).unroll(n);
  }
  if (tasks > 1) func.split(oo, task, oo, (tiles + tasks - 1) / tasks, TailStrategy::GuardWithIf).parallel(task);
  sums.compute_at(func, oo).vectorize(p, vector, TailStrategy::RoundUp).unroll(o);
  if (whole > 0) {
    if (images > 1) sums.update().reorder(p, o, n, r).unroll(n);
    else sums.update().reorder(p, o, r);
    sums.update().vectorize(p, vector, TailStrategy::RoundUp).unroll(o);
    if (whole % 2 == 0) sums.update().unroll(r, 2);
  }
  compute_means_at(builder, means, func, n);
  if (batched && tasks == 1) parallelize(func, batch_loop, traffic_ns(static_cast<double>(reduced) * extent * type.bytes()));
  return Halide::Pipeline(func);
}

}  // namespace cnnc
