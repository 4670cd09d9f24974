// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random legal schedules: parameters are drawn one after another until `legal` has nothing to say against them.
#include "schedule/vary.h"

#include <fmt/format.h>

#include <algorithm>

#include "schedule/templates.h"
#include "support/random.h"

namespace cnnc {
namespace {

/// Small numbers are as likely as large ones; most parameters are of the size of a tile, some of an image.
int64_t draw(SplitMix64& random, const TemplateParameter& parameter) {
  constexpr int64_t kMost = 64;
  const int64_t most = std::min(parameter.most, kMost), bits = 1 + static_cast<int64_t>(random.below(7));
  return std::clamp(static_cast<int64_t>(random.below(uint64_t{1} << bits)), parameter.least, std::max(parameter.least, most));
}

}  // namespace

uint64_t varied_choice(uint64_t variation, std::string_view about, uint64_t count) { return SplitMix64(variation ^ stable_hash(about)).below(count); }

Schedule varied_schedule(const LegalSchedules& legal, const Kernel& kernel, uint64_t variation) {
  const std::vector<std::string_view> templates = legal.templates(kernel);
  SplitMix64 random(variation ^ stable_hash(kernel.signature));
  // The template made for the kernel is the one with the most to vary.
  const std::string_view name = random.below(4) > 0 ? templates[0] : templates[random.below(templates.size())];
  Schedule schedule = kernel.schedule;
  if (name != schedule.name) {
    schedule = {std::string(name), {}};
    for (const TemplateParameter& parameter : find_template(name)->parameters) schedule.parameters[std::string(parameter.name)] = parameter.least;
  }
  // From a legal schedule, or the smallest one, in many small steps; a step that is not legal is not taken.
  constexpr int kSteps = 200;
  bool is_legal = !legal.complaint(kernel, schedule);
  for (int step = 0; step < kSteps; ++step) {
    Schedule next = schedule;
    for (const TemplateParameter& parameter : find_template(name)->parameters)
      if (random.below(3) == 0) next.parameters[std::string(parameter.name)] = draw(random, parameter);
    const bool next_is_legal = !legal.complaint(kernel, next);
    if (next_is_legal || !is_legal) schedule = std::move(next), is_legal = next_is_legal;
  }
  return is_legal ? schedule : kernel.schedule;
}

}  // namespace cnnc
