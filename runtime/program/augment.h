// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Augmentation of one image, planar [channels, height, width]: where each pixel comes from. Every draw is a function of
// (seed, epoch, sample, stage). Tests: test/runtime/program.
#pragma once
#include <cstdint>
#include <span>

#include "runtime/program/random.h"
#include "runtime/settings/recipe.h"

namespace cnnc::runtime {

/// What one stage does to one image: mirrors it, or moves it and fills with 0.
struct AugmentationDraw {
  bool mirror = false;
  int64_t down = 0, right = 0;   // output(y, x) = input(y + down, x + right)
};

/// At most this many stages; the trainer refuses more.
inline constexpr size_t kMaximumStages = 16;

class ImageAugmentation {
 public:
  ImageAugmentation() = default;
  ImageAugmentation(std::span<const settings::Augmentation> stages, uint64_t seed, int64_t epoch, uint32_t sample);
  bool changes_nothing() const { return count_ == 0; }

  /// The input's row and column for an output pixel; false where the pixel is 0.
  bool source(int64_t height, int64_t width, int64_t& y, int64_t& x) const {
    for (size_t i = count_; i > 0; --i) {
      const AugmentationDraw& draw = draws_[i - 1];
      if (draw.mirror) x = width - 1 - x;
      y += draw.down;
      x += draw.right;
      if (y < 0 || y >= height || x < 0 || x >= width) return false;
    }
    return true;
  }

 private:
  AugmentationDraw draws_[kMaximumStages];
  size_t count_ = 0;
};

}  // namespace cnnc::runtime
