// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random legal schedules: parameters are drawn one after another until `legal` has nothing to say against them.
#include "schedule/vary.h"

#include <fmt/format.h>

#include <algorithm>

#include "schedule/templates.h"

namespace cnnc {
namespace {

/// splitmix64 (Steele, Lea, Flood, Fast splittable pseudorandom number generators, 2014).
class Random {
 public:
  explicit Random(uint64_t state) : state_(state) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  int64_t below(int64_t count) { return static_cast<int64_t>(next() % static_cast<uint64_t>(count)); }

 private:
  uint64_t state_;
};

/// Small numbers are as likely as large ones; most parameters are of the size of a tile, some of an image.
int64_t draw(Random& random, const TemplateParameter& parameter) {
  constexpr int64_t kMost = 64;
  const int64_t most = std::min(parameter.most, kMost), bits = 1 + random.below(7);
  return std::clamp(random.below(int64_t{1} << bits), parameter.least, std::max(parameter.least, most));
}

}  // namespace

uint64_t varied_choice(uint64_t variation, std::string_view about, uint64_t count) { return Random(variation ^ stable_hash(about)).next() % count; }

Schedule varied_schedule(const LegalSchedules& legal, const Kernel& kernel, uint64_t variation) {
  const std::vector<std::string_view> templates = legal.templates(kernel);
  Random random(variation ^ stable_hash(kernel.signature));
  // The template made for the kernel is the one with the most to vary.
  const std::string_view name = random.below(4) > 0 ? templates[0] : templates[static_cast<size_t>(random.below(static_cast<int64_t>(templates.size())))];
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
