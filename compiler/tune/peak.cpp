// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Chains of multiply-adds, more than latency times ports.
#include "tune/peak.h"

#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "tune/child.h"
#include "tune/threads.h"

namespace cnnc {
namespace {

constexpr int kSteps = 20000, kRepetitions = 20;

double seconds_since(std::chrono::steady_clock::time_point start) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); }

__attribute__((target("avx512f"))) double rate_avx512() {
  constexpr int kChains = 24, kLanes = 16;
  __m512 sums[kChains];
  for (auto& sum : sums) sum = _mm512_set1_ps(1);
  const __m512 factor = _mm512_set1_ps(0.999F), term = _mm512_set1_ps(0.001F);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kSteps; ++i)
#pragma GCC unroll 24
    for (int chain = 0; chain < kChains; ++chain) sums[chain] = _mm512_fmadd_ps(sums[chain], factor, term);
  const double seconds = seconds_since(start);
  for (auto& sum : sums) __asm__ volatile("" : : "x"(sum));
  return static_cast<double>(kLanes) * kChains * kSteps / seconds;
}

__attribute__((target("avx2,fma"))) double rate_avx2() {
  constexpr int kChains = 12, kLanes = 8;
  __m256 sums[kChains];
  for (auto& sum : sums) sum = _mm256_set1_ps(1);
  const __m256 factor = _mm256_set1_ps(0.999F), term = _mm256_set1_ps(0.001F);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kSteps; ++i)
#pragma GCC unroll 12
    for (int chain = 0; chain < kChains; ++chain) sums[chain] = _mm256_fmadd_ps(sums[chain], factor, term);
  const double seconds = seconds_since(start);
  for (auto& sum : sums) __asm__ volatile("" : : "x"(sum));
  return static_cast<double>(kLanes) * kChains * kSteps / seconds;
}

}  // namespace

double measured_peak(const Target& target) {
  double (*rate)() = target.name == "avx512" ? rate_avx512 : target.name == "avx2" ? rate_avx2 : nullptr;
  if (!rate) return 0;
  // A process of its own: it binds itself to a core.
  Child child([&](const Channel& channel) {
    pin_to_a_core();
    double best = 0;
    for (int i = 0; i < kRepetitions; ++i) best = std::max(best, rate());
    channel.send('k', &best, sizeof best);
  });
  constexpr double kLimit = 10;
  std::string bytes;
  double best = 0;
  if (child.receive(bytes, kLimit) && bytes.size() == sizeof best) std::memcpy(&best, bytes.data(), sizeof best);
  return best;
}

}  // namespace cnnc
