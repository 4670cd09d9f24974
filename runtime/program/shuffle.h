// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The order of an epoch, and the validation share: permutations that are functions of (seed, epoch). Tests: test/runtime/program.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/program/random.h"

namespace cnnc::runtime {

/// Permutes by the draws of one key (Fisher and Yates).
inline void shuffle(RandomKey key, std::span<uint32_t> order) {
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[key.below(i, i)]);
}

/// Fills `order` with 0, 1, …, permuted for this epoch (counted from 0).
inline void epoch_order(uint64_t seed, int64_t epoch, std::span<uint32_t> order) {
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<uint32_t>(i);
  shuffle(random_key(seed, kShuffle).with(static_cast<uint64_t>(epoch)), order);
}

/// Parts 0 … count - 1 into training and validation (its share, rounded, at least 1 of each); both in rising order.
struct Split {
  std::vector<uint32_t> training, validation;
};
Split split_samples(uint64_t seed, size_t count, double share);

}  // namespace cnnc::runtime
