// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The schedules that the kernels of a planned function may have, for who searches among them. Tests: test/tune/machine.cpp
#pragma once
#include <memory>
#include <vector>

#include "schedule/plan.h"

namespace cnnc {

class ScheduleSpace {
 public:
  /// The plan was made without PlanOptions::plain, and outlives this.
  ScheduleSpace(const FunctionPlan& plan, const Target& target);
  ~ScheduleSpace();
  ScheduleSpace(const ScheduleSpace&) = delete;
  ScheduleSpace& operator=(const ScheduleSpace&) = delete;

  bool is_legal(const Kernel& kernel, const Schedule& schedule) const;
  /// Legal schedules of the same template that differ in one parameter.
  std::vector<Schedule> neighbours(const Kernel& kernel, const Schedule& schedule) const;
  /// The legal schedules that are reached from the given one by changing one parameter after the other, with itself: all of them if
  /// they are at most `most`, else the nearest. Of other templates only the one made for the kernel is here, if that is its own.
  std::vector<Schedule> around(const Kernel& kernel, const Schedule& schedule, size_t most) const;
  /// Work that a tile wastes and loads that it needs, as the rules weigh them: smaller is better; only the order means something.
  double expected_cost(const Kernel& kernel, const Schedule& schedule) const;
  /// The kernel with another schedule, and the signature that it has then.
  Kernel with_schedule(const Kernel& kernel, const Schedule& schedule) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace cnnc
