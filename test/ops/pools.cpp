// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pools by hand: what wins, what is counted, where windows begin. Numbers follow PyTorch's documented rules.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "harness.h"

namespace cnnc::test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();

AttributeMap window(Dims kernel, Dims stride, Dims pad = {0, 0, 0, 0}, bool ceil = false) {
  return {{"kernel", kernel}, {"stride", stride}, {"pad", pad}, {"ceil", ceil}};
}

TEST(MaxPool, FirstOfEqualMaximaWinsRowByRow) {
  const auto results = run_op("maxpool", window({2, 2}, {2, 2}), {image({1, 2, 4}, {1, 5, 3, 3, 5, 5, 3, 3})});
  EXPECT_EQ(results[0].values, (std::vector<double>{5, 3}));
  EXPECT_EQ(results[1].values, (std::vector<double>{1, 0}));
}

TEST(MaxPool, GradientGoesToTheWinnerAlone) {
  AttributeMap attributes = window({2, 2}, {1, 1});
  attributes["height"] = int64_t{2};
  attributes["width"] = int64_t{3};
  // x = 7 9 9 / 1 2 3: both windows have the 9 in the middle as their first maximum.
  const auto forward = run_op("maxpool", window({2, 2}, {1, 1}), {image({1, 2, 3}, {7, 9, 9, 1, 2, 3})});
  const auto dx = run_op("maxpool_grad", attributes, {forward[1], image({1, 1, 2}, {10, 100})});
  EXPECT_EQ(dx[0].values, (std::vector<double>{0, 110, 0, 0, 0, 0}));
}

TEST(MaxPool, PaddingNeverWinsAgainstMinusInfinity) {
  const auto results =
      run_op("maxpool", window({2, 2}, {2, 2}, {1, 1, 0, 0}), {image({1, 1, 1}, {-kInfinity})});
  EXPECT_EQ(results[0].values, std::vector<double>{-kInfinity});
  EXPECT_EQ(results[1].values, std::vector<double>{3}) << "the only place inside the image";
}

TEST(MaxPool, NanShowsAndTakesTheIndex) {
  const auto results = run_op("maxpool", window({2, 2}, {2, 2}), {image({1, 2, 2}, {1, kInfinity, kNan, 3})});
  EXPECT_TRUE(std::isnan(results[0].values[0]));
  EXPECT_EQ(results[1].values[0], 2);
}

TEST(MaxPool, CeilDropsAWindowThatWouldBeginBehindTheImage) {
  // 5 columns, kernel 2, stride 2: floor gives 2 windows, ceil 3.
  const Array x = image({1, 2, 5}, {1, 2, 3, 4, 5, 0, 0, 0, 0, 0});
  EXPECT_EQ(run_op("maxpool", window({2, 2}, {2, 2}), {x})[0].values, (std::vector<double>{2, 4}));
  EXPECT_EQ(run_op("maxpool", window({2, 2}, {2, 2}, {0, 0, 0, 0}, true), {x})[0].values, (std::vector<double>{2, 4, 5}));
  // 4 columns, kernel 2, stride 3, one padding at each side: windows begin at -1, 2 and 5; the one at 5 is dropped.
  const Array y = image({1, 2, 4}, {1, 2, 3, 4, 0, 0, 0, 0});
  const auto dropped = run_op("maxpool", window({2, 2}, {2, 3}, {0, 1, 0, 1}, true), {y});
  EXPECT_EQ(dropped[0].values, (std::vector<double>{1, 4}));
}

AttributeMap average(Dims kernel, Dims stride, Dims pad, bool ceil, bool count_pad) {
  AttributeMap attributes = window(std::move(kernel), std::move(stride), std::move(pad), ceil);
  attributes["count_pad"] = count_pad;
  return attributes;
}

TEST(AvgPool, CountsPaddingUnlessToldNotTo) {
  const Array x = image({1, 2, 2}, {1, 2, 3, 4});
  // Each window of 2x2 at stride 2 with a border of 1 sees one pixel.
  EXPECT_EQ(run_op("avgpool", average({2, 2}, {2, 2}, {1, 1, 1, 1}, false, true), {x})[0].values,
            (std::vector<double>{0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(run_op("avgpool", average({2, 2}, {2, 2}, {1, 1, 1, 1}, false, false), {x})[0].values, (std::vector<double>{1, 2, 3, 4}));
}

TEST(AvgPool, NeverCountsWhatCeilReachesOver) {
  // Three columns, kernel [1, 2], stride 2, ceil: the second window has one column, and is divided by one.
  EXPECT_EQ(run_op("avgpool", average({1, 2}, {1, 2}, {0, 0, 0, 0}, true, true), {image({1, 1, 3}, {2, 4, 6})})[0].values,
            (std::vector<double>{3, 6}));
  // Four columns, kernel 3, stride 3, padding 1, ceil: windows at -1 (divisor 3, sum 1 + 2) and 2 (3 + 4 + one padding: 3).
  EXPECT_EQ(run_op("avgpool", average({1, 3}, {1, 3}, {0, 1, 0, 1}, true, true), {image({1, 1, 4}, {1, 2, 3, 4})})[0].values,
            (std::vector<double>{1, 7.0 / 3}));
  // The same at stride 2: the window at 3 sees 4, one padding, and one column beyond it, which does not count.
  const Array x = image({1, 1, 4}, {1, 2, 3, 4});
  EXPECT_EQ(run_op("avgpool", average({1, 3}, {1, 2}, {0, 1, 0, 1}, true, true), {x})[0].values, (std::vector<double>{1, 3, 2}));
  EXPECT_EQ(run_op("avgpool", average({1, 3}, {1, 2}, {0, 1, 0, 1}, true, false), {x})[0].values, (std::vector<double>{1.5, 3, 4}));
  // Five columns: the window at 2 is full, none begins at 5, where the padding is.
  EXPECT_EQ(run_op("avgpool", average({1, 3}, {1, 3}, {0, 1, 0, 1}, true, true), {image({1, 1, 5}, {1, 2, 3, 4, 5})})[0].values,
            (std::vector<double>{1, 4}));
}

TEST(Pools, RefusePaddingOfMoreThanHalfTheKernel) {
  const OpDef& op = get_op("maxpool");
  const TensorType x{ElementType::F32, true, {1, 4, 4}};
  const auto result = op.infer(window({3, 3}, {1, 1}, {2, 0, 0, 0}), std::vector{x});
  ASSERT_TRUE(std::holds_alternative<std::string>(result));
  EXPECT_EQ(std::get<std::string>(result), "padding 2 is more than half the kernel 3");
}

}  // namespace
}  // namespace cnnc::test
