// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as a schedule file: refused at a place inside the text, or stanzas that hold together, whose canonical text reads back
// as the same stanzas.
#include "report.h"
#include "schedule/schedule_file.h"
#include "schedule/templates.h"
#include "target.h"

namespace cnnc::fuzz {
namespace {

/// The canonical text, or nothing where the text is refused.
std::string printed(std::string_view text) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const ScheduleFile file = read_schedule_file(sources, sources.add("f.schedule", std::string(text)), diagnostics);
  for (const auto& [key, stanza] : file.stanzas()) {
    require(!check_schedule(stanza.schedule), "a schedule that was read has the template's parameters");
    require(find_target(stanza.target) != nullptr, "a stanza that was read has a target");
  }
  return refused(diagnostics) ? std::string() : to_string(file);
}

}  // namespace

bool schedule_text(Bytes bytes) {
  const std::string once = printed(text_of(bytes));
  if (once.empty()) return false;
  require(printed(once) == once, "a file's canonical text reads back");
  return true;
}

}  // namespace cnnc::fuzz
