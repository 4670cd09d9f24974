// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Optimizers: two steps of one weight, by hand. The learning rate stays outside the velocity.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "ir/layer.h"
#include "ir/scalar_expression.h"

namespace cnnc::test {
namespace {

using Numbers = std::map<std::string, double>;

double evaluate(std::string_view text, const Numbers& numbers) {
  std::vector<std::string> names;
  std::vector<double> values;
  for (const auto& [name, value] : numbers) {
    names.push_back(name);
    values.push_back(value);
  }
  std::string error;
  const auto expression = parse_scalar_expression(text, names, error);
  EXPECT_TRUE(expression.has_value()) << error;
  return expression ? expression->evaluate(values) : NAN;
}

/// Runs the optimizer over these gradients from w = 1; `settings` override the defaults. The scale is 1/2.
double weight_after(std::string_view name, const std::vector<double>& gradients, const Numbers& settings) {
  const OptimizerDef& optimizer = *find_optimizer(name);
  Numbers numbers = {{"w", 1}, {"rate", optimizer.default_rate}, {"decay", 0}, {"scale", 0.5}};
  for (const auto& argument : optimizer.arguments) numbers[std::string(argument.name)] = argument.default_value;
  for (const auto& [setting, value] : settings) numbers[setting] = value;
  for (const auto& moment : optimizer.moments) numbers[std::string(moment.name)] = 0;
  for (size_t step = 0; step < gradients.size(); ++step) {
    numbers["step"] = static_cast<double>(step + 1);
    numbers["g"] = 2 * gradients[step];
    for (const auto& moment : optimizer.moments) numbers[std::string(moment.name) + "_next"] = evaluate(moment.formula, numbers);
    numbers["w"] = evaluate(optimizer.weight, numbers);
    for (const auto& moment : optimizer.moments) numbers[std::string(moment.name)] = numbers[std::string(moment.name) + "_next"];
  }
  return numbers["w"];
}

TEST(Sgd, PlainStepIsTheRateTimesTheGradient) { EXPECT_DOUBLE_EQ(weight_after("sgd", {2}, {{"rate", 0.1}}), 0.8); }

TEST(Sgd, FirstVelocityIsTheGradient) {
  // v = 2, then 0.9 · 2 + 1 = 2.8.
  EXPECT_DOUBLE_EQ(weight_after("sgd", {2, 1}, {{"rate", 0.1}, {"momentum", 0.9}}), 1 - 0.2 - 0.28);
}

TEST(Sgd, NesterovLooksAhead) {
  // g + mu v: 2 + 0.9 · 2 = 3.8, then 1 + 0.9 · 2.8 = 3.52.
  EXPECT_DOUBLE_EQ(weight_after("sgd", {2, 1}, {{"rate", 0.1}, {"momentum", 0.9}, {"nesterov", 1}}), 1 - 0.38 - 0.352);
}

TEST(Sgd, DecayJoinsTheGradient) { EXPECT_DOUBLE_EQ(weight_after("sgd", {2}, {{"rate", 0.1}, {"decay", 0.5}}), 1 - 0.1 * 2.5); }

TEST(Adam, FirstStepHasTheRatesSize) {
  // Bias correction makes both moments those of the first gradient; eps comes after the square root.
  EXPECT_NEAR(weight_after("adam", {3}, {{"rate", 0.1}, {"eps", 1}}), 1 - 0.1 * 3 / (3 + 1), 1e-12);
}

TEST(Adam, SecondStepByHand) {
  const double m = 0.9 * 0.1 * 3 + 0.1 * 1, v = 0.999 * 0.001 * 9 + 0.001 * 1;
  const double second = 0.1 * (m / (1 - 0.81)) / (std::sqrt(v / (1 - 0.999 * 0.999)) + 1e-8);
  EXPECT_NEAR(weight_after("adam", {3, 1}, {{"rate", 0.1}}), 1 - 0.1 - second, 1e-8);
}

TEST(Adam, DecayJoinsTheGradient) {
  EXPECT_NEAR(weight_after("adam", {0}, {{"rate", 0.1}, {"decay", 0.5}, {"eps", 0}}), 0.9, 1e-12);
}

TEST(AdamW, DecayMultipliesTheWeightFirst) {
  EXPECT_NEAR(weight_after("adamw", {3}, {{"rate", 0.1}, {"decay", 0.5}, {"eps", 1}}), 1 * (1 - 0.05) - 0.1 * 3 / 4, 1e-12);
}

}  // namespace
}  // namespace cnnc::test
