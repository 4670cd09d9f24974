// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Three sources of candidates, in turn.
#include "tune/search.h"

#include <algorithm>

namespace cnnc {
namespace {

// Of a larger space the part around the rule's schedule is searched.
constexpr size_t kSpace = 1500;

void sort_by_cost(std::vector<Schedule>& schedules, const KernelSpace& space) {
  std::vector<std::pair<double, Schedule>> costs;
  for (Schedule& schedule : schedules) costs.emplace_back(space.expected_cost(schedule), std::move(schedule));
  std::stable_sort(costs.begin(), costs.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  schedules.clear();
  for (auto& [cost, schedule] : costs) schedules.push_back(std::move(schedule));
}

}  // namespace

KernelSearch::KernelSearch(const KernelSpace& space, uint64_t key, const Schedule& best) : space_(space), random_(key) {
  all_ = space.around(best, kSpace);
  sort_by_cost(all_, space);
  moved_to(best);
}

void KernelSearch::moved_to(const Schedule& best) {
  tried_.insert(to_string(best));
  near_ = space_.neighbours(best);
  sort_by_cost(near_, space_);
}

bool KernelSearch::take(const Schedule& schedule, std::vector<Schedule>& taken) {
  if (!tried_.insert(to_string(schedule)).second) return false;
  taken.push_back(schedule);
  ++given_;
  return true;
}

std::vector<Schedule> KernelSearch::next(size_t count) {
  std::vector<Schedule> taken;
  const auto first_of = [&](std::vector<Schedule>& from) {
    while (!from.empty()) {
      const Schedule schedule = from.front();
      from.erase(from.begin());
      if (take(schedule, taken)) return true;
    }
    return false;
  };
  const auto any_of = [&](std::vector<Schedule>& from) {
    while (!from.empty()) {
      // The smaller of two draws: promising ones are drawn more often.
      const auto place = static_cast<std::ptrdiff_t>(std::min(random_.below(from.size()), random_.below(from.size())));
      const Schedule schedule = from[static_cast<size_t>(place)];
      from.erase(from.begin() + place);
      if (take(schedule, taken)) return true;
    }
    return false;
  };
  // Neighbours are half of what is tried.
  while (taken.size() < count) {
    const size_t turn = given_ % 4;
    const bool found = turn == 1 ? first_of(all_) : turn == 3 ? any_of(all_) : any_of(near_);
    if (!found && !any_of(near_) && !first_of(all_)) break;
  }
  return taken;
}

}  // namespace cnnc
