// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scalar expressions: values, what folding may and may not do, derivatives by hand and against differences.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ir/scalar_expression.h"
#include "random_graphs.h"

namespace cnnc::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kSpecial[] = {0.0, -0.0, 1, -1, 2, -0.5, 3.25, 1e-310, 1e300, -1e300, kInfinity, -kInfinity,
                               std::numeric_limits<double>::quiet_NaN()};

ScalarExpression parsed(std::string_view text) {
  std::string error;
  const auto result = parse_scalar_expression(text, {}, error);
  EXPECT_TRUE(result.has_value()) << text << ": " << error;
  return result ? *result : ScalarExpression::constant(kNan);
}

double value(std::string_view text, std::initializer_list<double> arguments = {}) {
  return parsed(text).evaluate(std::vector<double>(arguments));
}

double slope(std::string_view text, int index, std::initializer_list<double> arguments) {
  return parsed(text).derivative(index).evaluate(std::vector<double>(arguments));
}

/// Equal as bits, all NaN being one: 0 differs from -0.
bool same(double a, double b) { return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b)); }

TEST(ExpressionValue, OfEachOperation) {
  EXPECT_EQ(value("x0 + x1 * x2 - x0 / x1", {6, 3, 2}), 10);
  EXPECT_EQ(value("2 ^ 3 ^ 2"), 512);
  EXPECT_EQ(value("-x0 ^ 2", {3}), -9);
  EXPECT_EQ(value("x0 % x1", {-7, 3}), 2);
  EXPECT_EQ(value("x0 % x1", {7, -3}), -2);
  EXPECT_EQ(value("min(x0, x1) + 10 * max(x0, x1)", {1, 2}), 21);
  EXPECT_EQ(value("abs(x0) + floor(x0) + ceil(x0)", {-1.5}), 1.5 - 2 - 1);
  EXPECT_DOUBLE_EQ(value("exp(log(x0)) + sqrt(x0) + log1p(x0)", {4}), 4 + 2 + std::log(5.0));
  EXPECT_DOUBLE_EQ(value("tanh(x0) + sigmoid(x0) + erf(x0)", {0.5}), std::tanh(0.5) + 1 / (1 + std::exp(-0.5)) + std::erf(0.5));
  EXPECT_DOUBLE_EQ(value("sin(x0) ^ 2 + cos(x0) ^ 2", {0.7}), 1);
  EXPECT_EQ(value("select(x0 < 1 and not x0 == 0 or x0 >= 5, 1, 2)", {0}), 2);
  EXPECT_EQ(value("select(x0 < 1 and not x0 == 0 or x0 >= 5, 1, 2)", {0.5}), 1);
  EXPECT_EQ(value("select(x0 < 1 and not x0 == 0 or x0 >= 5, 1, 2)", {5}), 1);
}

TEST(ExpressionValue, SigmoidDoesNotOverflow) {
  EXPECT_EQ(value("sigmoid(x0)", {-1000}), 0);
  EXPECT_EQ(value("sigmoid(x0)", {1000}), 1);
  EXPECT_GT(value("sigmoid(x0)", {-700}), 0);
}

TEST(ExpressionValue, MinimumAndMaximumGiveNanForNan) {
  for (const char* text : {"min(x0, x1)", "max(x0, x1)"}) {
    EXPECT_TRUE(std::isnan(value(text, {kNan, 1}))) << text;
    EXPECT_TRUE(std::isnan(value(text, {1, kNan}))) << text;
  }
  EXPECT_TRUE(std::isnan(value("max(x0, 0)", {kNan})));
}

TEST(ExpressionValue, ComparisonsWithNanAreFalse) {
  for (const char* text : {"x0 < x1", "x0 <= x1", "x0 == x1", "x0 > x1", "x0 >= x1"}) {
    const std::string chosen = std::string("select(") + text + ", 1, 2)";
    EXPECT_EQ(value(chosen, {kNan, 1}), 2) << text;
    EXPECT_EQ(value(chosen, {1, kNan}), 2) << text;
  }
  EXPECT_EQ(value("select(x0 != x0, 1, 2)", {kNan}), 1);
}

TEST(ExpressionValue, OnlyTheChosenSideOfASelectionCounts) {
  EXPECT_EQ(value("select(x0 > 0, log(x0), 7)", {-1}), 7);
  EXPECT_EQ(slope("select(x0 > 0, sqrt(x0), 3 * x0)", 0, {-1}), 3);
}

TEST(Folding, KeepsWhatNanAndInfinityWouldChange) {
  for (const char* text : {"x0 * 0", "0 * x0", "x0 - x0", "x0 / x0", "0 / x0", "x0 + 0", "0 - x0", "x0 * -0", "x0 == x0"}) {
    const std::string whole = std::string_view(text) == "x0 == x0" ? "select(x0 == x0, 1, 2)" : text;
    EXPECT_TRUE(parsed(whole).uses_argument(0)) << text;
    EXPECT_GT(parsed(whole).nodes().size(), 1u) << text;
  }
}

TEST(Folding, TakesTheExactIdentities) {
  const ScalarExpression x = ScalarExpression::argument(0);
  for (const char* text : {"x0 + -0", "-0 + x0", "x0 - 0", "x0 * 1", "1 * x0", "x0 / 1", "x0 ^ 1", "max(x0, x0)", "min(x0, x0)", "- -x0",
                           "select(1 < 2, x0, x1)", "select(x1 < 2, x0, x0)", "-1 * (x0 / -1)"}) {
    EXPECT_EQ(parsed(text), x) << text;
  }
  EXPECT_EQ(parsed("2 * 3 + 4"), ScalarExpression::constant(10));
  EXPECT_EQ(parsed("x0 ^ 0"), ScalarExpression::constant(1));
  EXPECT_EQ(parsed("select(not x0 == x1 and 1 < 2 or 2 < 1, x0, 1)"), parsed("select(x0 != x1, x0, 1)"));
}

TEST(Folding, NeverChangesTheValueOfSpecialNumbers) {
  // Each operation on all pairs of special numbers, one side or both an argument: folded and not folded agree in every bit.
  for (int op = static_cast<int>(ScalarOp::Add); op <= static_cast<int>(ScalarOp::Cos); ++op) {
    const auto operation = static_cast<ScalarOp>(op);
    const bool two = scalar_operand_count(operation) == 2;
    for (const double a : kSpecial) {
      for (const double b : kSpecial) {
        const double wanted = evaluate_scalar_op(operation, a, b, 0);
        const ScalarExpression x = ScalarExpression::argument(0), y = ScalarExpression::argument(1);
        const ScalarExpression ca = ScalarExpression::constant(a), cb = ScalarExpression::constant(b);
        const double numbers[] = {a, b};
        const auto check = [&](const ScalarExpression& l, const ScalarExpression& r) {
          const ScalarExpression e = two ? ScalarExpression::apply(operation, {l, r}) : ScalarExpression::apply(operation, {l});
          EXPECT_TRUE(same(e.evaluate(numbers), wanted)) << to_string(e) << " at " << a << ", " << b << " is " << e.evaluate(numbers);
        };
        check(x, y);
        check(x, cb);
        check(ca, y);
        check(ca, cb);
      }
    }
  }
}

TEST(Folding, KeepsNegationsExact) {
  const std::pair<const char*, double (*)(double, double)> cases[] = {
      {"x0 + -x1", [](double a, double b) { return a + -b; }},       {"x0 - -x1", [](double a, double b) { return a - -b; }},
      {"-x0 + x1", [](double a, double b) { return -a + b; }},       {"-(x0 - x1)", [](double a, double b) { return -(a - b); }},
      {"abs(-x0) * x1", [](double a, double b) { return std::fabs(a) * b; }}, {"-0 - x0 * x1", [](double a, double b) { return -0.0 - a * b; }},
      {"x0 * -1 / x1", [](double a, double b) { return a * -1 / b; }},
  };
  for (const auto& [text, function] : cases) {
    for (const double a : kSpecial) {
      for (const double b : kSpecial) EXPECT_TRUE(same(value(text, {a, b}), function(a, b))) << text << " at " << a << ", " << b;
    }
  }
}

TEST(Folding, SubstitutionOfNumbersIsEvaluation) {
  std::mt19937 random(11);
  for (int i = 0; i < 2000; ++i) {
    const ScalarExpression e = random_expression(random, 2, 4);
    const double numbers[] = {kSpecial[random() % std::size(kSpecial)], kSpecial[random() % std::size(kSpecial)]};
    const ScalarExpression constants[] = {ScalarExpression::constant(numbers[0]), ScalarExpression::constant(numbers[1])};
    const auto folded = e.substitute(constants).constant_value();
    ASSERT_TRUE(folded.has_value()) << to_string(e);
    EXPECT_TRUE(same(*folded, e.evaluate(numbers))) << to_string(e) << " at " << numbers[0] << ", " << numbers[1];
  }
}

TEST(Derivative, OfReluAtZeroIsZero) {
  EXPECT_EQ(slope("max(x0, 0)", 0, {0}), 0);
  EXPECT_EQ(slope("max(x0, 0)", 0, {-0.0}), 0);
  EXPECT_EQ(slope("max(x0, 0)", 0, {1e-30}), 1);
  EXPECT_EQ(slope("max(x0, 0)", 0, {-1}), 0);
}

TEST(Derivative, OfEqualOperandsGoesToTheSecond) {
  for (const char* text : {"max(x0, x1)", "min(x0, x1)"}) {
    EXPECT_EQ(slope(text, 0, {2, 2}), 0) << text;
    EXPECT_EQ(slope(text, 1, {2, 2}), 1) << text;
  }
}

TEST(Derivative, GuardsAtZero) {
  EXPECT_EQ(slope("abs(x0)", 0, {0}), 0);
  EXPECT_EQ(slope("sqrt(x0)", 0, {0}), 0);
  EXPECT_EQ(slope("sqrt(x0 * x0 + x1 * x1)", 0, {0, 0}), 0);
  EXPECT_EQ(slope("x0 ^ x1", 1, {0, 2}), 0);
  EXPECT_EQ(slope("x0 ^ 2", 0, {0}), 0);
  EXPECT_EQ(slope("x0 ^ 0", 0, {0}), 0);
}

TEST(Derivative, OfStepsIsZeroAndOfModuloIgnoresThem) {
  EXPECT_EQ(parsed("floor(x0) + ceil(x0)").derivative(0), ScalarExpression::constant(0));
  EXPECT_EQ(slope("x0 % x1", 0, {7, 3}), 1);
  EXPECT_EQ(slope("x0 % x1", 1, {7, 3}), -2);
}

TEST(Derivative, OfAnArgumentThatIsNotThereIsZero) {
  EXPECT_EQ(parsed("exp(x0)").derivative(1), ScalarExpression::constant(0));
  EXPECT_EQ(parsed("exp(x0) * 0").derivative(1), ScalarExpression::constant(0));
}

TEST(Derivative, LetsNanThrough) {
  EXPECT_TRUE(std::isnan(slope("x0 * x1", 0, {1, kNan})));
  EXPECT_TRUE(std::isnan(slope("0 * (x0 * x1)", 0, {1, kNan})));
}

/// The derivative by Richardson's extrapolation of central differences; nothing next to a corner, a jump or a pole.
std::optional<double> difference(const ScalarExpression& e, std::vector<double> at, size_t index) {
  const auto central = [&](double step) {
    std::vector<double> left = at, right = at;
    left[index] -= step;
    right[index] += step;
    return (e.evaluate(right) - e.evaluate(left)) / (2 * step);
  };
  const double coarse = central(2e-4), fine = central(1e-4);
  const double scale = 1 + std::fabs(fine);
  if (std::fabs(central(1e-6) - fine) > 1e-4 * scale) return std::nullopt;      // many small jumps, as of x % 0.001
  if (!std::isfinite(coarse) || !std::isfinite(fine) || scale > 1e4 || std::fabs(coarse - fine) > 1e-5 * scale) return std::nullopt;
  return (4 * fine - coarse) / 3;
}

TEST(Derivative, IsTheLimitOfDifferences) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> number(-2, 2);
  int checked = 0, poles = 0;
  for (int i = 0; i < 3000; ++i) {
    const ScalarExpression e = random_expression(random, 3, 4);
    const std::vector<double> at{number(random), number(random), number(random)};
    if (std::fabs(e.evaluate(at)) > 1e4) continue;
    for (int index = 0; index < 3; ++index) {
      if (!e.uses_argument(index)) continue;
      const auto wanted = difference(e, at, static_cast<size_t>(index));
      if (!wanted) continue;
      const double found = e.derivative(index).evaluate(at);
      // An inner part may have no derivative, as the logarithm of a negative base has none, where the whole is constant.
      poles += std::isnan(found) ? 1 : 0;
      if (std::isnan(found)) continue;
      EXPECT_NEAR(found, *wanted, 1e-6 * (1 + std::fabs(*wanted))) << "d/dx" << index << " of " << to_string(e);
      ++checked;
    }
  }
  EXPECT_GT(checked, 1500);
  EXPECT_LT(poles, checked / 50);
}

TEST(Derivative, OfASmallSharedPartStaysSmall) {
  // 30 squarings: the tree has 2^30 leaves, the expression 31 nodes; its derivative must not write out the tree.
  ScalarExpression e = ScalarExpression::argument(0);
  for (int i = 0; i < 30; ++i) e = e * e;
  EXPECT_LT(e.derivative(0).nodes().size(), 200u);
}

}  // namespace
}  // namespace cnnc::test
