// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Symbolic derivatives of scalar expressions: forward mode over the nodes, "no derivative" (-1) where a node does not
// contain the variable. A term is dropped only then, never because a factor is zero, so that NaN gets through. A branch of
// a select without derivative stays 0 whatever it is multiplied with: relu stops an infinite gradient where it is 0.
#include <cmath>
#include <numbers>

#include "ir/scalar_expression_pool.h"
#include "support/check.h"

namespace cnnc {
namespace {

constexpr int32_t kNone = -1;

/// The derivative of one node from those of its operands. All ids are nodes of `pool`; kNone is "identically zero".
struct DerivativeRules {
  ScalarExpressionPool& pool;

  int32_t number(double value) { return pool.constant(value); }
  int32_t or_zero(int32_t d) { return d == kNone ? number(0) : d; }
  int32_t add(int32_t a, int32_t b) {
    if (a == kNone) return b;
    return b == kNone ? a : pool.apply(ScalarOp::Add, a, b);
  }
  int32_t subtract(int32_t a, int32_t b) {
    if (b == kNone) return a;
    return a == kNone ? pool.apply(ScalarOp::Negate, b) : pool.apply(ScalarOp::Subtract, a, b);
  }
  int32_t multiply(int32_t a, int32_t b) {
    return a == kNone || b == kNone ? kNone : pool.apply(ScalarOp::Multiply, a, b);
  }
  /// The derivative `d` times any factor, which goes into the branches of a select of which one is 0. The chain rule has two
  /// derivatives to multiply.
  int32_t scale(int32_t d, int32_t factor, bool is_derivative = false) {
    if (d == kNone || factor == kNone) return kNone;
    const ScalarExpressionPool::Node n = pool.node(d);
    const auto is_zero = [&](int operand) { return pool.is_constant(n.operands[operand], 0); };
    if (n.op != ScalarOp::Select || (!is_zero(1) && !is_zero(2))) return is_derivative ? scale(factor, d) : multiply(factor, d);
    const auto branch = [&](int operand) { return is_zero(operand) ? n.operands[operand] : scale(n.operands[operand], factor, is_derivative); };
    const int32_t chosen = branch(1), other = branch(2);
    return pool.apply(ScalarOp::Select, n.operands[0], chosen, other);
  }
  int32_t chain(int32_t outer, int32_t inner) { return scale(outer, inner, true); }
  int32_t divide(int32_t a, int32_t b) { return a == kNone ? kNone : pool.apply(ScalarOp::Divide, a, b); }
  int32_t select(int32_t condition, int32_t a, int32_t b) {
    if (a == kNone && b == kNone) return kNone;
    return pool.apply(ScalarOp::Select, condition, or_zero(a), or_zero(b));
  }
  int32_t less(int32_t a, int32_t b) { return pool.apply(ScalarOp::Less, a, b); }

  /// d(a^b). With a constant exponent b·a^(b-1); the exponent's share is 0 where the base is 0, as its logarithm is infinite.
  int32_t power(int32_t y, int32_t a, int32_t b, int32_t da, int32_t db) {
    int32_t result = kNone;
    if (da != kNone) {
      const int32_t reduced = pool.apply(ScalarOp::Power, a, pool.apply(ScalarOp::Subtract, b, number(1)));
      const int32_t slope = pool.apply(ScalarOp::Multiply, b, reduced);
      const int32_t is_constant = pool.apply(ScalarOp::Equal, b, number(0));      // 0 * 0^-1 would be NaN
      result = chain(pool.apply(ScalarOp::Select, is_constant, number(0), slope), da);
    }
    if (db != kNone) {
      const int32_t slope = pool.apply(ScalarOp::Multiply, y, pool.apply(ScalarOp::Log, a));
      const int32_t is_zero = pool.apply(ScalarOp::Equal, a, number(0));
      result = add(result, chain(pool.apply(ScalarOp::Select, is_zero, number(0), slope), db));
    }
    return result;
  }

  int32_t two_operands(ScalarOp op, int32_t y, int32_t a, int32_t b, int32_t da, int32_t db) {
    switch (op) {
      case ScalarOp::Add: return add(da, db);
      case ScalarOp::Subtract: return subtract(da, db);
      case ScalarOp::Multiply: return add(scale(da, b), scale(db, a));
      case ScalarOp::Divide: return divide(subtract(da, scale(db, y)), b);
      case ScalarOp::Power: return power(y, a, b, da, db);
      case ScalarOp::Modulo:
        return subtract(da, scale(db, pool.apply(ScalarOp::Floor, pool.apply(ScalarOp::Divide, a, b))));
      case ScalarOp::Minimum: return select(less(a, b), da, db);
      case ScalarOp::Maximum: return select(less(b, a), da, db);
      default: CNNC_CHECK(false, "an operation of two operands with a derivative");
    }
  }

  /// The slope of y = op(a), through the value y where that is cheaper; kNone where it is zero everywhere.
  int32_t slope(ScalarOp op, int32_t y, int32_t a) {
    const int32_t one = number(1);
    switch (op) {
      case ScalarOp::Negate: return number(-1);
      case ScalarOp::Exp: return y;
      case ScalarOp::Log: return divide(one, a);
      case ScalarOp::Log1p: return divide(one, pool.apply(ScalarOp::Add, one, a));
      case ScalarOp::Sqrt: {
        const int32_t is_zero = pool.apply(ScalarOp::Equal, y, number(0));
        return select(is_zero, kNone, divide(number(0.5), y));
      }
      case ScalarOp::Tanh: return subtract(one, multiply(y, y));
      case ScalarOp::Sigmoid: return multiply(y, subtract(one, y));
      case ScalarOp::Abs:
        return select(less(number(0), a), one, select(less(a, number(0)), number(-1), kNone));
      case ScalarOp::Floor:
      case ScalarOp::Ceil: return kNone;
      case ScalarOp::Erf: {
        const int32_t bell = pool.apply(ScalarOp::Exp, pool.apply(ScalarOp::Negate, multiply(a, a)));
        return multiply(number(2 * std::numbers::inv_sqrtpi), bell);
      }
      case ScalarOp::Sin: return pool.apply(ScalarOp::Cos, a);
      case ScalarOp::Cos: return pool.apply(ScalarOp::Negate, pool.apply(ScalarOp::Sin, a));
      default: CNNC_CHECK(false, "an operation of one operand with a derivative");
    }
  }
};

}  // namespace

ScalarExpression multiply_derivative(const ScalarExpression& factor, const ScalarExpression& derivative) {
  ScalarExpressionPool pool;
  const int32_t d = pool.import(derivative), by = pool.import(factor);
  return pool.take(DerivativeRules{pool}.scale(d, by));
}

ScalarExpression ScalarExpression::derivative(int index) const {
  ScalarExpressionPool pool;
  DerivativeRules rules{pool};
  std::vector<int32_t> ids, derivatives;
  for (const Node& n : nodes_) {
    int32_t id[3] = {kNone, kNone, kNone}, d[3] = {kNone, kNone, kNone};
    if (n.op == ScalarOp::Argument) {
      ids.push_back(pool.argument(n.operands[0]));
      derivatives.push_back(n.operands[0] == index ? pool.constant(1) : kNone);
      continue;
    }
    for (int i = 0; i < 3; ++i) {
      if (n.operands[i] < 0) continue;
      id[i] = ids[static_cast<size_t>(n.operands[i])];
      d[i] = derivatives[static_cast<size_t>(n.operands[i])];
    }
    ids.push_back(n.op == ScalarOp::Constant ? pool.constant(n.value) : pool.apply(n.op, id[0], id[1], id[2]));
    const int32_t y = ids.back();
    if (n.op == ScalarOp::Select) {
      derivatives.push_back(rules.select(id[0], d[1], d[2]));
    } else if ((d[0] == kNone && d[1] == kNone) || gives_truth_value(n.op)) {
      derivatives.push_back(kNone);
    } else if (scalar_operand_count(n.op) == 1) {
      derivatives.push_back(rules.chain(rules.slope(n.op, y, id[0]), d[0]));
    } else {
      derivatives.push_back(rules.two_operands(n.op, y, id[0], id[1], d[0], d[1]));
    }
  }
  return pool.take(rules.or_zero(derivatives.back()));
}

}  // namespace cnnc
