// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The learning rate of each step. Tests: test/runtime/program.
#pragma once
#include <cstdint>

#include "runtime/settings/recipe.h"

namespace cnnc::runtime {

struct RateSchedule {
  settings::ScheduleSetting schedule;
  double rate = 0.01;
  int64_t warmup_steps = 0;
  int64_t steps_per_epoch = 1;
  int64_t total_steps = 1;

  /// The rate of a step, counted from 0. Warm-up step k of W (from 1) has rate * k / W.
  double at(int64_t step) const;
};

/// A length of time in steps, rounded to the nearest.
int64_t in_steps(const settings::Duration& duration, int64_t steps_per_epoch);

}  // namespace cnnc::runtime
