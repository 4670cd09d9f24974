// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A machine as `cnnc machine` has measured it, and its file: JSON, documented in docs/schedules.md. `--machine=FILE` gives its
// facts to the target in place of those of the table, so that a choice depends on what a file says and never on a measurement
// that nobody sees. Tests: test/schedule/machine*.test.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "schedule/target.h"
#include "support/diagnostic.h"

namespace cnnc {

/// A speed of one core alone, and of all cores together.
struct CoreSpeeds {
  double one_core = 0, all_cores = 0;
};

struct MachineLevel {
  int64_t bytes = 0;                    // of a core; the third level's are shared. 0: memory
  CoreSpeeds read_gbs, copy_gbs;        // copying: bytes read and bytes written, both counted
};

inline constexpr std::array<std::string_view, 4> kMachineLevels = {"L1", "L2", "L3", "memory"};

struct Machine {
  std::string processor;
  std::string target;                   // whose vectors were measured
  int cores = 1;
  double gigahertz = 0;
  CoreSpeeds peak_gflops;               // of multiply-adds in f32, two operations each
  std::array<MachineLevel, 4> levels;   // as in kMachineLevels
};

/// The text of a file.
std::string to_string(const Machine& machine);

/// A source as a machine. Null where it has errors; these are reported, each at its place.
std::optional<Machine> read_machine_file(const SourceManager& sources, int32_t source, Diagnostics& diagnostics);

/// The target with the facts of this machine.
Target target_of(const Target& target, const Machine& machine);

}  // namespace cnnc
