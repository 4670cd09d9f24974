// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Builds nodes by the names of ops, as layers, expansions and gradients do. Carries layer and location to new nodes.
#pragma once
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/op.h"

namespace cnnc {

class GraphBuilder {
 public:
  explicit GraphBuilder(Graph& graph) : graph_(&graph) {}

  /// Where the nodes that follow come from.
  void set_origin(std::string layer, SourceRange location);

  std::vector<ValueId> add_all(std::string_view op, std::vector<ValueId> operands, AttributeMap attributes = {});
  /// The first (or only) result.
  ValueId add(std::string_view op, std::vector<ValueId> operands, AttributeMap attributes = {});

  /// map(operands) {f = expression}: elementwise with broadcasting.
  ValueId map(const ScalarExpression& expression, std::vector<ValueId> operands);
  /// map from the text form, with x0, x1, … as arguments: map("x0 * x1", {a, b}).
  ValueId map(std::string_view expression, std::vector<ValueId> operands);
  /// As `map`, over those operands only that the expression uses, each once.
  ValueId map_used(const ScalarExpression& expression, std::span<const ValueId> operands);
  /// The type that map_used gives; an operand that the expression lost may have been what made it batched, larger or f64.
  TensorType type_of_used(const ScalarExpression& expression, std::span<const ValueId> operands) const;
  ValueId constant(double value, ElementType element);                    // type f32[]
  ValueId reshape(ValueId value, Dims dims);
  /// Sum over the dimensions `axes` (kept with extent 1) and, if `batch`, over all images (result not batched).
  ValueId sum(ValueId value, Dims axes, bool batch);
  /// Sums `value` down to `type`: the adjoint of broadcasting.
  ValueId sum_to(ValueId value, const TensorType& type);

  /// The operands that key a random draw: seed i32[], epoch i32[], sample i32[N] (each image's number in the epoch). Set by
  /// the expansion for training, which adds them as arguments of the function when an op of it is random.
  void set_random_key(std::vector<ValueId> key) { random_key_ = std::move(key); }
  const std::vector<ValueId>& random_key() const { return random_key_; }

  const TensorType& type(ValueId value) const { return graph_->type(value); }
  Graph& graph() { return *graph_; }

 private:
  Graph* graph_;
  std::vector<ValueId> random_key_;
  std::string layer_;
  SourceRange location_;
};

}  // namespace cnnc
