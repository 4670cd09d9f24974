// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reads the flags of the first processor in /proc/cpuinfo.
#include "runtime/program/processor.h"

#include <string>

#include "runtime/program/failure.h"
#include "runtime/program/system_file.h"
#include "runtime/settings/words.h"

namespace cnnc::runtime {
namespace {

/// " fpu vme … " with a blank around each flag; empty where it cannot be read.
std::string processor_flags() {
  const std::string line = line_after(read_system_file("/proc/cpuinfo"), "flags");
  return line.empty() ? line : line.substr(line.find(':') + 1) + " ";
}

}  // namespace

void check_processor(const cnn_program& program) {
  if (program.required_feature_count == 0) return;
  const std::string flags = processor_flags();
  if (flags.empty()) return;
  std::vector<std::string> missing;
  for (int32_t i = 0; i < program.required_feature_count; ++i)
    if (flags.find(" " + std::string(program.required_features[i]) + " ") == std::string::npos) missing.emplace_back(program.required_features[i]);
  if (!missing.empty())
    fail("this processor lacks " + settings::join_choices(missing, "and") + ", which the program was built for (" + program.target + ")",
         "build it for this machine: `cnnc build --target=…` without these");
}

}  // namespace cnnc::runtime
