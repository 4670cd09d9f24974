// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Augmentation as a map of pixels: order, borders, and what decides the draws.
#include "runtime/program/augment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace cnnc::runtime {
namespace {

using settings::Augmentation;
using settings::AugmentationKind;

constexpr int64_t kHeight = 3, kWidth = 4;

/// The image 1..12 after augmentation, 0 outside.
std::vector<int> apply(const std::vector<Augmentation>& stages, uint32_t sample, int64_t epoch = 0, uint64_t seed = 0) {
  const ImageAugmentation augmentation(stages, seed, epoch, sample);
  std::vector<int> out;
  for (int64_t y = 0; y < kHeight; ++y)
    for (int64_t x = 0; x < kWidth; ++x) {
      int64_t from_y = y, from_x = x;
      out.push_back(augmentation.source(kHeight, kWidth, from_y, from_x) ? static_cast<int>(from_y * kWidth + from_x + 1) : 0);
    }
  return out;
}

TEST(Augment, FlipMirrorsHalfOfTheImages) {
  const std::vector<int> plain = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, mirrored = {4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9};
  int flipped = 0;
  for (uint32_t sample = 0; sample < 2000; ++sample) {
    const std::vector<int> image = apply({{AugmentationKind::Flip, 0}}, sample);
    ASSERT_TRUE(image == plain || image == mirrored);
    flipped += image == mirrored;
  }
  EXPECT_NEAR(flipped, 1000, 110);  // five standard deviations
}

TEST(Augment, CropMovesByEveryAmountUpToThePadding) {
  std::set<std::vector<int>> seen;
  for (uint32_t sample = 0; sample < 500; ++sample) seen.insert(apply({{AugmentationKind::Crop, 1}}, sample));
  EXPECT_EQ(seen.size(), 9u);
  EXPECT_TRUE(seen.contains({0, 0, 0, 0, 0, 1, 2, 3, 0, 5, 6, 7}));   // moved down and to the right
  EXPECT_TRUE(seen.contains({6, 7, 8, 0, 10, 11, 12, 0, 0, 0, 0, 0})); // up and to the left
}

TEST(Augment, StagesRunInTheirOrderAndWhatLeftTheImageIsGone) {
  // Two crops by one: never back to what the first one pushed out.
  for (uint32_t sample = 0; sample < 500; ++sample) {
    const std::vector<int> image = apply({{AugmentationKind::Crop, 1}, {AugmentationKind::Crop, 1}}, sample);
    const std::vector<int> once = apply({{AugmentationKind::Crop, 1}}, sample);
    for (int pixel : image)
      if (pixel != 0) {
        ASSERT_NE(std::find(once.begin(), once.end(), pixel), once.end());
      }
  }
}

TEST(Augment, SeedEpochAndSampleDecide) {
  const std::vector<Augmentation> stages = {{AugmentationKind::Crop, 2}, {AugmentationKind::Flip, 0}};
  int other_epoch = 0, other_seed = 0, other_sample = 0;
  for (uint32_t sample = 0; sample < 100; ++sample) {
    EXPECT_EQ(apply(stages, sample), apply(stages, sample));
    other_epoch += apply(stages, sample) != apply(stages, sample, 1);
    other_seed += apply(stages, sample) != apply(stages, sample, 0, 1);
    other_sample += apply(stages, sample) != apply(stages, sample + 1);
  }
  EXPECT_GT(std::min({other_epoch, other_seed, other_sample}), 80);
}

}  // namespace
}  // namespace cnnc::runtime
