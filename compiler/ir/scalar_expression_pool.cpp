// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Hash-consing and folding of expression nodes. Every fold is exact for NaN, infinities and signed zeros; constants are
// folded in double precision whatever the element type of the map.
#include "ir/scalar_expression_pool.h"

#include <bit>
#include <cmath>
#include <limits>

#include "support/check.h"

namespace cnnc {

bool ScalarExpression::Node::operator==(const Node& other) const {
  return op == other.op && std::bit_cast<uint64_t>(value) == std::bit_cast<uint64_t>(other.value) &&
         operands[0] == other.operands[0] && operands[1] == other.operands[1] && operands[2] == other.operands[2];
}

size_t ScalarExpressionPool::Hash::operator()(const Node& node) const {
  size_t hash = static_cast<size_t>(node.op);
  const auto mix = [&](uint64_t value) { hash = (hash ^ value) * 0x9e3779b97f4a7c15u + (hash >> 29); };
  mix(std::bit_cast<uint64_t>(node.value));
  for (const int32_t operand : node.operands) mix(static_cast<uint32_t>(operand));
  return hash;
}

int32_t ScalarExpressionPool::intern(const Node& node) {
  const auto [found, added] = numbers_.try_emplace(node, static_cast<int32_t>(nodes_.size()));
  if (added) nodes_.push_back(node);
  return found->second;
}

int32_t ScalarExpressionPool::argument(int index) {
  CNNC_CHECK(index >= 0, "an argument's index is not negative");
  return intern({ScalarOp::Argument, 0, {index, -1, -1}});
}

int32_t ScalarExpressionPool::constant(double value) {
  // One NaN only, so that equal expressions have equal bits.
  return intern({ScalarOp::Constant, std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value, {-1, -1, -1}});
}

std::optional<double> ScalarExpressionPool::constant_value(int32_t id) const {
  if (node(id).op != ScalarOp::Constant) return std::nullopt;
  return node(id).value;
}

bool ScalarExpressionPool::is_constant(int32_t id, double value) const {
  const auto found = constant_value(id);
  return found && std::bit_cast<uint64_t>(*found) == std::bit_cast<uint64_t>(value);
}

std::optional<int32_t> ScalarExpressionPool::fold_arithmetic(ScalarOp op, int32_t a, int32_t b) {
  switch (op) {
    case ScalarOp::Add:
      if (node(b).op == ScalarOp::Negate) return apply(ScalarOp::Subtract, a, node(b).operands[0]);
      if (is_constant(b, -0.0)) return a;
      if (is_constant(a, -0.0)) return b;
      return std::nullopt;
    case ScalarOp::Subtract:
      if (node(b).op == ScalarOp::Negate) return apply(ScalarOp::Add, a, node(b).operands[0]);
      if (is_constant(b, 0.0)) return a;
      if (is_constant(a, -0.0)) return apply(ScalarOp::Negate, b);
      return std::nullopt;
    case ScalarOp::Multiply:
      if (is_constant(b, 1)) return a;
      if (is_constant(a, 1)) return b;
      if (is_constant(b, -1)) return apply(ScalarOp::Negate, a);
      if (is_constant(a, -1)) return apply(ScalarOp::Negate, b);
      return std::nullopt;
    case ScalarOp::Divide:
      if (is_constant(b, 1)) return a;
      if (is_constant(b, -1)) return apply(ScalarOp::Negate, a);
      return std::nullopt;
    case ScalarOp::Power:
      if (is_constant(b, 0.0) || is_constant(b, -0.0)) return constant(1);      // also of NaN
      if (is_constant(b, 1)) return a;
      if (is_constant(b, 2)) return apply(ScalarOp::Multiply, a, a);
      return std::nullopt;
    case ScalarOp::Minimum:
    case ScalarOp::Maximum:
      if (a == b) return a;
      return std::nullopt;
    case ScalarOp::Negate:
      if (node(a).op == ScalarOp::Negate) return node(a).operands[0];
      return std::nullopt;
    case ScalarOp::Abs:
      if (node(a).op == ScalarOp::Abs) return a;
      if (node(a).op == ScalarOp::Negate) return apply(ScalarOp::Abs, node(a).operands[0]);
      return std::nullopt;
    default: return std::nullopt;
  }
}

std::optional<int32_t> ScalarExpressionPool::fold_logic(ScalarOp op, int32_t a, int32_t b) {
  const auto known_a = constant_value(a);
  if (op == ScalarOp::Not) {
    if (node(a).op == ScalarOp::Not) return node(a).operands[0];
    if (node(a).op == ScalarOp::Equal) return apply(ScalarOp::NotEqual, node(a).operands[0], node(a).operands[1]);
    if (node(a).op == ScalarOp::NotEqual) return apply(ScalarOp::Equal, node(a).operands[0], node(a).operands[1]);
    return std::nullopt;
  }
  if (op != ScalarOp::And && op != ScalarOp::Or) return std::nullopt;
  if (a == b) return a;
  const auto known_b = constant_value(b);
  const bool keeps_other = op == ScalarOp::And;      // `true and x` is x, `true or x` is true
  if (known_a) return (*known_a != 0) == keeps_other ? b : a;
  if (known_b) return (*known_b != 0) == keeps_other ? a : b;
  return std::nullopt;
}

int32_t ScalarExpressionPool::apply(ScalarOp op, int32_t a, int32_t b, int32_t c) {
  const int count = scalar_operand_count(op);
  CNNC_CHECK(count > 0 && (count > 0) == (a >= 0) && (count > 1) == (b >= 0) && (count > 2) == (c >= 0),
             "an operation of a scalar expression has its number of operands");
  if (op == ScalarOp::Select) {
    if (const auto condition = constant_value(a)) return *condition != 0 ? b : c;
    if (b == c) return b;
    if (node(a).op == ScalarOp::Not) return apply(ScalarOp::Select, node(a).operands[0], c, b);
    return intern({op, 0, {a, b, c}});
  }
  const auto known_a = constant_value(a);
  if (count == 1 && known_a) return constant(evaluate_scalar_op(op, *known_a, 0, 0));
  if (count == 2 && known_a) {
    if (const auto known_b = constant_value(b)) return constant(evaluate_scalar_op(op, *known_a, *known_b, 0));
  }
  if (const auto folded = fold_arithmetic(op, a, b)) return *folded;
  if (const auto folded = fold_logic(op, a, b)) return *folded;
  return intern({op, 0, {a, b, -1}});
}

int32_t ScalarExpressionPool::import(const ScalarExpression& expression, const std::vector<int32_t>& arguments) {
  std::vector<int32_t> ids;
  for (const Node& n : expression.nodes()) {
    const auto operand = [&](int i) { return n.operands[i] < 0 ? -1 : ids[static_cast<size_t>(n.operands[i])]; };
    if (n.op == ScalarOp::Argument) {
      const auto index = static_cast<size_t>(n.operands[0]);
      ids.push_back(index < arguments.size() ? arguments[index] : argument(n.operands[0]));
    } else if (n.op == ScalarOp::Constant) {
      ids.push_back(constant(n.value));
    } else {
      ids.push_back(apply(n.op, operand(0), operand(1), operand(2)));
    }
  }
  CNNC_CHECK(!ids.empty(), "a scalar expression has a root");
  return ids.back();
}

ScalarExpression ScalarExpressionPool::take(int32_t root) const {
  ScalarExpression result;
  std::vector<int32_t> numbers(nodes_.size(), -1);
  std::vector<int32_t> open{root};
  while (!open.empty()) {
    const int32_t id = open.back();
    Node copy = node(id);
    bool ready = numbers[static_cast<size_t>(id)] < 0;
    if (ready && copy.op != ScalarOp::Argument) {
      for (int i = 2; i >= 0; --i) {       // pushed in reverse, so that the first operand is visited first
        if (copy.operands[i] < 0) continue;
        const int32_t number = numbers[static_cast<size_t>(copy.operands[i])];
        if (number < 0) {
          open.push_back(copy.operands[i]);
          ready = false;
        }
        copy.operands[i] = number;
      }
      if (!ready) continue;
    }
    open.pop_back();
    if (!ready) continue;
    numbers[static_cast<size_t>(id)] = static_cast<int32_t>(result.nodes_.size());
    result.nodes_.push_back(copy);
  }
  return result;
}

}  // namespace cnnc
