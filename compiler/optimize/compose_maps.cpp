// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// map(map(x)) → map(x), where nothing else uses the inner one and it has the outer one's type: a smaller inner map (a factor
// for each channel) is computed once for each channel and stays.
#include "ir/rewrite.h"
#include "optimize/passes.h"

namespace cnnc {
namespace {

constexpr size_t kMaximumNodes = 256;
constexpr size_t kMaximumOperands = 16;

Replacement compose(Rewriter& rewriter, const Node& outer) {
  if (outer.op->name != "map") return std::nullopt;
  const Graph& graph = rewriter.graph();
  const TensorType& type = rewriter.old_graph().type(outer.results[0]);
  const auto& expression = std::get<ScalarExpression>(outer.attributes.at("f"));
  std::vector<ValueId> operands;
  std::vector<ScalarExpression> arguments;
  size_t nodes = expression.nodes().size();
  bool changed = false;
  for (const ValueId old : outer.operands) {
    const ValueId operand = rewriter(old);
    const Value& value = graph.value(operand);
    const Node* inner = value.node < 0 ? nullptr : &graph.node(value.node);
    const bool inlined = inner != nullptr && inner->op->name == "map" && value.type == type && rewriter.uses(old) == 1;
    if (!inlined) {
      arguments.push_back(ScalarExpression::argument(static_cast<int>(operands.size())));
      operands.push_back(operand);
      continue;
    }
    changed = true;
    std::vector<ScalarExpression> shifted;
    for (const ValueId inner_operand : inner->operands) {
      shifted.push_back(ScalarExpression::argument(static_cast<int>(operands.size())));
      operands.push_back(inner_operand);
    }
    arguments.push_back(std::get<ScalarExpression>(inner->attributes.at("f")).substitute(shifted));
    nodes += arguments.back().nodes().size();
  }
  if (!changed || nodes > kMaximumNodes || operands.size() > kMaximumOperands) return std::nullopt;
  const ScalarExpression composed = expression.substitute(arguments);
  // An expression that lost the operands that give its type keeps its old form.
  if (rewriter.build().type_of_used(composed, operands) != type) return std::nullopt;
  return std::vector<ValueId>{rewriter.build().map_used(composed, operands)};
}

}  // namespace

Function compose_maps(const Function& function) {
  // Composing may leave a map with one use that had two, as operands of one node: until nothing changes. Each round that changes
  // something has fewer nodes than the one before.
  Function result = rewrite(function, {{"compose", compose}});
  for (size_t before = function.graph.nodes().size(); result.graph.nodes().size() < before;) {
    before = result.graph.nodes().size();
    result = rewrite(result, {{"compose", compose}});
  }
  return result;
}

}  // namespace cnnc
