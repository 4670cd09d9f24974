// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One step: gradients → check → clip → update by groups of weights → statistics → check. Weights, moments and statistics are
// written in the last stage only, which nothing interrupts: before it a stop abandons the step without a trace. Allocates nothing.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/program/model.h"
#include "runtime/program/session.h"

namespace cnnc::runtime {

/// What a step is told.
struct StepInput {
  int64_t batch = 0;     // images in the columns
  int64_t step = 0;      // counted from 1
  int64_t epoch = 0;     // counted from 0
  double rate = 0;
  bool update = true;    // false: only the gradients
};

/// NotFinite: the loss, a gradient or a statistic, and then nothing is written; or else a weight or moment after the update.
enum class StepOutcome { Done, Stopped, NotFinite };

class TrainingStep {
 public:
  TrainingStep(const Session& session, Model& model);

  void reserve(Arena& arena, int64_t batch);
  /// After the arena is allocated.
  void connect(void* workspace);
  /// The columns to be filled before `run`.
  FunctionCall& gradients() { return gradients_; }
  StepOutcome run(const StepInput& input);

  /// Of the last step: the batch's mean loss before the update, and the sum of a metric over the batch (0 where it has none).
  double mean_loss() const { return mean_loss_; }
  double metric_sum(int32_t column) const;
  /// The norm of all gradients, before clipping.
  double gradient_norm() const { return gradient_norm_; }
  /// Bytes of workspace for a batch.
  static uint64_t workspace(const cnn_recipe& recipe, const cnn_program& program, int64_t batch);

 private:
  /// Elements [begin, end) of the flat buffers that are updated with one decay.
  struct Range {
    int64_t begin = 0, end = 0;
    double decay = 0;
  };
  std::vector<Range> update_ranges() const;
  double sum_of_squares();
  bool updated_is_finite();
  void update(const StepInput& input, double scale);
  void update_range(const Range& range);

  const Session& session_;
  Model& model_;
  const cnn_recipe& recipe_;
  FunctionCall gradients_, update_;
  std::vector<Range> ranges_;
  std::vector<Range> pieces_;       // all weights without the gaps between them, in pieces of bounded size
  std::vector<double> partial_sums_;
  std::vector<std::byte> beyond_;   // what stands behind a range, while the update writes over it
  void* workspace_ = nullptr;
  int64_t batch_ = 0;
  double mean_loss_ = 0, gradient_norm_ = 0;
};

}  // namespace cnnc::runtime
