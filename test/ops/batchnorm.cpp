// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Batch normalisation by hand: which statistics normalise, which are kept.
#include <gtest/gtest.h>

#include <cmath>

#include "harness.h"

namespace cnnc::test {
namespace {

/// One channel, two images of one pixel: mean 3, biased variance 4, unbiased 8.
std::vector<Array> operands() {
  return {image({1}, {1, 5}), weight({1}, {2}), weight({1}, {10}), weight({1}, {1}), weight({1}, {16})};
}
const AttributeMap kAttributes = {{"momentum", 0.25}, {"eps", 0.0}};

TEST(BatchNorm, NormalisesWithTheBiasedVarianceInTraining) {
  const auto results = run_op("batchnorm", kAttributes, operands(), 2);
  EXPECT_EQ(results[0].values, (std::vector<double>{8, 12}));
}

TEST(BatchNorm, KeepsTheUnbiasedVariance) {
  const auto results = run_op("batchnorm", kAttributes, operands(), 2);
  EXPECT_EQ(results[1].values, std::vector<double>{0.75 * 1 + 0.25 * 3});
  EXPECT_EQ(results[2].values, std::vector<double>{0.75 * 16 + 0.25 * 8});
}

TEST(BatchNorm, UsesTheRunningStatisticsInInferenceAndLeavesThem) {
  const auto results = run_op("batchnorm", kAttributes, operands(), 2, Mode::Inference);
  EXPECT_EQ(results[0].values, (std::vector<double>{10, 12}));
  EXPECT_EQ(results[1].values, std::vector<double>{1});
  EXPECT_EQ(results[2].values, std::vector<double>{16});
}

TEST(BatchNorm, CountsThePixelsOfAllImages) {
  // 2 images of 1x2 pixels: 0, 2, 4, 6 has mean 3 and biased variance 5; unbiased 20/3.
  const auto results = run_op("batchnorm", {{"momentum", 1.0}, {"eps", 0.0}},
                              {image({1, 1, 2}, {0, 2, 4, 6}), weight({1}, {1}), weight({1}, {0}), weight({1}, {0}), weight({1}, {0})}, 2);
  EXPECT_NEAR(results[0].values[0], -3 / std::sqrt(5.0), 1e-12);
  EXPECT_EQ(results[1].values, std::vector<double>{3});
  EXPECT_NEAR(results[2].values[0], 20.0 / 3, 1e-12);
}

}  // namespace
}  // namespace cnnc::test
