// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a gradient rule may use: the node's operands and results in the graph, the gradients of its results, and a builder
// that appends ordinary nodes. The rule adds to the gradients of the operands that need one.
#pragma once
#include <span>
#include <vector>

#include "ir/builder.h"

namespace cnnc {

class GradientBuilder {
 public:
  GradientBuilder(GraphBuilder& builder, const Node& node, std::vector<ValueId> result_gradients, std::vector<bool> needed);

  GraphBuilder& build() { return *builder_; }
  ValueId operand(int index) const { return node_operands_.at(static_cast<size_t>(index)); }
  ValueId result(int index = 0) const { return node_results_.at(static_cast<size_t>(index)); }
  int operand_count() const { return static_cast<int>(node_operands_.size()); }
  /// The gradient of a result; an invalid id when nothing depends on that result.
  ValueId dy(int result = 0) const { return result_gradients_.at(static_cast<size_t>(result)); }
  /// Whether a weight depends on this operand; rules skip the others, so that what no weight needs is not computed.
  bool needed(int operand) const { return needed_.at(static_cast<size_t>(operand)); }
  /// Adds to the operand's gradient; `gradient` has the operand's type.
  void add_to(int operand, ValueId gradient);

  const std::vector<ValueId>& operand_gradients() const { return operand_gradients_; }
  std::span<const TensorType> operand_types() const { return operand_types_; }

 private:
  GraphBuilder* builder_;
  std::vector<ValueId> node_operands_, node_results_, result_gradients_, operand_gradients_;
  std::vector<TensorType> operand_types_;
  std::vector<bool> needed_;
};

}  // namespace cnnc
