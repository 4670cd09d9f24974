// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The recipe of all random draws inside a network: integers → a uniform number in [0, 1). It is counter-based, so a draw
// depends on its integers (seed, epoch, stream, the image's number, the element's number) and on nothing else. Whoever
// computes it (the interpreter here, kernels in 32-bit vector arithmetic) must give these bits: 24 of them, exact in f32.
#pragma once
#include <cstdint>
#include <span>

namespace cnnc {

inline constexpr uint32_t kRandomStart = 0x9E3779B9u;
inline constexpr uint32_t kRandomFactor1 = 0x85EBCA6Bu;
inline constexpr uint32_t kRandomFactor2 = 0xC2B2AE35u;

/// One round: takes the next integer (modulo 2^32) into the hash.
constexpr uint32_t mix_random(uint32_t hash, uint32_t integer) {
  hash ^= integer;
  hash *= kRandomFactor1;
  hash ^= hash >> 13;
  hash *= kRandomFactor2;
  hash ^= hash >> 16;
  return hash;
}

/// The number of a finished hash: its upper 24 bits times 2^-24.
constexpr double uniform_of(uint32_t hash) { return static_cast<double>(hash >> 8) * (1.0 / 16777216.0); }

constexpr double random_uniform(std::span<const int64_t> integers) {
  uint32_t hash = kRandomStart;
  for (int64_t integer : integers) hash = mix_random(hash, static_cast<uint32_t>(integer));
  return uniform_of(hash);
}

}  // namespace cnnc
