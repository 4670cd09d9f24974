// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolutions and dense layers by hand.
#include <gtest/gtest.h>

#include "harness.h"

namespace cnnc::test {
namespace {

TEST(Conv, IsCrossCorrelationUnlessFlipped) {
  const Array x = image({1, 1, 3}, {1, 2, 3});
  const Array w = weight({1, 1, 1, 2}, {10, 1});
  EXPECT_EQ(run_op("conv", {}, {x, w})[0].values, (std::vector<double>{12, 23}));
  EXPECT_EQ(run_op("conv", {{"flip", true}}, {x, w})[0].values, (std::vector<double>{21, 32}));
}

TEST(Conv, PadsWithZerosOnEachSideByItself) {
  const Array x = image({1, 1, 2}, {1, 2});
  const Array w = weight({1, 1, 2, 2}, {1, 10, 100, 1000});
  // One row above, one column to the right: taps of the upper row see zeros.
  EXPECT_EQ(run_op("conv", {{"pad", Dims{1, 0, 0, 1}}}, {x, w})[0].values, (std::vector<double>{2100, 200}));
}

TEST(Conv, StrideAndDilationLeaveARestUnread) {
  // 8 columns, kernel 2, dilation 3, stride 2: floor((8 - 3 - 1) / 2) + 1 = 3 outputs, at 0, 2 and 4.
  const Array x = image({1, 1, 8}, {1, 2, 3, 4, 5, 6, 7, 8});
  const Array w = weight({1, 1, 1, 2}, {1, 100});
  EXPECT_EQ(run_op("conv", {{"stride", Dims{1, 2}}, {"dilation", Dims{1, 3}}}, {x, w})[0].values,
            (std::vector<double>{401, 603, 805}));
}

TEST(Conv, GroupsDoNotMix) {
  const Array x = image({4, 1, 1}, {1, 2, 3, 4});
  const Array w = weight({2, 2, 1, 1}, {1, 10, 1, 10});
  EXPECT_EQ(run_op("conv", {{"groups", int64_t{2}}}, {x, w, weight({2}, {0.5, 0})})[0].values, (std::vector<double>{21.5, 43}));
}

TEST(Conv, WeightGradientSumsOverTheImages) {
  const Array x = image({1, 1, 1}, {2, 3});      // two images of one pixel
  const Array dy = image({1, 1, 1}, {10, 100});
  EXPECT_EQ(run_op("conv_grad_weight", {}, {x, dy}, 2)[0].values, std::vector<double>{320});
  EXPECT_EQ(run_op("conv_grad_weight", {}, {x, weight({1, 1, 1}, {10})}, 2)[0].values, std::vector<double>{50}) << "where one of them is of all images";
}

TEST(Conv, GroupsThatDoNotDivideAreRefused) {
  const TensorType x{ElementType::F32, true, {3, 4, 4}}, w{ElementType::F32, false, {4, 1, 1, 1}};
  const auto result = get_op("conv").infer({{"groups", int64_t{2}}}, std::vector{x, w});
  EXPECT_EQ(std::get<std::string>(result), "3 channels in 2 groups do not fit the weight [4, 1, 1, 1]");
}

TEST(Conv, MultiplyAddsAreCountedForOneImage) {
  const OpDef& op = get_op("conv");
  const TensorType x{ElementType::F32, true, {3, 8, 8}}, w{ElementType::F32, false, {16, 3, 3, 3}};
  EXPECT_EQ(op.multiply_adds({}, std::vector{x, w}), 16.0 * 6 * 6 * 3 * 3 * 3);
  EXPECT_EQ(get_op("dense").multiply_adds({}, std::vector{TensorType{ElementType::F32, true, {7}}, TensorType{ElementType::F32, false, {5, 7}}}), 35.0);
}

TEST(Dense, IsTheMatrixTimesTheVector) {
  const auto y = run_op("dense", {}, {image({2}, {1, 2, 3, 4}), weight({2, 2}, {1, 10, 100, 1000}), weight({2}, {0, 5})}, 2);
  EXPECT_EQ(y[0].values, (std::vector<double>{21, 2105, 43, 4305}));
}

}  // namespace
}  // namespace cnnc::test
