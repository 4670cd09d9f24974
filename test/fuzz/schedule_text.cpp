// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as a schedule file: refused at a place inside the text, or stanzas that hold together, whose canonical text reads back
// as the same stanzas.
#include <algorithm>

#include "report.h"
#include "schedule/schedule_file.h"
#include "schedule/weight_layouts.h"
#include "target.h"

namespace cnnc::fuzz {
namespace {

bool is_layout(const Schedule& weights) {
  for (const Template& layout : all_weight_layouts())
    if (layout.name == weights.name)
      return layout.parameters.size() == weights.parameters.size() && std::all_of(layout.parameters.begin(), layout.parameters.end(), [&](const auto& parameter) {
               const auto found = weights.parameters.find(parameter.name);
               return found != weights.parameters.end() && found->second >= parameter.least && found->second <= parameter.most;
             });
  return false;
}

/// The canonical text, or nothing where the text is refused.
std::string printed(std::string_view text) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const ScheduleFile file = read_schedule_file(sources, sources.add("f.schedule", std::string(text)), diagnostics);
  for (const auto& [key, stanza] : file.stanzas()) {
    if (stanza.kind == StanzaKind::Kernel) {
      require(!check_schedule(stanza.schedule), "a schedule that was read has the template's parameters");
    } else {
      require(is_layout(stanza.schedule), "a layout that was read has the parameters of the table");
    }
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
