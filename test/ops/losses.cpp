// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Losses, metrics, softmax and dropout by hand, and where naive formulas would overflow.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "harness.h"
#include "ir/random.h"

namespace cnnc::test {
namespace {

TEST(CrossEntropy, IsMinusTheLogarithmOfTheProbability) {
  const auto loss = run_op("cross_entropy", {}, {image({3}, {std::log(1.0), std::log(2.0), std::log(5.0)}), labels({}, {1})});
  EXPECT_NEAR(loss[0].values.at(0), -std::log(2.0 / 8), 1e-12);
}

TEST(CrossEntropy, SmoothingSharesTheTarget) {
  // (1 - e) nll + e/C · sum over classes.
  const double p[] = {1.0 / 8, 2.0 / 8, 5.0 / 8};
  const auto loss = run_op("cross_entropy", {{"smoothing", 0.3}},
                           {image({3}, {std::log(1.0), std::log(2.0), std::log(5.0)}), labels({}, {2})});
  EXPECT_NEAR(loss[0].values.at(0), -0.7 * std::log(p[2]) - 0.1 * (std::log(p[0]) + std::log(p[1]) + std::log(p[2])), 1e-12);
}

TEST(CrossEntropy, OfPixelsIsTheirMean) {
  // Two classes, two pixels with logits (0, 0) and (0, log 3), labels 0 and 1.
  const auto loss = run_op("cross_entropy", {}, {image({2, 1, 2}, {0, 0, 0, std::log(3.0)}), labels({1, 2}, {0, 1})});
  EXPECT_NEAR(loss[0].values.at(0), (-std::log(0.5) - std::log(0.75)) / 2, 1e-12);
}

TEST(CrossEntropy, OfARowIsTheMeanToo) {
  const auto loss = run_op("cross_entropy", {}, {image({2, 2}, {0, 0, 0, std::log(3.0)}), labels({2}, {0, 1})});
  EXPECT_NEAR(loss[0].values.at(0), (-std::log(0.5) - std::log(0.75)) / 2, 1e-12);
}

/// The gradient of the loss of one image towards the logits.
std::vector<double> logits_gradient(const std::vector<double>& logits, double label) {
  const Array x = image({static_cast<int64_t>(logits.size())}, logits), y = labels({}, {label});
  const Function gradient = gradient_of(function_of(get_op("cross_entropy"), {.operands = {x.type, y.type}}));
  return interpret(gradient, std::vector{x, y, image({}, {1})}, 1).at(0).values;
}

TEST(CrossEntropy, HugeLogitsGiveFiniteLossAndGradient) {
  const auto loss = run_op("cross_entropy", {}, {image({2}, {1e4, -1e4}), labels({}, {1})});
  EXPECT_EQ(loss[0].values.at(0), 2e4);
  EXPECT_EQ(logits_gradient({1e4, -1e4}, 1), (std::vector<double>{1, -1}));
  EXPECT_EQ(logits_gradient({1e4, -1e4}, 0), (std::vector<double>{0, 0}));
}

TEST(CrossEntropy, AClassRuledOutDoesNoHarm) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(run_op("cross_entropy", {}, {image({2}, {0, -infinity}), labels({}, {0})})[0].values.at(0), 0);
  EXPECT_EQ(logits_gradient({0, -infinity}, 0), (std::vector<double>{0, 0}));
}

TEST(Softmax, SubtractsTheMaximum) {
  EXPECT_EQ(run_op("softmax", {}, {image({2}, {1000, 1000})})[0].values, (std::vector<double>{0.5, 0.5}));
  const auto logarithm = run_op("log_softmax", {}, {image({2}, {0, -2000})});
  EXPECT_EQ(logarithm[0].values, (std::vector<double>{0, -2000}));
}

TEST(Softmax, OfDifferentLargeScores) {
  const double share = 1 / (1 + std::exp(-1.0));
  for (const double large : {0.0, 1000.0, -1000.0}) {
    const auto values = run_op("softmax", {}, {image({2}, {large, large + 1})})[0].values;
    EXPECT_NEAR(values.at(0), 1 - share, 1e-12);
    EXPECT_NEAR(values.at(1), share, 1e-12);
    EXPECT_NEAR(run_op("log_softmax", {}, {image({2}, {large, large + 1})})[0].values.at(1), std::log(share), 1e-12);
  }
}

TEST(Softmax, IsOverTheChannelsOfEachPixel) {
  const auto y = run_op("softmax", {}, {image({2, 1, 2}, {0, 5, 0, 5 + std::log(3.0)})});
  EXPECT_NEAR(y[0].values[0], 0.5, 1e-12);
  EXPECT_NEAR(y[0].values[3], 0.75, 1e-12);
}

TEST(MeanSquaredError, IsTheMeanOverTheElementsOfEachImage) {
  const auto loss = run_op("mse", {}, {image({2}, {1, 2, 0, 0}), image({2}, {0, 4, 0, 1})}, 2);
  EXPECT_EQ(loss[0].values, (std::vector<double>{2.5, 0.5}));
}

TEST(Accuracy, FirstOfEqualScoresCounts) {
  EXPECT_EQ(run_op("correct", {}, {image({3}, {1, 7, 7}), labels({}, {1})})[0].values.at(0), 1);
  EXPECT_EQ(run_op("correct", {}, {image({3}, {1, 7, 7}), labels({}, {2})})[0].values.at(0), 0);
}

TEST(Accuracy, OfPixelsIsTheirShare) {
  const auto share = run_op("correct", {}, {image({2, 1, 4}, {1, 0, 1, 0, 0, 1, 0, 1}), labels({1, 4}, {0, 1, 1, 0})});
  EXPECT_EQ(share[0].values.at(0), 0.5);
}

std::vector<double> dropped(double p, Mode mode, double sample) {
  const Array x = image({1000}, std::vector<double>(1000, 2.0));
  const AttributeMap attributes = {{"p", p}, {"stream", int64_t{3}}};
  const Function function = expanded(function_of(get_op("dropout"), {.operands = {x.type}, .attributes = attributes}), mode);
  const Array number{{ElementType::I32, false, {}}, {5}};
  return interpret(function, std::vector{x, number, number, labels({}, {sample})}, 1).at(0).values;
}

TEST(Dropout, ScalesWhatStaysInTraining) {
  const auto y = dropped(0.2, Mode::Training, 1);
  const auto zeros = std::count(y.begin(), y.end(), 0.0), kept = std::count(y.begin(), y.end(), 2.5);
  EXPECT_EQ(zeros + kept, 1000);
  EXPECT_NEAR(static_cast<double>(zeros), 200, 45);      // 3.5 standard deviations
}

TEST(Dropout, DoesNothingInInference) { EXPECT_EQ(dropped(0.2, Mode::Inference, 1), std::vector<double>(1000, 2.0)); }

TEST(Dropout, DrawsAreAFunctionOfTheSample) {
  EXPECT_EQ(dropped(0.5, Mode::Training, 1), dropped(0.5, Mode::Training, 1));
  EXPECT_NE(dropped(0.5, Mode::Training, 1), dropped(0.5, Mode::Training, 2));
}

TEST(Dropout, OfNothingDrawsNothing) {
  const Function function = function_of(get_op("dropout"), {.operands = {{ElementType::F32, true, {3}}}, .attributes = {{"p", 0.0}}});
  EXPECT_TRUE(expanded(function, Mode::Training).graph.nodes().empty());
}

TEST(Dropout, OfEverythingIsZeroNotNan) { EXPECT_EQ(dropped(1, Mode::Training, 1), std::vector<double>(1000, 0.0)); }

/// These bits are a promise: kernels compute the same, and training runs repeat across versions.
TEST(Random, RecipeGivesTheseNumbers) {
  const std::vector<int64_t> one = {1}, several = {7, 2, 0, 12345, 99}, negative = {-1};
  EXPECT_EQ(random_uniform(one) * 16777216, 4140448);
  EXPECT_EQ(random_uniform(several) * 16777216, 5576664);
  EXPECT_EQ(random_uniform(negative) * 16777216, 16752587);
}

}  // namespace
}  // namespace cnnc::test
