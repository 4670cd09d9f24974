// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a gradient rule sees of its node, copied, as the graph grows while the rule builds.
#include "autodiff/gradient_builder.h"

#include <fmt/format.h>

#include "support/check.h"

namespace cnnc {

GradientBuilder::GradientBuilder(GraphBuilder& builder, const Node& node, std::vector<ValueId> result_gradients,
                                 std::vector<bool> needed)
    : builder_(&builder),
      node_operands_(node.operands),
      node_results_(node.results),
      result_gradients_(std::move(result_gradients)),
      operand_gradients_(node.operands.size()),
      operand_types_(builder_operand_types(builder, node.operands)),
      needed_(std::move(needed)) {}

void GradientBuilder::add_to(int operand, ValueId gradient) {
  if (!needed(operand)) return;
  const TensorType& wanted = operand_types_.at(static_cast<size_t>(operand));
  const TensorType found = builder_->type(gradient);
  CNNC_CHECK(found == wanted, fmt::format("the gradient of operand {} is {}, as the operand, not {}", operand, to_string(wanted),
                                          to_string(found)));
  ValueId& sum = operand_gradients_.at(static_cast<size_t>(operand));
  sum = sum.valid() ? builder_->map("x0 + x1", {sum, gradient}) : gradient;
}

std::vector<TensorType> gradient_operand_types(const GradientBuilder& builder) {
  const std::span<const TensorType> types = builder.operand_types();
  return {types.begin(), types.end()};
}

}  // namespace cnnc
