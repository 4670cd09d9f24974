// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Learning-rate schedules in closed form, so that a resumed run continues exactly.
#include "runtime/program/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cnnc::runtime {

using settings::ScheduleKind;

int64_t in_steps(const settings::Duration& duration, int64_t steps_per_epoch) {
  return std::llround(duration.amount * (duration.in_steps ? 1.0 : static_cast<double>(steps_per_epoch)));
}

double RateSchedule::at(int64_t step) const {
  if (step < warmup_steps) return rate * static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  switch (schedule.kind) {
    case ScheduleKind::Constant: return rate;
    case ScheduleKind::Step: {
      const int64_t every = std::max<int64_t>(1, in_steps(schedule.every, steps_per_epoch));
      return rate * std::pow(schedule.factor, static_cast<double>(step / every));
    }
    case ScheduleKind::Cosine: {
      const double t = static_cast<double>(step - warmup_steps);
      const double all = static_cast<double>(std::max<int64_t>(1, total_steps - warmup_steps));
      const double share = std::min(1.0, t / all);
      return schedule.minimum + (rate - schedule.minimum) * (1 + std::cos(std::numbers::pi * share)) / 2;
    }
    case ScheduleKind::Multistep: {
      int passed = 0;
      for (const settings::Duration& at : schedule.at) passed += step >= in_steps(at, steps_per_epoch);
      return rate * std::pow(schedule.factor, passed);
    }
    case ScheduleKind::Exponential:
      return rate * std::pow(schedule.factor, static_cast<double>(step) / static_cast<double>(steps_per_epoch));
  }
  return rate;
}

}  // namespace cnnc::runtime
