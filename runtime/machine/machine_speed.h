// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How fast this machine is at the moment: multiply-adds a second, and bytes a second from each level of its memory. Measured in
// some tens of milliseconds, so that it can be done around every bench. The only place that measures them: for built programs,
// `cnnc machine`, `cnnc tune` and bench/. Tests: test/runtime/machine.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cnnc::runtime {

/// The widest registers that are used: those of the target that a program was compiled for.
enum class VectorSet { Sse, Avx2, Avx512 };
/// "avx512", "avx2", "generic": the names of the compiler's targets; nothing for other names.
std::optional<VectorSet> vector_set(std::string_view target);
const char* name_of(VectorSet set);
/// The widest ones of this processor.
VectorSet widest_vectors();

/// L1, L2, L3 or memory. Speeds are bytes a second of all threads together; 0 where there is no such level or no room to measure.
struct MemoryLevel {
  const char* name = "";
  int64_t capacity = 0;      // bytes that fit, for all threads together
  double read = 0;           // reading alone
  double copy = 0;           // reading and writing as many bytes, both counted
};

struct MachineSpeed {
  int threads = 1;
  double peak = 0;           // of f32: two operations a multiply-add, a second
  std::array<MemoryLevel, 4> levels;
};

/// "AMD EPYC, family 25 model 17": this processor as /proc/cpuinfo has it; "unknown" where that has no name.
std::string processor_name();
/// Processors that this process may use.
int usable_processors();
/// Cycles a second, as a chain of additions takes them.
double measure_frequency();
/// Operations a second of `threads` threads that run at the same time: two a multiply-add.
double measure_peak(int threads, VectorSet vectors);
/// The peak, and the speeds of all levels.
MachineSpeed measure_speed(int threads, VectorSet vectors);
/// The better one of each figure: what disturbs a measurement only makes it slower.
MachineSpeed better_of(const MachineSpeed& one, const MachineSpeed& other);

/// What bounds a kernel, and by that how long it takes at least.
struct Bound {
  const char* name = "";     // "compute", or the level whose bytes take longest
  double seconds = 0;
};
/// What a kernel does in one call. `touched` is what must have been read or written since these bytes were last used, so
/// which decides in which level they still lie.
struct Traffic {
  double read = 0, written = 0, touched = 0;
};
/// The level that bytes come from when so many others were touched since.
const MemoryLevel& level_of(const MachineSpeed& speed, double touched);
/// Seconds for the traffic: writes and as many reads at the speed of copying, other reads at the speed of reading.
double seconds_of(const MemoryLevel& level, const Traffic& traffic);
/// The longest of computing `operations` and of moving each traffic, all of which a perfect kernel does at the same time,
/// but traffic to the same level adds up.
Bound bound_of(const MachineSpeed& speed, double operations, std::initializer_list<Traffic> traffic);

}  // namespace cnnc::runtime
