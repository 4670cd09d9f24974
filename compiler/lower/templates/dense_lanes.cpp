// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `dense.lanes` and `dense.lanes_grad_input`: vectors over images, weights as scalars. A register tile is outputs by groups of
// images; the number of groups is known at run time only, so there is code for multiples of `groups` groups and for any
// number. With a chunk the sums of a task lie in memory, and all their tiles add a chunk of the inputs before the next one, which
// then comes from the first-level cache; the last tile of groups is filled up. The order of sums is the same. Parallel over tiles of
// outputs, in a fixed number of tasks. Parameters: outputs (of a tile where groups are taken together), single (outputs of a
// tile of one group), groups, tasks, chunk (inputs; 0: all).
#include "ir/op.h"
#include "lower/templates/tools.h"
#include "schedule/conv_numbers.h"

namespace cnnc {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

Halide::Pipeline build_dense_lanes(KernelBuilder& builder) {
  const Node& node = builder.anchor();
  const bool backward = node.op->name == "dense_grad_input";
  const bool has_bias = !backward && node.operands.size() > 2 && node.operands[2].valid();
  const auto reduced = int32(builder.type(node.operands[0]).dims[0]), extent = int32(builder.type(node.results[0]).dims[0]);
  const auto outputs = int32(builder.parameter("outputs")), single = int32(builder.parameter("single"));
  const auto groups = int32(builder.parameter("groups")), tasks = int32(builder.parameter("tasks"));
  const auto chunk = int32(builder.parameter("chunk")), vector = int32(builder.plan().group);

  const Var l = KernelBuilder::lane_variable(), o("d0"), n = KernelBuilder::batch_variable();
  const RDom r(0, reduced);
  Func sums("sums");
  // What a tile has beyond the last group or output reads that again.
  const Expr group = chunk > 0 ? min(n, (builder.batch() - 1) / vector) : Expr(n);
  const Expr input = builder.element(node.operands[0], {Coordinate::split(group, l, vector), {Coordinate::whole(r)}});
  const Coordinate out = Coordinate::whole(chunk > 0 ? min(o, extent - 1) : Expr(o)), in = Coordinate::whole(r);
  const Expr weight = builder.element(node.operands[1], {Coordinate::whole(Expr(0)), backward ? std::vector{in, out} : std::vector{out, in}});
  sums(l, o, n) = has_bias ? builder.element(node.operands[2], {Coordinate::whole(Expr(0)), {out}}) : Halide::Internal::make_zero(weight.type());
  sums(l, o, n) += input * weight;
  builder.provide(node.results[0], [=](const Spot& at) { return sums(at.image.inner, at.at[0].value, at.image.outer); });

  Results results = define_results(builder);
  Func& func = results.func;
  const Var oi("oi"), oo("oo"), ni("ni"), no("no"), task("task");
  keep_on_stack(sums);
  if (chunk > 0) {
    const int32_t part = int32(DenseGroup{outputs, tasks, groups}.outputs(extent));
    const Halide::RVar inner("inner");
    func.split(o, task, oi, part, TailStrategy::GuardWithIf).split(n, no, ni, groups, TailStrategy::GuardWithIf).reorder(l, oi, ni, no, task)
        .vectorize(l, vector, TailStrategy::RoundUp);
    if (tasks > 1) func.parallel(task);
    sums.compute_at(func, no).bound_storage(o, part).bound_storage(n, groups).vectorize(l, vector, TailStrategy::RoundUp);
    sums.update().split(o, o, oi, outputs, TailStrategy::RoundUp).split(n, n, ni, groups, TailStrategy::RoundUp).split(r, r, inner, chunk)
        .reorder(l, oi, ni, inner, o, n, r).vectorize(l, vector, TailStrategy::RoundUp).unroll(oi).unroll(ni);
    return Halide::Pipeline(func);
  }
  const auto tile = [&](Halide::Stage stage, int32_t tile_outputs, int32_t tile_groups) {
    const auto tiles = (extent + tile_outputs - 1) / tile_outputs;
    stage.split(o, oo, oi, tile_outputs, tail(extent, tile_outputs, TailStrategy::GuardWithIf))
        .split(oo, task, oo, (tiles + tasks - 1) / tasks, TailStrategy::GuardWithIf)
        .split(n, no, ni, tile_groups, TailStrategy::RoundUp)
        .reorder(l, oi, ni, no, oo, task).vectorize(l, vector, TailStrategy::RoundUp).unroll(oi).unroll(ni);
    if (tasks > 1) stage.parallel(task);
  };
  if (groups > 1) tile(func.specialize(func.output_buffers()[0].dim(2).extent() % groups == 0), outputs, groups);
  tile(func, single, 1);
  sums.compute_at(func, no).vectorize(l, vector, TailStrategy::RoundUp).unroll(o).unroll(n);
  sums.update().reorder(l, o, n, r).vectorize(l, vector, TailStrategy::RoundUp).unroll(o).unroll(n);
  if (reduced % 4 == 0) sums.update().unroll(r, 4);
  return Halide::Pipeline(func);
}

}  // namespace cnnc
