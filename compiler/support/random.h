// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Numbers drawn from a seed, the same on every machine: what schedules are tried. (Draws of a network are ir/random.h.)
#pragma once
#include <cstdint>

namespace cnnc {

/// splitmix64 (Steele, Lea, Flood, Fast splittable pseudorandom number generators, 2014).
class SplitMix64 {
 public:
  explicit SplitMix64(uint64_t state) : state_(state) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// From 0 to count - 1.
  uint64_t below(uint64_t count) { return next() % count; }

 private:
  uint64_t state_;
};

}  // namespace cnnc
