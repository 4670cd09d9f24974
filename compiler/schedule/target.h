// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Facts of a machine that schedules depend on, in one table: no literal 16 elsewhere. Names are what `--target` takes. A file of
// `cnnc machine` gives other facts to the same names (machine.h).
#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/types.h"

namespace cnnc {

struct Target {
  std::string_view name;                // "avx512"
  std::string_view doc;
  int vector_bytes = 32;
  int vector_registers = 16;
  // What a core has and can do. Choices depend on it; what is legal, and what a kernel computes, does not.
  int64_t level2_bytes = 1 << 20, level3_bytes = 16 << 20;   // the third level's for all cores
  double peak_gflops = 0;               // of multiply-adds in f32, two operations each
  double level3_gbs = 0, memory_gbs = 0;   // read from there
  std::string_view halide;              // Halide's target string, without runtime features
  std::string_view llvm_cpu;            // LLVM's -mcpu
  std::span<const std::string_view> cpuinfo_flags;   // what a machine needs, as in /proc/cpuinfo

  int lanes(ElementType element) const { return vector_bytes / element_bytes(element); }
  /// a * b + c in one instruction, rounded once.
  bool has_multiply_add() const { return std::ranges::find(cpuinfo_flags, "fma") != cpuinfo_flags.end(); }
};

std::span<const Target> all_targets();
const Target* find_target(std::string_view name);
/// The best target that this machine can run.
const Target& host_target();

}  // namespace cnnc
