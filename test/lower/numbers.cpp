// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scalar functions of kernels against libm in double precision, over their whole range; special values exactly.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "plan_runner.h"

namespace cnnc {
namespace {

/// map {f = text} on one batched f32 operand, a number for each image.
std::vector<double> results_of(const std::string& text, const std::vector<double>& values) {
  std::string error;
  const auto f = parse_scalar_expression(text, {}, error);
  EXPECT_TRUE(f.has_value()) << error;
  const TensorType type{ElementType::F32, true, {}};
  const Sample sample{{type}, {{"f", *f}}};
  const Module module = module_of(get_op("map"), sample, "t.gradients");
  const Target& target = host_target();
  const ModulePlan plan = make_plan(module, target, {});
  PlanRunner runner(plan, 0, target);
  return runner.run({{type, values}}, static_cast<int64_t>(values.size())).at(0).values;
}

void check(const std::string& text, double (*exact)(double), double from, double to, double tolerance) {
  std::vector<double> values;
  for (int i = 0; i <= 4000; ++i) values.push_back(static_cast<float>(from + (to - from) * i / 4000));
  const auto results = results_of(text, values);
  for (size_t i = 0; i < values.size(); ++i) {
    const double expected = exact(values[i]);
    if (std::abs(expected) < std::numeric_limits<float>::min() || std::abs(expected) > std::numeric_limits<float>::max()) continue;
    ASSERT_NEAR(results[i] / expected, 1, tolerance) << text << " at " << values[i];
  }
}

TEST(Numbers, AreAccurate) {
  check("exp(x0)", std::exp, -87, 88.5, 3e-7);
  check("log(x0)", std::log, 1e-30, 3, 3e-7);
  check("log(x0)", std::log, 3, 3e30, 3e-7);
  check("log1p(x0)", std::log1p, -0.999, 2, 4e-7);
  check("log1p(x0)", std::log1p, 1e-8, 1e-3, 4e-7);
  check("tanh(x0)", std::tanh, -12, 12.001, 3e-7);
  check("tanh(x0)", std::tanh, 1e-8, 1e-2, 3e-7);
  check("sigmoid(x0)", [](double x) { return 1 / (1 + std::exp(-x)); }, -80, 80.01, 4e-7);
  check("erf(x0)", std::erf, -4, 4.001, 2e-7);
  check("erf(x0)", std::erf, 1e-30, 1e-3, 2e-7);
  check("erf(x0)", std::erf, 0.99, 1.01, 2e-7);
}

TEST(Numbers, SpecialValuesAreExact) {
  const double infinity = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const std::vector<double> values = {nan, infinity, -infinity, 0, 1000, -1000};
  const auto expect = [&](const std::string& text, std::vector<double> expected) {
    const auto results = results_of(text, values);
    for (size_t i = 0; i < values.size(); ++i) {
      if (std::isnan(expected[i])) {
        EXPECT_TRUE(std::isnan(results[i])) << text << " at " << values[i] << " is " << results[i];
      } else {
        EXPECT_EQ(results[i], expected[i]) << text << " at " << values[i];
      }
    }
  };
  expect("exp(x0)", {nan, infinity, 0, 1, infinity, 0});
  expect("tanh(x0)", {nan, 1, -1, 0, 1, -1});
  expect("erf(x0)", {nan, 1, -1, 0, 1, -1});
  expect("sigmoid(x0)", {nan, 1, 0, 0.5, 1, 0});
  expect("log(x0)", {nan, infinity, nan, -infinity, std::log(1000.0f), nan});
  expect("log1p(x0)", {nan, infinity, nan, 0, std::log1p(1000.0f), nan});
  expect("max(x0, 0)", {nan, infinity, 0, 0, 1000, 0});
  expect("min(0, x0)", {nan, 0, -infinity, 0, 0, -1000});
  expect("select(x0 <= 0, 1, 2)", {2, 2, 1, 1, 2, 1});
  expect("select(not (x0 < 0), 1, 2)", {1, 1, 2, 1, 1, 2});
  expect("0 * x0", {nan, nan, nan, 0, 0, 0});
}

}  // namespace
}  // namespace cnnc
