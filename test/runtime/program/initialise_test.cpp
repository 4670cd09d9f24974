// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// First values: mean, variance and bounds of each initialiser, and what decides them.
#include "runtime/program/initialise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/program/failure.h"

namespace cnnc::runtime {
namespace {

constexpr int64_t kDims[] = {100, 400};
constexpr int64_t kFanIn = 400, kFanOut = 100;

std::vector<double> values(const char* initialiser, double value = 0, double second = 0, const char* name = "w", uint64_t seed = 0) {
  const cnn_tensor tensor{name, "weight", 2, kDims, 0, kFanIn * kFanOut, initialiser, value, second, kFanIn, kFanOut};
  std::vector<double> out(static_cast<size_t>(tensor.elements));
  initialise_tensor(tensor, seed, out);
  return out;
}

double mean(const std::vector<double>& v) {
  double sum = 0;
  for (double x : v) sum += x;
  return sum / static_cast<double>(v.size());
}

double deviation(const std::vector<double>& v) {
  double sum = 0;
  const double m = mean(v);
  for (double x : v) sum += (x - m) * (x - m);
  return std::sqrt(sum / static_cast<double>(v.size()));
}

void expect_normal(const std::vector<double>& v, double wanted_mean, double wanted_deviation) {
  EXPECT_NEAR(mean(v), wanted_mean, 0.02 * wanted_deviation);
  EXPECT_NEAR(deviation(v), wanted_deviation, 0.02 * wanted_deviation);
  // About 0.27 % of a normal distribution lies beyond three deviations; of a uniform one, nothing.
  const auto far = std::count_if(v.begin(), v.end(), [&](double x) { return std::abs(x - wanted_mean) > 3 * wanted_deviation; });
  EXPECT_NEAR(static_cast<double>(far) / static_cast<double>(v.size()), 0.0027, 0.001);
}

void expect_uniform(const std::vector<double>& v, double low, double high) {
  EXPECT_GE(*std::min_element(v.begin(), v.end()), low);
  EXPECT_LE(*std::max_element(v.begin(), v.end()), high);
  EXPECT_NEAR(mean(v), (low + high) / 2, 0.01 * (high - low));
  EXPECT_NEAR(deviation(v), (high - low) / std::sqrt(12), 0.01 * (high - low));
}

TEST(Initialise, Distributions) {
  expect_uniform(values("uniform_fan_in"), -1 / std::sqrt(400), 1 / std::sqrt(400));
  expect_normal(values("he_normal"), 0, std::sqrt(2.0 / 400));
  expect_normal(values("he_normal", 1), 0, std::sqrt(1.0 / 400));
  expect_uniform(values("he_uniform"), -std::sqrt(6.0 / 400), std::sqrt(6.0 / 400));
  expect_normal(values("xavier_normal"), 0, std::sqrt(2.0 / 500));
  expect_uniform(values("xavier_uniform"), -std::sqrt(6.0 / 500), std::sqrt(6.0 / 500));
  expect_normal(values("normal"), 0, 1);
  expect_normal(values("normal", 3, 0.5), 3, 0.5);
  expect_uniform(values("uniform", -1, 2), -1, 2);
  expect_uniform(values("uniform", 0.5), -0.5, 0.5);
  EXPECT_EQ(values("constant", 2.5)[17], 2.5);
  EXPECT_EQ(values("ones")[17], 1);
  EXPECT_EQ(values("zeros")[17], 0);
}

TEST(Initialise, OrthogonalRowsHaveLengthOneAndRightAngles) {
  const std::vector<double> v = values("orthogonal");
  for (const auto& [a, b] : {std::pair{0, 0}, {99, 99}, {0, 1}, {3, 98}}) {
    double dot = 0;
    for (int64_t k = 0; k < kFanIn; ++k) dot += v[static_cast<size_t>(a * kFanIn + k)] * v[static_cast<size_t>(b * kFanIn + k)];
    EXPECT_NEAR(dot, a == b ? 1 : 0, 1e-12);
  }
}

TEST(Initialise, SeedAndNameDecide) {
  EXPECT_EQ(values("normal"), values("normal"));
  EXPECT_NE(values("normal"), values("normal", 0, 0, "v"));
  EXPECT_NE(values("normal"), values("normal", 0, 0, "w", 1));
  EXPECT_THROW(values("he_normals"), Failure);
}

}  // namespace
}  // namespace cnnc::runtime
