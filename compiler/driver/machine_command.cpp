// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `cnnc machine`: measures what this machine can do (runtime/machine) and prints it, or writes the file that `--machine` reads
// (schedule/machine.h). Tests: test/driver/machine.test.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "driver/exit_status.h"
#include "driver/source_input.h"
#include "driver/subcommand.h"
#include "runtime/formats/error.h"
#include "runtime/formats/whole_file.h"
#include "runtime/machine/machine_speed.h"
#include "schedule/machine.h"
#include "support/check.h"
#include "support/text.h"

namespace cnnc {
namespace {

constexpr double kGiga = 1e-9;

struct MachineCommand {
  std::string output, target = "host";
  int threads = 0;
};

/// The best figures of some measurements: what disturbs one only makes it slower.
runtime::MachineSpeed measure(int threads, runtime::VectorSet vectors) {
  constexpr int kRepeats = 3;
  runtime::MachineSpeed speed = runtime::measure_speed(threads, vectors);
  for (int i = 1; i < kRepeats; ++i) speed = runtime::better_of(speed, runtime::measure_speed(threads, vectors));
  return speed;
}

Machine measured_machine(const Target& target, int threads) {
  const auto vectors = runtime::vector_set(target.name);
  CNNC_CHECK(vectors, "a target has no vectors to measure");
  const runtime::MachineSpeed one = measure(1, *vectors), all = threads > 1 ? measure(threads, *vectors) : one;
  const auto speeds = [](double one_core, double all_cores) { return CoreSpeeds{one_core * kGiga, all_cores * kGiga}; };
  Machine machine;
  machine.processor = runtime::processor_name();
  machine.target = target.name;
  machine.cores = threads;
  machine.gigahertz = runtime::measure_frequency() * kGiga;
  machine.peak_gflops = speeds(one.peak, all.peak);
  for (size_t i = 0; i < machine.levels.size(); ++i) {
    const bool is_memory = i + 1 == machine.levels.size();
    machine.levels[i] = {is_memory ? 0 : one.levels[i].capacity, speeds(one.levels[i].read, all.levels[i].read), speeds(one.levels[i].copy, all.levels[i].copy)};
  }
  return machine;
}

/// Whether everything could be measured: threads and memory may be refused.
bool is_whole(const Machine& machine) {
  const auto is_known = [](const CoreSpeeds& speeds) { return speeds.one_core > 0 && speeds.all_cores > 0; };
  return is_known(machine.peak_gflops) &&
         std::all_of(machine.levels.begin(), machine.levels.end(), [&](const MachineLevel& level) { return is_known(level.read_gbs) && is_known(level.copy_gbs); });
}

std::string size_text(int64_t bytes) {
  constexpr int64_t kMega = 1 << 20;
  if (bytes == 0) return {};
  return bytes >= kMega && bytes % kMega == 0 ? fmt::format("{} MB", bytes >> 20) : fmt::format("{} KB", bytes >> 10);
}

void print_table(const Machine& machine, const Target& target) {
  fmt::print("processor      {}\n", escape_control(machine.processor));
  fmt::print("target         {}: {} registers of {} bytes\n", target.name, target.vector_registers, target.vector_bytes);
  fmt::print("cores          {}, at {:.2f} GHz\n", machine.cores, machine.gigahertz);
  constexpr double kOperations = 2;   // a multiply-add
  fmt::print("multiply-adds  {:.1f} a cycle in f32: {:.1f} GFLOP/s on one core, {:.1f} on all\n\n", machine.peak_gflops.one_core / kOperations / machine.gigahertz,
             machine.peak_gflops.one_core, machine.peak_gflops.all_cores);
  fmt::print("{:<8} {:>10} {:>14} {:>14} {:>14} {:>14}\n", "GB/s", "size", "read, 1 core", "copy, 1 core", "read, all", "copy, all");
  for (size_t i = 0; i < machine.levels.size(); ++i) {
    const MachineLevel& level = machine.levels[i];
    fmt::print("{:<8} {:>10} {:>14.1f} {:>14.1f} {:>14.1f} {:>14.1f}\n", kMachineLevels[i], size_text(level.bytes), level.read_gbs.one_core, level.copy_gbs.one_core,
               level.read_gbs.all_cores, level.copy_gbs.all_cores);
  }
}

int usage_error(const std::string& message) {
  print_error(escape_control(message));
  fmt::print(stderr, "`cnnc machine --help` tells more\n");
  return kUsageWrong;
}

int run_machine(const MachineCommand& command) {
  const Target* target = command.target == "host" ? &host_target() : find_target(command.target);
  if (!target) {
    std::vector<std::string> names;
    for (const Target& known : all_targets()) names.emplace_back(known.name);
    return usage_error(fmt::format("there is no target `{}`; there are host, {}", command.target, fmt::join(names, ", ")));
  }
  // The table has the best ones first.
  if (target < &host_target()) return usage_error(fmt::format("this processor has no `{}`; its best target is `{}`", target->name, host_target().name));
  const Machine machine = measured_machine(*target, command.threads > 0 ? command.threads : runtime::usable_processors());
  if (!is_whole(machine)) {
    print_error("the machine cannot be measured: the system gives too little memory, or too few threads");
    return kInputWrong;
  }
  if (command.output == "-") {
    fmt::print("{}", to_string(machine));
    return kDone;
  }
  print_table(machine, *target);
  if (command.output.empty()) return kDone;
  try {
    formats::write_file(command.output, to_string(machine));
  } catch (const formats::FormatError& error) {
    print_error(error.what());
    return kInputWrong;
  }
  return kDone;
}

}  // namespace

Subcommand machine_subcommand() {
  return {"machine", "measure what this machine can do",
          "  cnnc machine                       prints peak, caches and bandwidths, in a few seconds\n"
          "  cnnc machine -o here.json          writes them too\n"
          "  cnnc build lenet.cnn --machine=here.json   chooses schedules for this machine\n"
          "Nothing else should run meanwhile. A build depends on the file that it is given, never on a measurement of its own.\n",
          [](CLI::App& app) -> Action {
            const auto command = std::make_shared<MachineCommand>();
            app.add_option("-o,--output", command->output, "a file to write, as JSON; `-` prints it instead of the table");
            app.add_option("--target", command->target, "whose vectors are measured: host (default), or a target that this processor can run");
            app.add_option("--threads", command->threads, "how many threads `all cores` are (default: the processors that this process may use)")->check(CLI::Range(1, 1024));
            return [command] { return run_machine(*command); };
          }};
}

}  // namespace cnnc
