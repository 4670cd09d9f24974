// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scalar expressions: the body of a `map` op, `select(x0 < 0, 0, x0)`. x0, x1, … are the map's operands at one element.
// Expressions are values (a flat list of nodes, arguments before uses, the last one is the root), so they are compared,
// hashed, printed and stored in attributes as such. Derivatives are symbolic. Text: infix, read back exactly.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cnnc {

enum class ScalarOp : uint8_t {
  Argument,   // x<index>
  Constant,
  Add, Subtract, Multiply, Divide, Power, Modulo, Minimum, Maximum,   // two operands
  Negate, Exp, Log, Log1p, Sqrt, Tanh, Sigmoid, Abs, Floor, Ceil, Erf, Sin, Cos,   // one operand
  Less, LessEqual, Equal, NotEqual, And, Or, Not,                     // give truth values, used by Select only
  Select,     // select(condition, a, b): only the chosen value counts, also for NaN and in derivatives
};

class ScalarExpression {
 public:
  struct Node {
    ScalarOp op{};
    double value = 0;                 // Constant
    int32_t operands[3] = {-1, -1, -1};   // node numbers; Argument: operands[0] is the argument's index
    bool operator==(const Node&) const = default;
  };

  static ScalarExpression argument(int index);
  static ScalarExpression constant(double value);
  /// Applies `op`; folds constants and the identities that are exact for NaN, infinities and signed zeros as well.
  static ScalarExpression apply(ScalarOp op, std::span<const ScalarExpression> operands);
  static ScalarExpression apply(ScalarOp op, std::initializer_list<ScalarExpression> operands);

  const std::vector<Node>& nodes() const { return nodes_; }
  const Node& root() const { return nodes_.back(); }
  /// One more than the largest argument's index; 0 for a constant expression.
  int argument_count() const;
  bool uses_argument(int index) const;
  std::optional<double> constant_value() const;

  /// d(this)/d(x<index>). relu'(0) = 0 and abs'(0) = 0 follow from the way those are written; see docs/language.md.
  ScalarExpression derivative(int index) const;
  /// Replaces x<i> by arguments[i].
  ScalarExpression substitute(std::span<const ScalarExpression> arguments) const;
  double evaluate(std::span<const double> arguments) const;

  bool operator==(const ScalarExpression&) const = default;

 private:
  std::vector<Node> nodes_;
};

ScalarExpression operator+(const ScalarExpression& a, const ScalarExpression& b);
ScalarExpression operator-(const ScalarExpression& a, const ScalarExpression& b);
ScalarExpression operator*(const ScalarExpression& a, const ScalarExpression& b);
ScalarExpression operator/(const ScalarExpression& a, const ScalarExpression& b);

/// Functions of the text form and of the language: "exp", "select", "min", …
std::optional<ScalarOp> find_scalar_function(std::string_view name);
int scalar_operand_count(ScalarOp op);

std::string to_string(const ScalarExpression& expression);
/// Reads the text form; names stand for arguments: names[i] is x<i> (empty: x0, x1, … themselves). On failure returns
/// nothing and sets `error` to what was wrong.
std::optional<ScalarExpression> parse_scalar_expression(std::string_view text, std::span<const std::string> names,
                                                        std::string& error);

}  // namespace cnnc
