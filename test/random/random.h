// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The generator's chance: a stream of draws from a seed, the same on every machine.
#pragma once
#include <cstdint>

#include "test/random/data.h"

namespace cnnc::random_programs {

class Random {
 public:
  explicit Random(uint64_t seed) : seed_(seed) {}

  uint64_t bits() { return random_bits("draws", seed_ * 0xD1342543DE82EF95u + count_++); }
  /// A whole number from 0 to below `count`.
  int64_t below(int64_t count) { return static_cast<int64_t>(bits() % static_cast<uint64_t>(count)); }
  bool one_in(int64_t count) { return below(count) == 0; }
  double number(double low, double high) { return low + (high - low) * static_cast<double>(bits() >> 11) * 0x1p-53; }
  template <class List>
  const auto& one_of(const List& list) { return list[static_cast<size_t>(below(static_cast<int64_t>(list.size())))]; }

 private:
  uint64_t seed_;
  uint64_t count_ = 0;
};

}  // namespace cnnc::random_programs
