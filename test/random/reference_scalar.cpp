// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scalar expressions of `map`: value, and derivatives in reverse mode, written from the meanings that ir/scalar_expression.h
// states.
#include <array>
#include <numbers>

#include "support/check.h"
#include "test/random/reference.h"

namespace cnnc::random_programs {
namespace {

/// f(x) with derivative `slope`; `own` is the error of computing f itself, in units of rounding.
Bounded function_of(const Bounded& x, double value, double slope, double own) {
  return {value, passed_on(slope, x.error) + own};
}

/// The same for functions that have a jump in the values that x may have: the error is as large as the jump.
Bounded step_function(const Bounded& x, double (*f)(double)) {
  const double value = f(x.value), reach = rounding_unit * x.error;
  const double jump = x.error == 0 ? 0 : std::max(std::abs(f(x.value + reach) - value), std::abs(f(x.value - reach) - value));
  return {value, jump / rounding_unit};
}

Bounded power(const Bounded& a, const Bounded& b) {
  const double value = std::pow(a.value, b.value);
  const double log = a.value == 0 ? 0 : std::log(std::abs(a.value));
  return {value, std::abs(value) * (1 + std::abs(b.value * log)) + passed_on(b.value * std::pow(a.value, b.value - 1), a.error) +
                     passed_on(value * log, b.error)};
}

Bounded sigmoid(const Bounded& x) {
  const double value = x.value >= 0 ? 1 / (1 + std::exp(-x.value)) : std::exp(x.value) / (1 + std::exp(x.value));
  return function_of(x, value, value * (1 - value), value * (1 + std::abs(x.value)));
}
Bounded hyperbolic_tangent(const Bounded& x) {
  const double value = std::tanh(x.value);
  return function_of(x, value, 1 - value * value, std::abs(value));
}
Bounded logarithm_of_one_more(const Bounded& x) {
  const double value = std::log1p(x.value);
  return function_of(x, value, 1 / (1 + x.value), std::abs(value));
}
Bounded error_function(const Bounded& x) {
  return function_of(x, std::erf(x.value), 2 * std::numbers::inv_sqrtpi * std::exp(-x.value * x.value), std::abs(std::erf(x.value)));
}
Bounded sine(const Bounded& x) { return function_of(x, std::sin(x.value), std::cos(x.value), 1 + std::abs(x.value)); }
Bounded cosine(const Bounded& x) { return function_of(x, std::cos(x.value), std::sin(x.value), 1 + std::abs(x.value)); }
Bounded absolute(const Bounded& x) { return {std::abs(x.value), x.error}; }

Bounded is_equal(const Bounded& a, const Bounded& b) { return truth(a.value == b.value, are_apart(a, b)); }
Bounded negation(const Bounded& a) { return truth(a.value == 0, is_decided(a)); }

Bounded minimum(const Bounded& a, const Bounded& b) {
  return std::isnan(b.value) ? b : choose(is_less(b, a), b, a);
}
Bounded maximum(const Bounded& a, const Bounded& b) {
  return std::isnan(b.value) ? b : choose(is_less(a, b), b, a);
}
Bounded conjunction(const Bounded& a, const Bounded& b) {
  const bool known_false = (a.value == 0 && is_decided(a)) || (b.value == 0 && is_decided(b));
  return truth(a.value != 0 && b.value != 0, known_false || (is_decided(a) && is_decided(b)));
}

using Node = ScalarExpression::Node;

/// Operand values of a node; those that it does not have are zeros.
std::array<Bounded, 3> operands_of(const Node& node, const std::vector<Bounded>& values) {
  std::array<Bounded, 3> result;
  if (node.op == ScalarOp::Argument) return result;
  for (size_t i = 0; i < 3; ++i)
    if (node.operands[i] >= 0) result[i] = values[static_cast<size_t>(node.operands[i])];
  return result;
}

Bounded apply(const Node& node, const std::array<Bounded, 3>& x, std::span<const Bounded> arguments) {
  const auto& [a, b, c] = x;
  switch (node.op) {
    case ScalarOp::Argument: return arguments[static_cast<size_t>(node.operands[0])];
    case ScalarOp::Constant: return rounded(node.value);
    case ScalarOp::Add: return a + b;
    case ScalarOp::Subtract: return a - b;
    case ScalarOp::Multiply: return a * b;
    case ScalarOp::Divide: return a / b;
    case ScalarOp::Power: return power(a, b);
    case ScalarOp::Modulo: return a - step_function(a / b, std::floor) * b;
    case ScalarOp::Minimum: return minimum(a, b);
    case ScalarOp::Maximum: return maximum(a, b);
    case ScalarOp::Negate: return -a;
    case ScalarOp::Exp: return exponential(a);
    case ScalarOp::Log: return logarithm(a);
    case ScalarOp::Log1p: return logarithm_of_one_more(a);
    case ScalarOp::Sqrt: return square_root(a);
    case ScalarOp::Tanh: return hyperbolic_tangent(a);
    case ScalarOp::Sigmoid: return sigmoid(a);
    case ScalarOp::Abs: return absolute(a);
    case ScalarOp::Floor: return step_function(a, std::floor);
    case ScalarOp::Ceil: return step_function(a, std::ceil);
    case ScalarOp::Erf: return error_function(a);
    case ScalarOp::Sin: return sine(a);
    case ScalarOp::Cos: return cosine(a);
    case ScalarOp::Less: return is_less(a, b);
    case ScalarOp::LessEqual: return truth(a.value <= b.value, are_apart(a, b));
    case ScalarOp::Equal: return is_equal(a, b);
    case ScalarOp::NotEqual: return negation(is_equal(a, b));
    case ScalarOp::And: return conjunction(a, b);
    case ScalarOp::Or: return negation(conjunction(negation(a), negation(b)));
    case ScalarOp::Not: return negation(a);
    case ScalarOp::Select: return choose(a, b, c);
  }
  CNNC_CHECK(false, "one of the scalar operations");
}

/// The derivatives of a node's value `y` towards its operands, times `dy`.
std::array<Bounded, 3> slopes(const Node& node, const std::array<Bounded, 3>& x, const Bounded& y, const Bounded& dy) {
  const auto& [a, b, c] = x;
  const Bounded none = exact(0), one = exact(1);
  switch (node.op) {
    case ScalarOp::Add: return {dy, dy, none};
    case ScalarOp::Subtract: return {dy, -dy, none};
    case ScalarOp::Multiply: return {dy * b, dy * a, none};
    case ScalarOp::Divide: return {dy / b, -(dy * y / b), none};
    case ScalarOp::Power:      // both derivatives are 0 where the formula would multiply 0 by infinity
      return {is_exactly(b, 0) ? none : dy * (b * power(a, b - one)), is_exactly(a, 0) ? none : dy * (y * logarithm(a)), none};
    case ScalarOp::Modulo: return {dy, -(dy * step_function(a / b, std::floor)), none};
    case ScalarOp::Minimum: return {choose(is_less(a, b), dy, none), choose(is_less(a, b), none, dy), none};
    case ScalarOp::Maximum: return {choose(is_less(b, a), dy, none), choose(is_less(b, a), none, dy), none};
    case ScalarOp::Negate: return {-dy, none, none};
    case ScalarOp::Exp: return {dy * y, none, none};
    case ScalarOp::Log: return {dy / a, none, none};
    case ScalarOp::Log1p: return {dy / (one + a), none, none};
    case ScalarOp::Sqrt: return {is_exactly(a, 0) ? none : dy / (exact(2) * y), none, none};
    case ScalarOp::Tanh: return {dy * (one - y * y), none, none};
    case ScalarOp::Sigmoid: return {dy * (y * (one - y)), none, none};
    case ScalarOp::Abs:        // dy times the sign, which is 0 for 0 and NaN: NaN and infinity times 0 is NaN
      return {choose(is_less(none, a), dy, choose(is_less(a, none), -dy, dy * none)), none, none};
    case ScalarOp::Erf: return {dy * (rounded(2 * std::numbers::inv_sqrtpi) * exponential(-(a * a))), none, none};
    case ScalarOp::Sin: return {dy * cosine(a), none, none};
    case ScalarOp::Cos: return {-(dy * sine(a)), none, none};
    case ScalarOp::Select: return {none, choose(a, dy, none), choose(a, none, dy)};
    default: return {none, none, none};      // constants, arguments, steps and truth values
  }
}

std::vector<Bounded> node_values(const ScalarExpression& expression, std::span<const Bounded> arguments) {
  std::vector<Bounded> values;
  values.reserve(expression.nodes().size());
  for (const Node& node : expression.nodes()) values.push_back(apply(node, operands_of(node, values), arguments));
  return values;
}

}  // namespace

Bounded exponential(const Bounded& x) {
  const double value = std::exp(x.value);
  return function_of(x, value, value, value * (1 + std::abs(x.value)));
}
Bounded logarithm(const Bounded& x) {
  const double value = std::log(x.value);
  return function_of(x, value, 1 / x.value, 1 + std::abs(value));
}
Bounded square_root(const Bounded& x) {
  const double value = std::sqrt(x.value), reach = rounding_unit * x.error;
  if (reach >= x.value && x.error > 0) return {value, std::sqrt(x.value + reach) / rounding_unit};
  return function_of(x, value, value == 0 ? 0 : 0.5 / value, value);
}

Bounded evaluate_expression(const ScalarExpression& expression, std::span<const Bounded> arguments) {
  return node_values(expression, arguments).back();
}

std::vector<Bounded> differentiate_expression(const ScalarExpression& expression, std::span<const Bounded> arguments, const Bounded& seed) {
  const std::vector<Bounded> values = node_values(expression, arguments);
  std::vector<Bounded> adjoints(values.size()), result(arguments.size());
  std::vector<bool> reached(values.size());      // by the chain rule; a derivative that is 0 there may meet an infinite one
  adjoints.back() = seed;
  reached.back() = true;
  for (size_t n = values.size(); n-- > 0;) {
    const Node& node = expression.nodes()[n];
    if (!reached[n]) continue;
    if (node.op == ScalarOp::Argument) {
      Bounded& sum = result[static_cast<size_t>(node.operands[0])];
      sum = sum + adjoints[n];
      continue;
    }
    const auto operands = operands_of(node, values);
    const auto towards = slopes(node, operands, values[n], adjoints[n]);
    // The derivative of what is chosen; an infinite one of the other says nothing.
    const size_t not_chosen = node.op == ScalarOp::Select ? (operands[0].value != 0 ? 2 : 1) : 0;
    for (size_t i = 0; i < 3; ++i) {
      if (node.op == ScalarOp::Constant || node.operands[i] < 0) continue;
      const auto operand = static_cast<size_t>(node.operands[i]);
      if (expression.nodes()[operand].op == ScalarOp::Constant) continue;
      if (not_chosen > 0 && i == not_chosen && is_exactly(towards[i], 0)) continue;
      adjoints[operand] = adjoints[operand] + towards[i];
      reached[operand] = true;
    }
  }
  return result;
}

}  // namespace cnnc::random_programs
