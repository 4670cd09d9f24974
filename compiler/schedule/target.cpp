// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of targets, best first, and which of them this machine can run.
#include "schedule/target.h"

#include <algorithm>
#include <array>

namespace cnnc {
namespace {

constexpr std::array<std::string_view, 13> kAvx512Flags = {"sse4_1", "avx", "avx2", "f16c", "fma", "bmi1", "bmi2",
                                                           "abm", "avx512f", "avx512dq", "avx512cd", "avx512bw", "avx512vl"};
constexpr std::array<std::string_view, 8> kAvx2Flags = {"sse4_1", "avx", "avx2", "f16c", "fma", "bmi1", "bmi2", "abm"};
constexpr std::array<std::string_view, 3> kGenericFlags = {"ssse3", "sse4_1", "sse4_2"};

// Caches and speeds are those of a Zen 4 core, which runs all three; of avx2 those of a Zen 3 core, which has no AVX-512.
constexpr Target kTargets[] = {
    {.name = "avx512",
     .doc = "x86-64 with AVX-512 (Intel from Skylake-X on, AMD from Zen 4 on)",
     .vector_bytes = 64,
     .vector_registers = 32,
     .level2_bytes = 1 << 20,
     .peak_gflops = 120,
     .level3_gbs = 60,
     .memory_gbs = 30,
     .halide = "x86-64-linux-avx-avx2-avx512-avx512_skylake-f16c-fma-sse41",
     .llvm_cpu = "x86-64-v4",
     .cpuinfo_flags = kAvx512Flags},
    {.name = "avx2",
     .doc = "x86-64 with AVX2 and FMA (Intel from Haswell on, AMD from Zen on)",
     .vector_bytes = 32,
     .vector_registers = 16,
     .level2_bytes = 512 << 10,
     .peak_gflops = 95,
     .level3_gbs = 25,
     .memory_gbs = 15,
     .halide = "x86-64-linux-avx-avx2-f16c-fma-sse41",
     .llvm_cpu = "x86-64-v3",
     .cpuinfo_flags = kAvx2Flags},
    {.name = "generic",
     .doc = "any x86-64 with SSE4.2; slow, because it has no multiply-add",
     .vector_bytes = 16,
     .vector_registers = 16,
     .level2_bytes = 1 << 20,
     .peak_gflops = 60,
     .level3_gbs = 60,
     .memory_gbs = 30,
     .halide = "x86-64-linux-sse41",
     .llvm_cpu = "x86-64-v2",
     .cpuinfo_flags = kGenericFlags},
};

}  // namespace

std::span<const Target> all_targets() { return kTargets; }

const Target* find_target(std::string_view name) {
  const auto* found = std::find_if(std::begin(kTargets), std::end(kTargets), [&](const Target& t) { return t.name == name; });
  return found == std::end(kTargets) ? nullptr : found;
}

const Target& host_target() {
  // The psABI levels are exactly the flags of the tables above (v4: AVX-512 F, BW, CD, DQ, VL).
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return *find_target("avx512");
  if (__builtin_cpu_supports("x86-64-v3")) return *find_target("avx2");
  return *find_target("generic");
}

}  // namespace cnnc
