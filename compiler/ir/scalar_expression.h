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
  Less, LessEqual, Equal, NotEqual, And, Or, Not,                     // give truth values (1 or 0), for Select's condition
  Select,     // select(condition, a, b): only the chosen value counts, also for NaN and in derivatives
};
// Exact meanings:
//  - Minimum and Maximum give NaN when either operand is NaN: max(a, b) = select(a < b or b != b, b, a). Where both are
//    equal the derivative goes to the second operand: d max(a, b)/da = select(b < a, 1, 0). So relu is max(x, 0), relu'(0) = 0.
//  - Modulo has the sign of the divisor: a - floor(a / b) * b. Its derivative, that of Floor and of Ceil ignore the jumps.
//  - abs'(0) = 0; the derivative of Sqrt at 0 is 0 (a guard, see semantics of norms).
//  - comparisons with NaN are false, but NotEqual is true.
//  - truth values of constants are the constants 1 and 0; any other number counts as true.

class ScalarExpression {
 public:
  struct Node {
    ScalarOp op{};
    double value = 0;                 // Constant
    int32_t operands[3] = {-1, -1, -1};   // node numbers; Argument: operands[0] is the argument's index
    /// Constants are equal when their bits are: 0 differs from -0, NaN (there is only one) equals NaN.
    bool operator==(const Node& other) const;
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

  /// d(this)/d(x<index>). Terms are dropped only where a part does not contain the variable at all.
  ScalarExpression derivative(int index) const;
  /// Replaces x<i> by arguments[i].
  ScalarExpression substitute(std::span<const ScalarExpression> arguments) const;
  double evaluate(std::span<const double> arguments) const;

  bool operator==(const ScalarExpression&) const = default;

 private:
  friend class ScalarExpressionPool;
  std::vector<Node> nodes_;
};

/// factor * derivative, except that a branch of a select that has no derivative gives 0 for any factor, also infinity and NaN.
ScalarExpression multiply_derivative(const ScalarExpression& factor, const ScalarExpression& derivative);

ScalarExpression operator+(const ScalarExpression& a, const ScalarExpression& b);
ScalarExpression operator-(const ScalarExpression& a, const ScalarExpression& b);
ScalarExpression operator*(const ScalarExpression& a, const ScalarExpression& b);
ScalarExpression operator/(const ScalarExpression& a, const ScalarExpression& b);

/// The text form has at most this many nodes; passes that compose expressions stay far below.
inline constexpr int kMaximumExpressionNodes = 10000;
/// Arguments are x0 … x<this - 1>.
inline constexpr int kMaximumExpressionArguments = 1000;

/// Functions of the text form and of the language: "exp", "select", "min", …
std::optional<ScalarOp> find_scalar_function(std::string_view name);
/// The name of such a function; empty for operators, arguments and constants.
std::string_view scalar_function_name(ScalarOp op);
int scalar_operand_count(ScalarOp op);
/// Comparisons, And, Or, Not.
bool gives_truth_value(ScalarOp op);
/// The value of one operation on numbers (operands that it does not have are ignored); truth values are 1 and 0.
double evaluate_scalar_op(ScalarOp op, double a, double b, double c);

/// Infix text. Small parts that are used twice are written twice; in a large expression they are named first:
/// `t0 = exp(x0); t0 / (1 + t0)`.
std::string to_string(const ScalarExpression& expression);
/// Reads the text form; names stand for arguments: names[i] is x<i> (empty: x0, x1, … themselves). On failure returns
/// nothing and sets `error` to what was wrong.
std::optional<ScalarExpression> parse_scalar_expression(std::string_view text, std::span<const std::string> names,
                                                        std::string& error);

}  // namespace cnnc
