// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as a file of `cnnc machine`: refused at a place inside the text, or a machine whose text reads back as the same one.
#include "report.h"
#include "schedule/machine.h"
#include "target.h"

namespace cnnc::fuzz {
namespace {

/// The text of the machine, or nothing where it is refused.
std::string printed(std::string_view text) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const std::optional<Machine> machine = read_machine_file(sources, sources.add("m.json", std::string(text)), diagnostics);
  require(machine.has_value() != refused(diagnostics), "a machine is read, or refused");
  if (!machine) return {};
  require(find_target(machine->target) != nullptr, "a machine that was read has a target");
  require(target_of(host_target(), *machine).peak_gflops > 0, "a machine that was read computes something");
  return to_string(*machine);
}

}  // namespace

bool machine_text(Bytes bytes) {
  const std::string once = printed(text_of(bytes));
  if (once.empty()) return false;
  require(printed(once) == once, "what is written of a machine reads back");
  return true;
}

}  // namespace cnnc::fuzz
