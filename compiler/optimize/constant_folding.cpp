// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Constants that are one number (for all their elements): maps of them alone are computed, in double precision; other maps take
// the number into their expression; reshape and broadcast keep them constants. `map {f = "x0"}` of equal type is its operand.
// Tables of numbers are left as they are: what is computed from them alone is computed once, by prepare.
#include "ir/rewrite.h"
#include "optimize/passes.h"

namespace cnnc {
namespace {

/// The number that all elements of the value are.
std::optional<double> one_number(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  if (value.node < 0 || graph.node(value.node).op->name != "constant") return std::nullopt;
  const auto& numbers = std::get<Numbers>(graph.node(value.node).attributes.at("values"));
  if (numbers.size() != 1) return std::nullopt;
  // A constant holds what its element type can.
  return value.type.element == ElementType::F32 ? static_cast<double>(static_cast<float>(numbers[0])) : numbers[0];
}

ValueId constant_of(GraphBuilder& build, double number, const TensorType& type) {
  return build.add("constant", {}, {{"dims", type.dims}, {"values", Numbers{number}},
                                    {"element", std::string(element_name(type.element))}});
}

Replacement fold_map(Rewriter& rewriter, const Node& node) {
  if (node.op->name != "map") return std::nullopt;
  const Graph& graph = rewriter.graph();
  const TensorType& type = rewriter.old_graph().type(node.results[0]);
  const std::vector<ValueId> operands = rewriter(node.operands);
  const auto& expression = std::get<ScalarExpression>(node.attributes.at("f"));
  std::vector<ScalarExpression> arguments;
  for (size_t i = 0; i < operands.size(); ++i) {
    const auto number = one_number(graph, operands[i]);
    arguments.push_back(number ? ScalarExpression::constant(*number) : ScalarExpression::argument(static_cast<int>(i)));
  }
  const ScalarExpression folded = expression.substitute(arguments);
  if (const auto number = folded.constant_value(); number && !type.batched) {
    return std::vector<ValueId>{constant_of(rewriter.build(), *number, type)};
  }
  if (rewriter.build().type_of_used(folded, operands) != type) return std::nullopt;
  if (folded.root().op == ScalarOp::Argument) {
    const ValueId operand = operands[static_cast<size_t>(folded.root().operands[0])];
    if (graph.type(operand) == type) return std::vector<ValueId>{operand};
  }
  if (folded == expression) return std::nullopt;
  return std::vector<ValueId>{rewriter.build().map_used(folded, operands)};
}

Replacement fold_shape(Rewriter& rewriter, const Node& node) {
  if (node.op->name != "reshape" && node.op->name != "broadcast") return std::nullopt;
  const TensorType& type = rewriter.old_graph().type(node.results[0]);
  const auto number = one_number(rewriter.graph(), rewriter(node.operands[0]));
  if (!number || type.batched) return std::nullopt;
  return std::vector<ValueId>{constant_of(rewriter.build(), *number, type)};
}

}  // namespace

Function fold_constants(const Function& function) { return rewrite(function, {{"map", fold_map}, {"shape", fold_shape}}); }

}  // namespace cnnc
