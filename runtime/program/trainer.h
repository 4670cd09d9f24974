// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The training loop: epochs, batches, log, checkpoints, signals. What it writes is a function of program, data, settings and
// seed alone: neither threads nor stopping and resuming change a bit. Tests: test/runtime/program.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/program/batch_reader.h"
#include "runtime/program/checkpoint.h"
#include "runtime/program/dataset.h"
#include "runtime/program/evaluation.h"
#include "runtime/program/model.h"
#include "runtime/program/progress.h"
#include "runtime/program/schedule.h"
#include "runtime/program/session.h"
#include "runtime/program/training_log.h"
#include "runtime/program/training_step.h"

namespace cnnc::runtime {

struct TrainOptions {
  std::string data, weights, save, log;
  std::string checkpoint;          // where checkpoints go
  std::string resume;              // the checkpoint to go on from; empty: start anew
  bool no_shuffle = false, no_augment = false, overfit = false, quiet = false;
};

class Trainer {
 public:
  /// Loads data, takes all memory, sets the first weights. Throws Failure and FormatError.
  Trainer(Session& session, TrainOptions options);
  /// Trains to the end or to a signal; returns the exit status.
  int run();
  /// Trains on the first batch until its loss is near zero; returns the exit status.
  int overfit();

 private:
  enum class EpochEnd { Done, Stopped };
  void allocate();
  void start_weights();
  /// Ends with an error where weights, statistics or moments are not finite; `origin` says where they come from.
  void require_finite_start(const std::string& origin) const;
  EpochEnd train_epoch();
  void after_step(int64_t batches);
  bool measure();
  /// Whether it was written; where not, that is said, with `help`.
  bool save_checkpoint(const std::string& help);
  [[noreturn]] void stop_not_finite(double rate, std::span<const uint32_t> samples);
  int leave_on_signal();
  int finish();
  void save_weights() const;
  void tell_checkpoint() const;
  EpochNumbers epoch_numbers(int64_t batches) const;
  TrainingIdentity identity() const;
  int64_t batches_per_epoch() const;
  std::span<const uint32_t> batch_samples(int64_t batch);
  BatchAugmentation augmentation() const;

  Session& session_;
  TrainOptions options_;
  const cnn_recipe& recipe_;
  Dataset data_;
  int64_t batch_ = 1;
  bool drops_last_ = false;
  Model model_;
  TrainingStep step_;
  Evaluation evaluation_;
  std::unique_ptr<Arena> arena_;
  void* workspace_ = nullptr;
  std::vector<uint32_t> order_, samples_;   // of this epoch; of this batch
  TrainingPosition position_;
  formats::Rotation rotation_ = formats::Rotation::kKeepPrevious;   // of the next checkpoint
  RateSchedule rates_;
  std::unique_ptr<BatchReader> reader_;
  std::unique_ptr<TrainingLog> log_;
  std::unique_ptr<ProgressDisplay> progress_;
  std::optional<Measurement> measured_;
  bool checkpoint_written_ = false;
  int32_t accuracy_ = -1;                    // the column of the metric, or -1
};

}  // namespace cnnc::runtime
