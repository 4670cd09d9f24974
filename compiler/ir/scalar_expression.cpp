// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scalar expressions: construction and evaluation. Folding is in scalar_expression_pool.cpp, derivatives in
// scalar_derivative.cpp, text in scalar_expression_text.cpp.
#include "ir/scalar_expression.h"

#include <algorithm>
#include <cmath>

#include "ir/scalar_expression_pool.h"
#include "support/check.h"

namespace cnnc {
namespace {

double sigmoid(double x) {
  // Either way the exponential stays at most 1, so nothing overflows.
  if (x < 0) return std::exp(x) / (1 + std::exp(x));
  return 1 / (1 + std::exp(-x));
}

double modulo(double a, double b) {
  const double rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

}  // namespace

double evaluate_scalar_op(ScalarOp op, double a, double b, double c) {
  switch (op) {
    case ScalarOp::Add: return a + b;
    case ScalarOp::Subtract: return a - b;
    case ScalarOp::Multiply: return a * b;
    case ScalarOp::Divide: return a / b;
    case ScalarOp::Power: return std::pow(a, b);
    case ScalarOp::Modulo: return modulo(a, b);
    case ScalarOp::Minimum: return b < a || std::isnan(b) ? b : a;
    case ScalarOp::Maximum: return a < b || std::isnan(b) ? b : a;
    case ScalarOp::Negate: return -a;
    case ScalarOp::Exp: return std::exp(a);
    case ScalarOp::Log: return std::log(a);
    case ScalarOp::Log1p: return std::log1p(a);
    case ScalarOp::Sqrt: return std::sqrt(a);
    case ScalarOp::Tanh: return std::tanh(a);
    case ScalarOp::Sigmoid: return sigmoid(a);
    case ScalarOp::Abs: return std::fabs(a);
    case ScalarOp::Floor: return std::floor(a);
    case ScalarOp::Ceil: return std::ceil(a);
    case ScalarOp::Erf: return std::erf(a);
    case ScalarOp::Sin: return std::sin(a);
    case ScalarOp::Cos: return std::cos(a);
    case ScalarOp::Less: return a < b;
    case ScalarOp::LessEqual: return a <= b;
    case ScalarOp::Equal: return a == b;
    case ScalarOp::NotEqual: return a != b;
    case ScalarOp::And: return a != 0 && b != 0;
    case ScalarOp::Or: return a != 0 || b != 0;
    case ScalarOp::Not: return a == 0;
    case ScalarOp::Select: return a != 0 ? b : c;
    case ScalarOp::Argument:
    case ScalarOp::Constant: break;
  }
  CNNC_CHECK(false, "an operation on numbers");
}

int scalar_operand_count(ScalarOp op) {
  if (op == ScalarOp::Argument || op == ScalarOp::Constant) return 0;
  if (op == ScalarOp::Select) return 3;
  if (op == ScalarOp::Not || (op >= ScalarOp::Negate && op <= ScalarOp::Cos)) return 1;
  return 2;
}

bool gives_truth_value(ScalarOp op) { return op >= ScalarOp::Less && op <= ScalarOp::Not; }

ScalarExpression ScalarExpression::argument(int index) {
  ScalarExpressionPool pool;
  return pool.take(pool.argument(index));
}

ScalarExpression ScalarExpression::constant(double value) {
  ScalarExpressionPool pool;
  return pool.take(pool.constant(value));
}

ScalarExpression ScalarExpression::apply(ScalarOp op, std::span<const ScalarExpression> operands) {
  CNNC_CHECK(static_cast<int>(operands.size()) == scalar_operand_count(op) && !operands.empty(),
             "an operation of a scalar expression has its number of operands");
  ScalarExpressionPool pool;
  int32_t ids[3] = {-1, -1, -1};
  for (size_t i = 0; i < operands.size(); ++i) ids[i] = pool.import(operands[i]);
  return pool.take(pool.apply(op, ids[0], ids[1], ids[2]));
}

ScalarExpression ScalarExpression::apply(ScalarOp op, std::initializer_list<ScalarExpression> operands) {
  return apply(op, std::span<const ScalarExpression>(operands.begin(), operands.size()));
}

int ScalarExpression::argument_count() const {
  int count = 0;
  for (const Node& n : nodes_) {
    if (n.op == ScalarOp::Argument) count = std::max(count, n.operands[0] + 1);
  }
  return count;
}

bool ScalarExpression::uses_argument(int index) const {
  return std::any_of(nodes_.begin(), nodes_.end(),
                     [&](const Node& n) { return n.op == ScalarOp::Argument && n.operands[0] == index; });
}

std::optional<double> ScalarExpression::constant_value() const {
  if (nodes_.size() != 1 || root().op != ScalarOp::Constant) return std::nullopt;
  return root().value;
}

ScalarExpression ScalarExpression::substitute(std::span<const ScalarExpression> arguments) const {
  CNNC_CHECK(static_cast<int>(arguments.size()) >= argument_count(), "every argument has a replacement");
  ScalarExpressionPool pool;
  std::vector<int32_t> ids;
  for (const ScalarExpression& argument : arguments) ids.push_back(pool.import(argument));
  return pool.take(pool.import(*this, ids));
}

double ScalarExpression::evaluate(std::span<const double> arguments) const {
  std::vector<double> values;
  values.reserve(nodes_.size());
  for (const Node& n : nodes_) {
    const auto operand = [&](int i) { return n.operands[i] < 0 ? 0.0 : values[static_cast<size_t>(n.operands[i])]; };
    if (n.op == ScalarOp::Argument) {
      CNNC_CHECK(static_cast<size_t>(n.operands[0]) < arguments.size(), "every argument has a value");
      values.push_back(arguments[static_cast<size_t>(n.operands[0])]);
    } else if (n.op == ScalarOp::Constant) {
      values.push_back(n.value);
    } else {
      values.push_back(evaluate_scalar_op(n.op, operand(0), operand(1), operand(2)));
    }
  }
  CNNC_CHECK(!values.empty(), "a scalar expression has a root");
  return values.back();
}

ScalarExpression operator+(const ScalarExpression& a, const ScalarExpression& b) {
  return ScalarExpression::apply(ScalarOp::Add, {a, b});
}
ScalarExpression operator-(const ScalarExpression& a, const ScalarExpression& b) {
  return ScalarExpression::apply(ScalarOp::Subtract, {a, b});
}
ScalarExpression operator*(const ScalarExpression& a, const ScalarExpression& b) {
  return ScalarExpression::apply(ScalarOp::Multiply, {a, b});
}
ScalarExpression operator/(const ScalarExpression& a, const ScalarExpression& b) {
  return ScalarExpression::apply(ScalarOp::Divide, {a, b});
}

}  // namespace cnnc
