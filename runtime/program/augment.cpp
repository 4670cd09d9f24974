// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The draws of one image's augmentation.
#include "runtime/program/augment.h"

#include <algorithm>

namespace cnnc::runtime {

ImageAugmentation::ImageAugmentation(std::span<const settings::Augmentation> stages, uint64_t seed, int64_t epoch, uint32_t sample)
    : count_(std::min(stages.size(), kMaximumStages)) {
  const RandomKey key = random_key(seed, kAugment).with(static_cast<uint64_t>(epoch)).with(uint64_t{sample});
  for (size_t i = 0; i < count_; ++i) {
    if (stages[i].kind == settings::AugmentationKind::Flip) {
      draws_[i].mirror = key.below(2 * i, 2) == 1;
      continue;
    }
    const auto places = static_cast<uint64_t>(2 * stages[i].pad + 1);
    draws_[i].down = static_cast<int64_t>(key.below(2 * i, places)) - stages[i].pad;
    draws_[i].right = static_cast<int64_t>(key.below(2 * i + 1, places)) - stages[i].pad;
  }
}

}  // namespace cnnc::runtime
