// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `dense.lanes` and `dense.lanes_grad_input`: vectors over images, weights as scalars. A register tile is outputs by groups of
// images; the number of groups is known at run time only, so there is code for multiples of `groups` groups and for any
// number. Parallel over tiles of outputs, in a fixed number of tasks. Parameters: outputs (of a tile where groups are taken
// together), single (outputs of a tile of one group), groups, tasks.
#include "lower/templates/tools.h"

#include "ir/op.h"

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
  const auto vector = int32(builder.plan().group);

  const Var l = KernelBuilder::lane_variable(), o("d0"), n = KernelBuilder::batch_variable();
  const RDom r(0, reduced);
  Func sums("sums");
  const Expr input = builder.element(node.operands[0], {Coordinate::split(n, l, vector), {Coordinate::whole(r)}});
  const Coordinate out = Coordinate::whole(o), in = Coordinate::whole(r);
  const Expr weight = builder.element(node.operands[1], {Coordinate::whole(Expr(0)), backward ? std::vector{in, out} : std::vector{out, in}});
  sums(l, o, n) = has_bias ? builder.element(node.operands[2], {Coordinate::whole(Expr(0)), {out}}) : Halide::Internal::make_zero(weight.type());
  sums(l, o, n) += input * weight;
  builder.provide(node.results[0], [=](const Spot& at) { return sums(at.image.inner, at.at[0].value, at.image.outer); });

  Results results = define_results(builder);
  Func& func = results.func;
  const Var oi("oi"), oo("oo"), ni("ni"), no("no"), task("task");
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
  keep_on_stack(sums);
  return Halide::Pipeline(func);
}

}  // namespace cnnc
