// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Chance by number: a draw is a function of its key and its index, so neither threads nor resuming change it.
// The mixing function is that of SplitMix64. Tests: test/runtime/program.
#pragma once
#include <cstdint>
#include <string_view>

namespace cnnc::runtime {

constexpr uint64_t mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

/// A stream of draws; `key.with(x)` is another stream for each x.
struct RandomKey {
  uint64_t state = 0;

  constexpr RandomKey with(uint64_t x) const { return {mix(state ^ mix(x))}; }
  constexpr RandomKey with(std::string_view name) const {
    uint64_t hash = 0xCBF29CE484222325u;  // FNV-1a
    for (char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
    return with(hash);
  }
  constexpr uint64_t bits(uint64_t index) const { return mix(state + index * 0xD1342543DE82EF95u); }
  /// In [0, 1), 53 bits.
  constexpr double uniform(uint64_t index) const { return static_cast<double>(bits(index) >> 11) * 0x1p-53; }
  /// In [0, count), for counts below 2^32.
  constexpr uint64_t below(uint64_t index, uint64_t count) const { return ((bits(index) >> 32) * count) >> 32; }
};

/// What a draw is for, so that equal seeds in different places give different numbers.
enum RandomUse : uint64_t { kInitialise = 1, kShuffle = 2, kAugment = 3, kSplit = 4, kBench = 5 };

constexpr RandomKey random_key(uint64_t seed, RandomUse use) { return RandomKey{mix(seed)}.with(use); }

}  // namespace cnnc::runtime
