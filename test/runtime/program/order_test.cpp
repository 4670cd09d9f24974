// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The order of epochs and the validation share.
#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/program/shuffle.h"

namespace cnnc::runtime {
namespace {

std::vector<uint32_t> order(uint64_t seed, int64_t epoch, size_t count = 1000) {
  std::vector<uint32_t> out(count);
  epoch_order(seed, epoch, out);
  return out;
}

TEST(Shuffle, IsAPermutationThatSeedAndEpochDecide) {
  std::vector<uint32_t> sorted = order(3, 5);
  EXPECT_EQ(order(3, 5), sorted);
  EXPECT_NE(order(3, 6), sorted);
  EXPECT_NE(order(4, 5), sorted);
  std::sort(sorted.begin(), sorted.end());
  for (uint32_t i = 0; i < sorted.size(); ++i) ASSERT_EQ(sorted[i], i);
}

TEST(Shuffle, EveryPlaceIsEquallyLikely) {
  // Where the first of 5 goes, over 5000 epochs: 1000 times to each place, standard deviation 28.
  int places[5] = {};
  for (int epoch = 0; epoch < 5000; ++epoch) {
    const std::vector<uint32_t> now = order(0, epoch, 5);
    ++places[std::find(now.begin(), now.end(), 0u) - now.begin()];
  }
  for (int count : places) EXPECT_NEAR(count, 1000, 120);
}

TEST(Split, SharesAreDisjointAndWhole) {
  const Split split = split_samples(7, 103, 0.1);
  EXPECT_EQ(split.validation.size(), 10u);
  std::vector<uint32_t> all = split.training;
  all.insert(all.end(), split.validation.begin(), split.validation.end());
  std::sort(all.begin(), all.end());
  ASSERT_EQ(all.size(), 103u);
  for (uint32_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], i);
  EXPECT_NE(split_samples(8, 103, 0.1).validation, split.validation);
  // Neither part is ever empty where there are two samples.
  EXPECT_EQ(split_samples(0, 2, 0.001).validation.size(), 1u);
  EXPECT_EQ(split_samples(0, 2, 0.999).training.size(), 1u);
}

}  // namespace
}  // namespace cnnc::runtime
