// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every layer that is a formula in one value: what it computes and its derivative, at corners, beside them and far out, against
// the same function written in C++. A layer without a line in the table fails.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <numbers>
#include <optional>

#include "harness.h"
#include "layer_context.h"

namespace cnnc::test {
namespace {

using Function1 = std::function<double(double)>;

/// A function and its derivative; at a corner the derivative is the one that the layer promises.
struct Expected {
  Function1 value, derivative;
};

double logistic(double x) { return 1 / (1 + std::exp(-x)); }
double softplus(double x) { return x > 20 ? x : std::log1p(std::exp(x)); }
double normal_density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); }
double normal_distribution(double x) { return 0.5 * (1 + std::erf(x / std::numbers::sqrt2)); }
constexpr double kSelu = 1.0507009873554805, kSeluAlpha = 1.6732632423543772;

const std::map<std::string, Expected>& expected() {
  static const std::map<std::string, Expected> table = {
      {"abs", {[](double x) { return std::abs(x); }, [](double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0; }}},
      {"ceil", {[](double x) { return std::ceil(x); }, [](double) { return 0.0; }}},
      {"cos", {[](double x) { return std::cos(x); }, [](double x) { return -std::sin(x); }}},
      {"elu", {[](double x) { return x > 0 ? x : std::exp(x) - 1; }, [](double x) { return x > 0 ? 1 : std::exp(x); }}},
      {"erf", {[](double x) { return std::erf(x); }, [](double x) { return 2 / std::sqrt(std::numbers::pi) * std::exp(-x * x); }}},
      {"exp", {[](double x) { return std::exp(x); }, [](double x) { return std::exp(x); }}},
      {"floor", {[](double x) { return std::floor(x); }, [](double) { return 0.0; }}},
      {"gelu", {[](double x) { return x * normal_distribution(x); }, [](double x) { return normal_distribution(x) + x * normal_density(x); }}},
      {"hard_sigmoid", {[](double x) { return x <= -3 ? 0 : x >= 3 ? 1 : x / 6 + 0.5; }, [](double x) { return x <= -3 || x >= 3 ? 0 : 1 / 6.0; }}},
      {"hard_swish",
       {[](double x) { return x <= -3 ? 0 : x >= 3 ? x : x * (x + 3) / 6; }, [](double x) { return x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5; }}},
      {"leaky_relu", {[](double x) { return x > 0 ? x : 0.01 * x; }, [](double x) { return x > 0 ? 1 : 0.01; }}},
      {"log", {[](double x) { return std::log(x); }, [](double x) { return 1 / x; }}},
      {"mish",
       {[](double x) { return x * std::tanh(softplus(x)); },
        [](double x) { return std::tanh(softplus(x)) + x * (1 - std::pow(std::tanh(softplus(x)), 2)) * logistic(x); }}},
      {"relu", {[](double x) { return x > 0 ? x : 0; }, [](double x) { return x > 0 ? 1.0 : 0.0; }}},
      {"relu6", {[](double x) { return x <= 0 ? 0 : x >= 6 ? 6 : x; }, [](double x) { return x > 0 && x < 6 ? 1.0 : 0.0; }}},
      {"selu",
       {[](double x) { return kSelu * (x > 0 ? x : kSeluAlpha * (std::exp(x) - 1)); }, [](double x) { return kSelu * (x > 0 ? 1 : kSeluAlpha * std::exp(x)); }}},
      {"sigmoid", {logistic, [](double x) { return logistic(x) * (1 - logistic(x)); }}},
      {"silu", {[](double x) { return x * logistic(x); }, [](double x) { return logistic(x) * (1 + x * (1 - logistic(x))); }}},
      {"sin", {[](double x) { return std::sin(x); }, [](double x) { return std::cos(x); }}},
      {"softplus", {softplus, [](double x) { return x > 20 ? 1 : logistic(x); }}},
      {"sqrt", {[](double x) { return std::sqrt(x); }, [](double x) { return x == 0 ? 0 : 0.5 / std::sqrt(x); }}},
      {"tanh", {[](double x) { return std::tanh(x); }, [](double x) { return 1 - std::tanh(x) * std::tanh(x); }}},
  };
  return table;
}

/// Layers with an argument that is not the default.
struct WithArgument {
  std::string layer, argument;
  ArgumentValue value;
  Expected expected;
};

std::vector<WithArgument> with_arguments() {
  const auto tanh_gelu = [](double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x))); };
  const auto slope_of = [](Function1 f) { return [f](double x) { return (f(x + 1e-6) - f(x - 1e-6)) / 2e-6; }; };
  return {{"elu", "alpha", 2.0, {[](double x) { return x > 0 ? x : 2 * (std::exp(x) - 1); }, [](double x) { return x > 0 ? 1 : 2 * std::exp(x); }}},
          {"leaky_relu", "slope", 0.25, {[](double x) { return x > 0 ? x : 0.25 * x; }, [](double x) { return x > 0 ? 1 : 0.25; }}},
          {"softplus", "beta", 3.0,
           {[](double x) { return softplus(3 * x) / 3; }, [](double x) { return 3 * x > 20 ? 1 : logistic(3 * x); }}},
          {"gelu", "approx", std::string("tanh"), {tanh_gelu, slope_of(tanh_gelu)}}};
}

/// The formula that a layer builds for one operand, or nothing.
std::optional<ScalarExpression> formula_of(const LayerDef& layer, const std::string& argument = {}, const ArgumentValue& value = {}) {
  for (const ArgumentDef& needed : layer.arguments)
    if (needed.name != "x" && (needed.kind == ArgumentKind::Tensor || (needed.default_text.empty() && needed.kind != ArgumentKind::Number))) return {};
  if (layer.arguments.empty() || layer.arguments[0].kind != ArgumentKind::Tensor || layer.arguments[0].name != "x") return {};
  TestContext context(layer.name, std::string(layer.name));
  context.set("x", context.input({ElementType::F32, true, {1}}));
  if (!argument.empty()) context.set(argument, value);
  const auto results = context.build();
  const int32_t node = results.size() == 1 ? context.graph.value(results[0]).node : -1;
  if (node != 0 || context.graph.node(node).op->name != "map") return {};
  return std::get<ScalarExpression>(context.graph.node(node).attributes.at("f"));
}

void expect_equal(const ScalarExpression& formula, const Expected& expected, const std::string& name) {
  const ScalarExpression derivative = formula.derivative(0);
  // Corners, what lies beside them, and where exp and tanh are nearly flat.
  for (const double x : {-30.0, -7.0, -3.5, -3.0, -2.5, -1.0, -0.125, 0.0, 0.125, 0.75, 1.0, 2.5, 3.0, 3.5, 5.5, 6.0, 6.5, 7.0, 18.0, 20.5, 30.0}) {
    const double value = expected.value(x), slope = expected.derivative(x);
    if (std::isnan(value) || std::isinf(value)) continue;
    EXPECT_NEAR(formula.evaluate(std::vector{x}), value, 1e-12 * (1 + std::abs(value))) << name << " at " << x;
    EXPECT_NEAR(derivative.evaluate(std::vector{x}), slope, 1e-8 * (1 + std::abs(slope))) << "the derivative of " << name << " at " << x;
  }
}

TEST(Formulas, ValuesAndDerivatives) {
  size_t count = 0;
  for (const LayerDef& layer : all_layers()) {
    if (layer.kind == LayerKind::Loss || layer.kind == LayerKind::Metric) continue;
    const auto formula = formula_of(layer);
    if (!formula) continue;
    const std::string name(layer.name);
    ASSERT_TRUE(expected().contains(name)) << "`" << name << "` needs a line in the table";
    expect_equal(*formula, expected().at(name), name);
    ++count;
  }
  EXPECT_EQ(count, expected().size());
  for (const WithArgument& row : with_arguments())
    expect_equal(formula_of(*find_layer(row.layer), row.argument, row.value).value(), row.expected, row.layer + " with an argument");
}

TEST(Formulas, OfTwoOperands) {
  const auto value = [](std::string_view layer, double x, double y, int derivative = -1) {
    TestContext context(layer, std::string(layer));
    context.set("x", context.input({ElementType::F32, true, {1}})).set("y", context.input({ElementType::F32, true, {1}}));
    const auto results = context.build();
    const auto& f = std::get<ScalarExpression>(context.graph.node(context.graph.value(results.at(0)).node).attributes.at("f"));
    return (derivative < 0 ? f : f.derivative(derivative)).evaluate(std::vector{x, y});
  };
  EXPECT_EQ(value("add", 2, 5), 7);
  EXPECT_EQ(value("max", 2, 5), 5);
  EXPECT_EQ(value("min", 2, 5), 2);
  EXPECT_EQ(value("pow", 2, 5), 32);
  EXPECT_EQ(value("add", 2, 5, 1), 1);
  EXPECT_EQ(value("max", 2, 5, 0), 0);
  EXPECT_EQ(value("max", 2, 5, 1), 1);
  EXPECT_EQ(value("min", 2, 5, 0), 1);
  EXPECT_EQ(value("min", 2, 5, 1), 0);
  EXPECT_NEAR(value("pow", 2, 5, 0), 80, 1e-12);
  EXPECT_NEAR(value("pow", 2, 5, 1), 32 * std::log(2), 1e-12);
}

}  // namespace
}  // namespace cnnc::test
