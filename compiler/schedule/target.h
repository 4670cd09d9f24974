// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Facts of a machine that schedules depend on, in one table: no literal 16 elsewhere. Names are what `--target` takes.
#pragma once
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
  int multiply_add_ports = 2;
  int64_t level1_bytes = 32 << 10, level2_bytes = 1 << 20;
  std::string_view halide;              // Halide's target string, without runtime features
  std::string_view llvm_cpu;            // LLVM's -mcpu
  std::span<const std::string_view> cpuinfo_flags;   // what a machine needs, as in /proc/cpuinfo

  int lanes(ElementType element) const { return vector_bytes / element_bytes(element); }
};

std::span<const Target> all_targets();
const Target* find_target(std::string_view name);
/// The best target that this machine can run.
const Target& host_target();

}  // namespace cnnc
