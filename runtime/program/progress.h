// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What training shows on standard error: a bar on a terminal, else a plain line an epoch; nothing when quiet.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

#include "runtime/program/evaluation.h"

namespace cnnc::runtime {

/// The training side of an epoch so far.
struct EpochNumbers {
  int64_t epoch = 0, epochs = 0;      // counted from 1
  int64_t batch = 0, batches = 0;
  int64_t samples = 0;
  double loss = 0, accuracy = 0;      // means
  bool has_accuracy = false;
};

class ProgressDisplay {
 public:
  ProgressDisplay(bool quiet, int64_t batches_to_do);
  /// After a step: redraws the bar at most ten times a second.
  void step(const EpochNumbers& numbers, int64_t images);
  /// After an epoch. `measured` may be null; `name` is its part's name.
  void epoch(const EpochNumbers& numbers, const std::string& name, const Measurement* measured);
  /// Wipes the bar.
  void wipe();

 private:
  using Clock = std::chrono::steady_clock;
  double images_per_second() const;
  double seconds_left() const;
  bool quiet_, terminal_;
  int64_t batches_to_do_, batches_done_ = 0;
  Clock::time_point begin_ = Clock::now(), drawn_{}, epoch_begin_ = Clock::now(), last_step_{};
  int64_t epoch_images_ = 0;
};

}  // namespace cnnc::runtime
