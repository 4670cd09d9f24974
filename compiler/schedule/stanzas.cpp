// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Schedule files and plans: stanzas → schedules of kernels, and back; what could not be used; the canonical text.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "schedule/legal.h"
#include "schedule/schedule_file.h"
#include "support/text.h"

namespace cnnc {
namespace {

/// Warnings of one kind that are told one by one: a file for many networks has many stanzas that one of them lacks.
constexpr size_t kMostWarnings = 5;

std::vector<const Stanza*> sorted(const ScheduleFile& file) {
  std::vector<const Stanza*> result;
  for (const auto& [key, stanza] : file.stanzas()) result.push_back(&stanza);
  // Equal words keep the order of hashes and targets.
  std::stable_sort(result.begin(), result.end(), [](const Stanza* a, const Stanza* b) {
    return std::tie(a->kind, a->key.words) < std::tie(b->kind, b->key.words);
  });
  return result;
}

/// The error of a stanza that was refused stands at the value of the parameter that the complaint names first, where it names
/// one that the stanza gives.
Diagnostic& refuse(const Stanza& stanza, const std::string& complaint, Diagnostics& diagnostics) {
  const size_t end = complaint.find('`', 1);
  const std::string subject = complaint.substr(1, end == std::string::npos ? 0 : end - 1);
  const auto given = stanza.parameter_ranges.find(subject);
  if (given != stanza.parameter_ranges.end()) return diagnostics.error(DiagnosticKind::BadSchedule, given->second, complaint);
  Diagnostic& error = diagnostics.error(DiagnosticKind::BadSchedule, stanza.template_range, complaint);
  if (stanza.schedule.parameters.contains(subject)) error.note(fmt::format("the stanza does not give `{}`; this is its default", subject));
  return error;
}

std::string_view subject(const Stanza& stanza) { return stanza.kind == StanzaKind::Layout ? "convolution" : "kernel"; }

/// One warning for each of the first stanzas, in the order of the file.
void warn(std::vector<const Stanza*> unused, Diagnostics& diagnostics, const auto& message) {
  std::sort(unused.begin(), unused.end(), [](const Stanza* a, const Stanza* b) { return a->range.begin < b->range.begin; });
  for (size_t i = 0; i < std::min(unused.size(), kMostWarnings); ++i) {
    Diagnostic& warning = diagnostics.warning(DiagnosticKind::UnusedSchedule, unused[i]->range, message(*unused[i]));
    if (i + 1 == kMostWarnings && unused.size() > kMostWarnings)
      warning.note(fmt::format("so it is with {} of this file", count_of(unused.size() - kMostWarnings, "other stanza")));
  }
}

}  // namespace

void use_stanza(const ScheduleFile& file, const LegalSchedules& legal, const Target& target, Kernel& kernel) {
  const Stanza* stanza = file.find(StanzaKind::Kernel, kernel.key.hash, target.name);
  if (!stanza) return;
  const auto complaint = legal.complaint(kernel, stanza->schedule);
  kernel.refused = complaint.value_or("");
  kernel.from_stanza = !complaint;
  if (!complaint) kernel.schedule = stanza->schedule;
}

void report_stanzas(const ScheduleFile& file, const ModulePlan& plan, Diagnostics& diagnostics) {
  std::set<const Stanza*> met;
  const auto meet = [&](StanzaKind kind, const KernelKey& key, const std::string& refused, const std::string& whose) {
    const Stanza* stanza = file.find(kind, key.hash, plan.target->name);
    if (!stanza || !met.insert(stanza).second || refused.empty()) return;
    refuse(*stanza, refused, diagnostics).note("for " + whose, stanza->range);
  };
  for (const FunctionPlan& function : plan.functions) {
    const std::string& name = function.function->name;
    for (const WeightsChoice& choice : function.weights_choices)
      meet(StanzaKind::Layout, choice.key, choice.refused, fmt::format("the weights of {} in `{}`", choice.label, name));
    for (const Kernel& kernel : function.kernels)
      meet(StanzaKind::Kernel, kernel.key, kernel.refused, fmt::format("kernel {} of `{}`, {}", kernel.name, name, kernel.label));
  }
  std::vector<const Stanza*> stale, foreign;
  bool has_own = false;
  for (const auto& [key, stanza] : file.stanzas()) {
    const bool is_own = stanza.target == plan.target->name;
    has_own |= is_own;
    if (!is_own) foreign.push_back(&stanza);
    if (is_own && !met.contains(&stanza)) stale.push_back(&stanza);
  }
  warn(stale, diagnostics, [](const Stanza& s) { return fmt::format("this network has no {} `{}`", subject(s), abbreviate(s.key.words, 100)); });
  // A file may serve several targets; one that has nothing for this one is probably not the file that was meant.
  if (has_own) return;
  warn(foreign, diagnostics, [&](const Stanza& s) {
    return fmt::format("this schedule is for `{}`, not for `{}`: it is not used for {} `{}`", s.target, plan.target->name, subject(s), abbreviate(s.key.words, 100));
  });
}

ScheduleFile schedules_in_force(const ModulePlan& plan, const ScheduleFile* given) {
  ScheduleFile file;
  const auto add = [&](StanzaKind kind, const KernelKey& key, const Schedule& schedule) {
    Stanza stanza;
    stanza.kind = kind;
    stanza.key = key;
    stanza.target = plan.target->name;
    stanza.schedule = schedule;
    const Stanza* measured = given ? given->find(kind, key.hash, stanza.target) : nullptr;
    if (measured && measured->schedule == stanza.schedule) stanza.microseconds = measured->microseconds, stanza.date = measured->date;
    file.add(std::move(stanza));
  };
  for (const FunctionPlan& function : plan.functions) {
    for (const WeightsChoice& choice : function.weights_choices) add(StanzaKind::Layout, choice.key, choice.weights);
    for (const Kernel& kernel : function.kernels) add(StanzaKind::Kernel, kernel.key, kernel.schedule);
  }
  if (!given) return file;
  for (const auto& [key, stanza] : given->stanzas())
    if (stanza.target != plan.target->name) file.add(stanza);
  return file;
}

std::string to_string(const ScheduleFile& file) {
  std::string text = "# Schedules of kernels, for `cnnc build --schedule=THIS_FILE`; `cnnc templates` explains them.\n";
  for (const Stanza* stanza : sorted(file)) {
    const bool is_layout = stanza->kind == StanzaKind::Layout;
    text += fmt::format("\n{} \"{}\" {:016x} {{\n  target   = {}\n  {} = {}\n", is_layout ? "layout" : "kernel", stanza->key.words, stanza->key.hash,
                        stanza->target, is_layout ? "weights " : "template", to_string(stanza->schedule));
    if (stanza->microseconds > 0) text += fmt::format("  time     = {:.2f} us\n", stanza->microseconds);
    if (!stanza->date.empty()) text += fmt::format("  date     = {}\n", stanza->date);
    text += "}\n";
  }
  return text;
}

}  // namespace cnnc
