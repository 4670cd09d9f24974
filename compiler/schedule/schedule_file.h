// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Schedule files: the schedules of single kernels as a text that people read, edit and keep in a repository (docs/schedules.md).
// A stanza names a kernel by what it computes and in which layouts, so that it serves every network that has this kernel. Read
// without a network; whether a stanza is legal for its kernel is found when a plan is made with it (PlanOptions::stanzas).
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "schedule/plan.h"
#include "support/diagnostic.h"

namespace cnnc {

enum class StanzaKind : uint8_t {
  Layout,      // the layout of a convolution's weights (weight_layouts.h)
  Kernel,      // the template of a kernel
};

/// The schedule of one kernel on one target, or the layout of the weights of one convolution.
struct Stanza {
  StanzaKind kind = StanzaKind::Kernel;
  KernelKey key;
  std::string target;
  Schedule schedule;                    // one that check_schedule has nothing to say against
  double microseconds = 0;              // of one run, as measured; 0: not measured
  std::string date;                     // of the measurement, "2026-11-25"; may be empty
  // Places in the file, invalid where the stanza comes from elsewhere.
  SourceRange range, target_range, template_range;
  std::map<std::string, SourceRange, std::less<>> parameter_ranges;   // of the values
};

/// The stanzas of a file: at most one of a kind for a kernel and target.
class ScheduleFile {
 public:
  /// Whether it was added: false where there is one for this kernel and target.
  bool add(Stanza stanza) { return stanzas_.try_emplace({stanza.kind, stanza.key.hash, stanza.target}, std::move(stanza)).second; }
  const Stanza* find(StanzaKind kind, uint64_t key, std::string_view target) const {
    const auto found = stanzas_.find(std::tuple(kind, key, std::string(target)));
    return found == stanzas_.end() ? nullptr : &found->second;
  }
  const auto& stanzas() const { return stanzas_; }

 private:
  std::map<std::tuple<StanzaKind, uint64_t, std::string>, Stanza> stanzas_;
};

/// The text of a source as a schedule file. Errors are reported; what is erroneous is left out.
ScheduleFile read_schedule_file(const SourceManager& sources, int32_t source, Diagnostics& diagnostics);

/// The canonical text: first layouts, then kernels, sorted by what they compute. It reads back as the same stanzas.
std::string to_string(const ScheduleFile& file);

/// Reports which stanzas the plan, made with them, could not use: illegal ones are errors, unused ones are warnings.
void report_stanzas(const ScheduleFile& file, const ModulePlan& plan, Diagnostics& diagnostics);

/// The schedules that a plan has, as a file. Of `given` (may be null) it keeps the measurements of schedules that are in force,
/// and all stanzas of other targets.
ScheduleFile schedules_in_force(const ModulePlan& plan, const ScheduleFile* given);

}  // namespace cnnc
