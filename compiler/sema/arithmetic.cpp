// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators: numbers with numbers at once, tables of numbers element by element, and `map` nodes where a tensor takes part
// (numbers become part of the expression). Broadcasting aligns the innermost dimensions.
#include <fmt/format.h>

#include <cmath>

#include "sema/evaluator.h"
#include "support/limits.h"

namespace cnnc::sema {
namespace {

ScalarOp scalar_op(ast::BinaryOperator op) {
  switch (op) {
    case ast::BinaryOperator::Add: return ScalarOp::Add;
    case ast::BinaryOperator::Subtract: return ScalarOp::Subtract;
    case ast::BinaryOperator::Multiply: return ScalarOp::Multiply;
    case ast::BinaryOperator::Divide: return ScalarOp::Divide;
    case ast::BinaryOperator::Modulo: return ScalarOp::Modulo;
    case ast::BinaryOperator::Power: return ScalarOp::Power;
    case ast::BinaryOperator::And: return ScalarOp::And;
    case ast::BinaryOperator::Or: return ScalarOp::Or;
  }
  return ScalarOp::Add;
}

double compute(ScalarOp op, double a, double b) {
  switch (op) {
    case ScalarOp::Add: return a + b;
    case ScalarOp::Subtract: return a - b;
    case ScalarOp::Multiply: return a * b;
    case ScalarOp::Divide: return a / b;
    case ScalarOp::Modulo: return a - std::floor(a / b) * b;
    case ScalarOp::Power: return std::pow(a, b);
    case ScalarOp::Less: return a < b;
    case ScalarOp::LessEqual: return a <= b;
    case ScalarOp::Equal: return a == b;
    default: return a != b;
  }
}

bool is_tabular(const Value& value) { return value.as<double>() || value.table() || value.list(); }
bool is_numeric(const Value& value) { return is_tabular(value) || value.as<ValueId>() || value.as<LabelColumn>(); }

/// The flat index in a table of `from`, for element `index` of a table of `to` that it is broadcast to.
size_t broadcast_index(const Dims& from, const Dims& to, size_t index) {
  size_t result = 0, step = 1;
  for (size_t i = 0; i < to.size(); ++i) {
    const auto extent = static_cast<size_t>(to[to.size() - 1 - i]);
    const size_t coordinate = index % extent;
    index /= extent;
    if (i >= from.size()) break;
    const auto own = static_cast<size_t>(from[from.size() - 1 - i]);
    result += (own == 1 ? 0 : coordinate) * step;
    step *= own;
  }
  return result;
}

}  // namespace

Value Evaluator::numbers(ScalarOp op, double a, double b, const ast::Expr& expr) {
  if (b == 0 && (op == ScalarOp::Divide || op == ScalarOp::Modulo)) {
    reporter_->error(DiagnosticKind::BadArithmetic, expr.range, fmt::format("`{}` divides by 0", text(expr.range)));
    return {};
  }
  const double result = compute(op, a, b);
  if (std::isfinite(result)) return {result};
  reporter_->error(DiagnosticKind::BadArithmetic, expr.range,
                   fmt::format("`{}` has no finite value: its sides are {} and {}", text(expr.range), number_text(a), number_text(b)));
  return {};
}

Value Evaluator::tables(ScalarOp op, const Value& a, const Value& b, const ast::Expr& expr) {
  const auto left = as_table(a), right = as_table(b);
  if (!left || !right)
    return wrong_type(expr.range, fmt::format("`{}` computes with lists that are no tables of numbers", text(expr.range)));
  const auto dims = broadcast(left->dims, right->dims);
  if (!dims) {
    reporter_->error(DiagnosticKind::ShapeMismatch, expr.range, fmt::format("the sides of `{}` do not fit together: {} and {}", text(expr.range),
                                                                           shape_text(left->dims), shape_text(right->dims)));
    return {};
  }
  double size = 1;
  for (const int64_t extent : *dims) size *= static_cast<double>(extent);
  if (size > static_cast<double>(limits::kMaximumTableNumbers)) {
    reporter_->error(DiagnosticKind::LimitExceeded, expr.range, fmt::format("a table has at most {} numbers", limits::kMaximumTableNumbers));
    return {};
  }
  if (!charge(static_cast<int64_t>(size), expr.range)) return {};
  ConstantTable result{*dims, Numbers(static_cast<size_t>(size))};
  for (size_t i = 0; i < result.numbers.size(); ++i) {
    const Value number = numbers(op, left->numbers[broadcast_index(left->dims, *dims, i)],
                                 right->numbers[broadcast_index(right->dims, *dims, i)], expr);
    if (number.poisoned()) return {};
    result.numbers[i] = *number.as<double>();
  }
  return make_table(std::move(result));
}

Value Evaluator::tensors(ScalarOp op, const Value& a, const Value& b, const ast::Expr& expr) {
  construction_.layer = outer_layer_;
  construction_.location = expr.range;
  const ValueId* known = a.as<ValueId>() ? a.as<ValueId>() : b.as<ValueId>();
  if (!known) return wrong_type(expr.range, fmt::format("`{}` does not say what shape the label has", text(expr.range)));
  const TensorType like = construction_.graph.type(*known);
  std::vector<ValueId> operands;
  const auto side = [&](const Value& value) {
    if (const double* number = value.as<double>()) return ScalarExpression::constant(*number);
    ValueId tensor = value.as<LabelColumn>() ? label_column(*value.as<LabelColumn>(), like, expr.range) : as_tensor(value);
    operands.push_back(tensor);
    return ScalarExpression::argument(static_cast<int>(operands.size()) - 1);
  };
  const ScalarExpression left = side(a), right = side(b);
  for (const ValueId operand : operands) {
    if (operand.valid()) continue;
    if (!a.as<LabelColumn>() && !b.as<LabelColumn>())
      return wrong_type(expr.range, fmt::format("`{}` computes with a list that is no table of numbers", text(expr.range)));
    return {};
  }
  std::optional<Dims> dims = construction_.graph.type(operands[0]).dims;
  if (operands.size() == 2) dims = broadcast(*dims, construction_.graph.type(operands[1]).dims);
  if (!dims) {
    Diagnostic& error = reporter_->error(DiagnosticKind::ShapeMismatch, expr.range,
                                         fmt::format("the sides of `{}` do not fit together: {} and {}", text(expr.range),
                                                     shape_text(construction_.graph.type(operands[0]).dims),
                                                     shape_text(construction_.graph.type(operands[1]).dims)));
    for (const ValueId operand : operands) note_origin(error, operand);
    error.help("each dimension must be equal in both, or 1 in one of them");
    return {};
  }
  if (!check_dims(*dims, expr.range)) return {};
  ScalarExpression result = ScalarExpression::apply(op, {left, right});
  if (gives_truth_value(op))
    result = ScalarExpression::apply(ScalarOp::Select, {result, ScalarExpression::constant(1), ScalarExpression::constant(0)});
  const ValueId value = construction_.map(result, operands);
  for (const ValueId operand : operands)
    if (construction_.graph.type(operand).dims == *dims) {
      construction_.set_origin(value, construction_.origin(operand));
      break;
    }
  return {value};
}

Value Evaluator::binary(ast::BinaryOperator op, const Value& a, const Value& b, const ast::Expr& expr) {
  if (a.poisoned() || b.poisoned()) return {};
  for (const Value* side : {&a, &b}) {
    if (is_numeric(*side)) continue;
    reporter_->error(DiagnosticKind::WrongType, expr.range,
                     fmt::format("`{}` computes with {}, which is neither a number nor a tensor", text(expr.range), describe(*side)));
    return {};
  }
  if (a.as<double>() && b.as<double>()) return numbers(scalar_op(op), *a.as<double>(), *b.as<double>(), expr);
  if (is_tabular(a) && is_tabular(b)) return tables(scalar_op(op), a, b, expr);
  return tensors(scalar_op(op), a, b, expr);
}

Value Evaluator::unary(ast::UnaryOperator op, const Value& operand, const ast::Expr& expr) {
  if (operand.poisoned()) return {};
  if (op == ast::UnaryOperator::Not) {
    if (const bool* truth = operand.as<bool>()) return {!*truth};
    return wrong_type(expr.range, fmt::format("`not` needs true or false, but has {}", describe(operand)));
  }
  if (const double* number = operand.as<double>()) return {-*number};
  return binary(ast::BinaryOperator::Subtract, Value{0.0}, operand, expr);
}

Value Evaluator::compare(ast::Relation relation, const Value& a, const Value& b, const ast::Expr& expr) {
  if (a.poisoned() || b.poisoned()) return {};
  const bool swapped = relation == ast::Relation::Greater || relation == ast::Relation::GreaterEqual;
  const bool orders = relation != ast::Relation::Equal && relation != ast::Relation::NotEqual;
  const Value &left = swapped ? b : a, &right = swapped ? a : b;
  ScalarOp op = ScalarOp::Equal;
  if (relation == ast::Relation::NotEqual) op = ScalarOp::NotEqual;
  if (orders) op = relation == ast::Relation::Less || relation == ast::Relation::Greater ? ScalarOp::Less : ScalarOp::LessEqual;
  if (left.as<double>() && right.as<double>()) return {compute(op, *left.as<double>(), *right.as<double>()) != 0};
  if (left.as<ValueId>() || right.as<ValueId>()) {
    if (is_numeric(left) && is_numeric(right)) return tensors(op, left, right, expr);
  } else if (!orders) {
    return {same_value(left, right) == (op == ScalarOp::Equal)};
  }
  return wrong_type(expr.range, fmt::format("`{}` compares {} with {}", text(expr.range), describe(a), describe(b)));
}

Value Evaluator::comparison(const ast::Comparison& comparison, const ast::Expr& expr) {
  Value left = evaluate(*comparison.operands.at(0));
  Value result{true};
  for (size_t i = 0; i < comparison.relations.size(); ++i) {
    Value right = evaluate(*comparison.operands.at(i + 1));
    Value step = compare(comparison.relations[i], left, right, expr);
    if (step.poisoned()) return {};
    const bool *before = result.as<bool>(), *now = step.as<bool>();
    if (before && now) result = {*before && *now};
    else if (before && *before) result = std::move(step);
    else if (!before && !now) result = tensors(ScalarOp::Multiply, result, step, expr);   // both must be 1
    else if ((before && !*before) || (now && !*now)) return {false};
    left = std::move(right);
  }
  return result;
}

}  // namespace cnnc::sema
