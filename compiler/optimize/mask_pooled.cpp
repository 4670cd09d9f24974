// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// mask(a, maxpool_grad(winners, dy)) → maxpool_grad(winners, mask(y, dy)), where y and the winners are of maxpool(a): behind the pool
// of an activation such as relu its gradient is kept or dropped window by window. Nobody reads the activation again after the pool.
#include <array>

#include "ir/rewrite.h"
#include "optimize/passes.h"

namespace cnnc {
namespace {

/// Whether the node depends on the argument.
bool depends_on(const ScalarExpression& f, int32_t node, int32_t argument) {
  const ScalarExpression::Node& n = f.nodes()[static_cast<size_t>(node)];
  if (n.op == ScalarOp::Argument) return n.operands[0] == argument;
  for (int i = 0; i < scalar_operand_count(n.op); ++i)
    if (depends_on(f, n.operands[i], argument)) return true;
  return false;
}

/// Whether the formula is `select(some condition of the other argument, x<kept>, 0)`: then it may act on each term of a sum.
bool keeps_or_drops(const ScalarExpression& f, int32_t kept) {
  const ScalarExpression::Node& root = f.root();
  if (root.op != ScalarOp::Select || depends_on(f, root.operands[0], kept)) return false;
  const auto node = [&](int operand) { return f.nodes()[static_cast<size_t>(root.operands[operand])]; };
  const bool keeps = node(1).op == ScalarOp::Argument && node(1).operands[0] == kept;
  return keeps && node(2) == ScalarExpression::constant(0).root();
}

Replacement mask_before(Rewriter& rewriter, const Node& mask) {
  if (mask.op->name != "map" || mask.operands.size() != 2) return std::nullopt;
  const auto& f = std::get<ScalarExpression>(mask.attributes.at("f"));
  const Graph& graph = rewriter.graph();
  const auto producer = [&](ValueId value) { return graph.value(value).node < 0 ? nullptr : &graph.node(graph.value(value).node); };
  for (const size_t kept : {size_t{1}, size_t{0}}) {
    const ValueId spread = rewriter(mask.operands[kept]), activation = rewriter(mask.operands[1 - kept]);
    const Node* spreads = producer(spread);
    if (!spreads || spreads->op->name != "maxpool_grad" || rewriter.uses(mask.operands[kept]) != 1) continue;
    const Node* pool = producer(spreads->operands[0]);
    if (!pool || pool->op->name != "maxpool" || pool->operands[0] != activation) continue;
    const auto agree = [&](const char* name) { return pool->attributes.at(name) == spreads->attributes.at(name); };
    const bool has_its_windows = agree("kernel") && agree("stride") && agree("pad") && agree("ceil") && graph.type(spread).dims == graph.type(activation).dims;
    if (!has_its_windows || !keeps_or_drops(f, static_cast<int32_t>(kept))) continue;
    const Node spread_node = *spreads;      // the graph grows
    const ValueId winners = spreads->operands[0], dy = spreads->operands[1], y = pool->results[0];
    const std::array<ValueId, 2> operands = kept == 1 ? std::array{y, dy} : std::array{dy, y};
    const ValueId masked = rewriter.build().map_used(f, operands);
    return rewriter.graph().add(*spread_node.op, {winners, masked}, spread_node.attributes, spread_node.layer, spread_node.location);
  }
  return std::nullopt;
}

}  // namespace

Function mask_pooled(const Function& function) { return rewrite(function, {{"mask", mask_before}}); }

}  // namespace cnnc
