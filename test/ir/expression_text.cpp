// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The text of scalar expressions: reading back what was printed, precedence, names, errors and limits.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "ir/attributes.h"
#include "ir/scalar_expression.h"
#include "random_graphs.h"

namespace cnnc::test {
namespace {

const std::vector<std::string> kNoNames;

std::string printed(std::string_view text) {
  std::string error;
  const auto result = parse_scalar_expression(text, kNoNames, error);
  return result ? to_string(*result) : "error: " + error;
}

void expect_round_trip(const ScalarExpression& e) {
  const std::string text = to_string(e);
  std::string error;
  const auto read = parse_scalar_expression(text, kNoNames, error);
  ASSERT_TRUE(read.has_value()) << error << "\n" << text.substr(0, 500);
  EXPECT_EQ(*read, e) << text.substr(0, 500);
  EXPECT_EQ(to_string(*read), text);
}

TEST(ExpressionText, OfRandomExpressionsIsReadBackAsTheSame) {
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    expect_round_trip(random_expression(random, 4, 1 + i % 7));
    const ScalarExpression x = ScalarExpression::argument(0), y = ScalarExpression::argument(1);
    expect_round_trip(ScalarExpression::apply(ScalarOp::Select, {random_condition(random, 4, 4), x, y}));
  }
}

TEST(ExpressionText, OfDerivativesIsReadBackAsTheSame) {
  std::mt19937 random(2);
  for (int i = 0; i < 500; ++i) expect_round_trip(random_expression(random, 3, 5).derivative(i % 3));
}

TEST(ExpressionText, OfDeepExpressionsIsReadBackAsTheSame) {
  // Deeper than the reader takes nested text: inner parts are named.
  ScalarExpression calls = ScalarExpression::argument(0), sums = calls, powers = calls;
  for (int i = 0; i < 2000; ++i) {
    calls = ScalarExpression::apply(ScalarOp::Tanh, {calls});
    sums = ScalarExpression::argument(1) - sums;
    powers = ScalarExpression::apply(ScalarOp::Power, {ScalarExpression::argument(1), powers});
  }
  for (const ScalarExpression& e : {calls, sums, powers}) expect_round_trip(e);
}

TEST(ExpressionText, OfSharedPartsIsShort) {
  ScalarExpression e = ScalarExpression::argument(0);
  for (int i = 0; i < 40; ++i) e = e * e;
  expect_round_trip(e);
  EXPECT_LT(to_string(e).size(), 2000u);
}

TEST(ExpressionText, KeepsEveryNumber) {
  for (const double number : {0.0, -0.0, 0.1, -1e-310, 5e-324, 1.7976931348623157e308, 1.0 / 3, 16777217.0, HUGE_VAL, -HUGE_VAL,
                              std::nan("")}) {
    expect_round_trip(ScalarExpression::constant(number));
    expect_round_trip(ScalarExpression::argument(0) * ScalarExpression::constant(number));
    expect_round_trip(ScalarExpression::apply(ScalarOp::Power, {ScalarExpression::constant(number), ScalarExpression::argument(0)}));
  }
  EXPECT_EQ(printed("-0"), "-0");
  EXPECT_EQ(printed("0 - 0"), "0");
}

TEST(ExpressionText, HasOnlyTheBracketsItNeeds) {
  EXPECT_EQ(printed("((x0 + x1) + x2) * (x3 / x4)"), "(x0 + x1 + x2) * (x3 / x4)");
  EXPECT_EQ(printed("x0 - (x1 - x2)"), "x0 - (x1 - x2)");
  EXPECT_EQ(printed("(x0 ^ x1) ^ x2"), "(x0 ^ x1) ^ x2");
  EXPECT_EQ(printed("x0 ^ (x1 ^ x2)"), "x0 ^ x1 ^ x2");
  EXPECT_EQ(printed("(-x0) ^ x1"), "(-x0) ^ x1");
  EXPECT_EQ(printed("-(x0 ^ -x1)"), "-x0 ^ -x1");
  EXPECT_EQ(printed("(-2) ^ x0 * -x1"), "(-2) ^ x0 * -x1");
  EXPECT_EQ(printed("select((x0 < 1 or x1 < 1) and not (x2 < 1 and x3 > 1), 1, 0)"),
            "select((x0 < 1 or x1 < 1) and not (x2 < 1 and 1 < x3), 1, 0)");
}

TEST(ExpressionText, StandsForArgumentsByName) {
  const std::vector<std::string> names{"w", "rate", "first_next"};
  std::string error;
  const auto e = parse_scalar_expression("w - rate * first_next", names, error);
  ASSERT_TRUE(e.has_value()) << error;
  EXPECT_EQ(to_string(*e), "x0 - x1 * x2");
  EXPECT_FALSE(parse_scalar_expression("w - x1", names, error).has_value());
  EXPECT_EQ(error, "expected a known name or a function, but found `x1` at character 5");
}

TEST(ExpressionText, MayNameParts) {
  EXPECT_EQ(printed("t = exp(x0); u = 1 + t; t / u"), "exp(x0) / (1 + exp(x0))");
  EXPECT_EQ(printed("c = x0 < 1; select(c, x0, 2)"), "select(x0 < 1, x0, 2)");
}

TEST(ExpressionText, ErrorsSayWhatAndWhere) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "expected a number, a name or `(` at the end of ``"},
      {"x0 +", "expected a number, a name or `(` at the end of `x0 +`"},
      {"(x0", "expected `)` at the end of `(x0`"},
      {"x0 x1", "expected an operator or the end, but found `x1` at character 4"},
      {"x0 ? 1", "expected an operator or the end, but found `?` at character 4"},
      {"y", "expected `x0`, `x1`, … or a function, but found `y` at character 1"},
      {"x01", "expected `x0`, `x1`, … or a function, but found `x01` at character 1"},
      {"x1000", "expected `x0`, `x1`, … or a function, but found `x1000` at character 1"},
      {"x99999999999", "expected `x0`, `x1`, … or a function, but found `x99999999999` at character 1"},
      {"exp", "expected `x0`, `x1`, … or a function, but found `exp` at character 1"},
      {"exp(x0", "expected `,` or `)` at the end of `exp(x0`"},
      {"exp(x0, x1)", "`exp` takes 1 argument, but got 2"},
      {"select(x0 < 1, 2)", "`select` takes 3 arguments, but got 2"},
      {"max()", "`max` takes 2 arguments, but got 0"},
      {"1e999", "the number does not fit into double precision, but found `1` at character 1"},
      {".", "expected a number, but found `.` at character 1"},
      {"x0 < 1", "a comparison is no number; use it in `select(condition, a, b)`"},
      {"(x0 < 1) + 2", "expected a number, but found a comparison"},
      {"x0 < x1 < x2", "expected a number, but found a comparison"},
      {"select(x0, 1, 2)", "expected a comparison, but found a number"},
      {"select(not x0, 1, 2)", "expected a comparison, but found a number"},
      {"t = x0", "expected an expression after the last `;`"},
      {"t = x0; t = x1; t", "`t` is bound twice"},
      {"t = x0;", "expected a number, a name or `(` at the end of `t = x0;`"},
      {"é", "expected a number, a name or `(`, but found `é` at character 1"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(printed(text), std::string("error: ") + message) << text;
}

std::string repeated(std::string_view part, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += part;
  return text;
}

TEST(ExpressionText, DeepNestingIsRefused) {
  const std::string refusal = "error: the expression is nested more than 500 deep";
  for (const std::string_view open : {"(", "exp(", "- ", "1 - (", "x0 ^ ", "select(not ", "-("}) {
    EXPECT_EQ(printed(repeated(open, 100000)), refusal) << open;
  }
  EXPECT_EQ(printed(repeated("not ", 100000)), refusal);
  EXPECT_EQ(printed(repeated("(", 100) + "x0" + repeated(")", 100)), "x0");
}

TEST(ExpressionText, TooManyPartsAreRefused) {
  std::string text = "x0";
  for (int i = 1; i <= 6000; ++i) text += fmt::format(" + {} * x0", i);
  EXPECT_EQ(printed(text), "error: the expression has more than 10000 parts");
}

}  // namespace
}  // namespace cnnc::test
