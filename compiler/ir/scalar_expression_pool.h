// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A growing set of expression nodes in which equal nodes are one. Derivatives, substitution and the reader build in a pool
// and take the finished expression out once, so that their cost is linear. Private to compiler/ir.
#pragma once
#include <unordered_map>

#include "ir/scalar_expression.h"

namespace cnnc {

class ScalarExpressionPool {
 public:
  using Node = ScalarExpression::Node;

  int32_t argument(int index);
  int32_t constant(double value);
  /// Applies `op` to nodes of the pool; folds as ScalarExpression::apply says.
  int32_t apply(ScalarOp op, int32_t a, int32_t b = -1, int32_t c = -1);
  /// Copies all nodes of an expression; x<i> becomes arguments[i], or stays where `arguments` is shorter.
  int32_t import(const ScalarExpression& expression, const std::vector<int32_t>& arguments = {});
  /// The expression with that root, in canonical order: depth first, operands before uses.
  ScalarExpression take(int32_t root) const;

  const Node& node(int32_t id) const { return nodes_[static_cast<size_t>(id)]; }
  size_t size() const { return nodes_.size(); }
  std::optional<double> constant_value(int32_t id) const;
  bool is_constant(int32_t id, double value) const;

 private:
  struct Hash {
    size_t operator()(const Node& node) const;
  };
  int32_t intern(const Node& node);
  std::optional<int32_t> fold_arithmetic(ScalarOp op, int32_t a, int32_t b);
  std::optional<int32_t> fold_logic(ScalarOp op, int32_t a, int32_t b);

  std::vector<Node> nodes_;
  std::unordered_map<Node, int32_t, Hash> numbers_;
};

}  // namespace cnnc
