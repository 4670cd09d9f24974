// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A training step on flat buffers.
#include "runtime/program/training_step.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "runtime/program/failure.h"

namespace cnnc::runtime {
namespace {

constexpr int64_t kElementsPerPiece = 1 << 14;
constexpr double kClipEpsilon = 1e-6;

/// Whether all numbers are finite. Compared as integers, which compilers turn into vectors.
template <typename Float>
bool all_finite(const Float* values, int64_t count) {
  using Word = std::conditional_t<sizeof(Float) == 4, int32_t, int64_t>;
  constexpr Word kMagnitude = std::numeric_limits<Word>::max();
  Word largest = 0;
  for (int64_t i = 0; i < count; ++i) largest = std::max<Word>(largest, std::bit_cast<Word>(values[i]) & kMagnitude);
  return largest < std::bit_cast<Word>(std::numeric_limits<Float>::infinity());
}

bool stop_requested(const cnn_context& context) { return context.stop && *context.stop != 0; }

}  // namespace

TrainingStep::TrainingStep(const Session& session, Model& model)
    : session_(session), model_(model), recipe_(*session.recipe), gradients_(*recipe_.gradients), update_(*recipe_.update) {
  ranges_ = update_ranges();
  for (const cnn_tensor& tensor : model.weight_tensors())
    for (int64_t begin = 0; begin < tensor.elements; begin += kElementsPerPiece)
      pieces_.push_back({tensor.offset + begin, tensor.offset + std::min(tensor.elements, begin + kElementsPerPiece), 0});
  partial_sums_.resize(pieces_.size());
  const size_t group = static_cast<size_t>(update_.function().group) * element_bytes(model.program->element);
  beyond_.resize(group * static_cast<size_t>(1 + recipe_.moment_count));
}

/// Neighbours with equal decay are one range: without `no_decay`, all weights are.
std::vector<TrainingStep::Range> TrainingStep::update_ranges() const {
  const settings::OptimizerSetting& optimizer = session_.settings.optimizer;
  std::vector<Range> out;
  for (const cnn_tensor& tensor : model_.weight_tensors()) {
    const bool spared = std::find(optimizer.no_decay.begin(), optimizer.no_decay.end(), tensor.group) != optimizer.no_decay.end();
    const double decay = spared ? 0 : optimizer.decay;
    if (!out.empty() && out.back().decay == decay) out.back().end = tensor.offset + tensor.elements;
    else out.push_back({tensor.offset, tensor.offset + tensor.elements, decay});
  }
  return out;
}

uint64_t TrainingStep::workspace(const cnn_recipe& recipe, const cnn_program& program, int64_t batch) {
  uint64_t bytes = std::max(workspace_bytes(*recipe.gradients, batch), workspace_bytes(*recipe.update, program.weight_elements));
  if (program.prepare) bytes = std::max(bytes, workspace_bytes(*program.prepare, 1));
  return bytes;
}

void TrainingStep::reserve(Arena& arena, int64_t batch) {
  gradients_.reserve(arena, batch);
  update_.reserve(arena, 1);
}

void TrainingStep::connect(void* workspace) {
  workspace_ = workspace;
  model_.connect(gradients_);
  model_.connect(update_);
}

double TrainingStep::metric_sum(int32_t column) const {
  double sum = 0;
  for (int64_t i = 0; i < batch_; ++i) sum += gradients_.value(column, i);
  return sum;
}

/// In fixed pieces whose sums are added in order: the same bits for any number of threads.
double TrainingStep::sum_of_squares() {
  return with_float(model_.program->element, [&](auto zero) {
    const auto* values = static_cast<const decltype(zero)*>(model_.gradients);
    session_.pool->for_each(static_cast<int64_t>(pieces_.size()), [&](int64_t i) {
      const Range& piece = pieces_[static_cast<size_t>(i)];
      double sum = 0;
      for (int64_t k = piece.begin; k < piece.end; ++k) sum += static_cast<double>(values[k]) * static_cast<double>(values[k]);
      partial_sums_[static_cast<size_t>(i)] = sum;
    });
    double sum = 0;
    for (double partial : partial_sums_) sum += partial;
    return sum;
  });
}

StepOutcome TrainingStep::run(const StepInput& input) {
  batch_ = input.batch;
  gradients_.set_scalar("images", static_cast<double>(input.batch));
  gradients_.set_scalar("seed", static_cast<double>(session_.settings.seed));
  gradients_.set_scalar("epoch", static_cast<double>(input.epoch));
  gradients_.set_scalar("step", static_cast<double>(input.step));
  if (gradients_.call(input.batch, workspace_, session_.context) != CNN_OK || stop_requested(session_.context)) return StepOutcome::Stopped;

  const int32_t loss = gradients_.find_column(CNN_LOSS);
  double sum = 0;
  for (int64_t i = 0; i < input.batch; ++i) sum += gradients_.value(loss, i);
  mean_loss_ = sum / static_cast<double>(input.batch);
  gradient_norm_ = std::sqrt(sum_of_squares());
  if (!std::isfinite(mean_loss_) || !std::isfinite(gradient_norm_)) return StepOutcome::NotFinite;
  if (!input.update) return StepOutcome::Done;
  if (find_non_finite(model_.state_tensors(), model_.program->element, model_.next_states)) return StepOutcome::NotFinite;

  const double scale = session_.settings.clip ? std::min(1.0, *session_.settings.clip / (gradient_norm_ + kClipEpsilon)) : 1.0;
  update(input, scale);
  if (model_.program->state_count > 0) std::memcpy(model_.states, model_.next_states, model_.state_bytes());
  return updated_is_finite() ? StepOutcome::Done : StepOutcome::NotFinite;
}

/// Weights and moments: an infinite one may never show in a loss (behind `relu`, or as a divisor), and must not be saved.
bool TrainingStep::updated_is_finite() {
  return with_float(model_.program->element, [&](auto zero) {
    using Float = decltype(zero);
    session_.pool->for_each(static_cast<int64_t>(pieces_.size()), [&](int64_t i) {
      const Range& piece = pieces_[static_cast<size_t>(i)];
      const int64_t count = piece.end - piece.begin;
      bool finite = all_finite(static_cast<const Float*>(model_.weights) + piece.begin, count);
      for (int32_t m = 0; m < recipe_.moment_count && finite; ++m)
        finite = all_finite(static_cast<const Float*>(model_.moment(m)) + piece.begin, count);
      partial_sums_[static_cast<size_t>(i)] = finite ? 0 : 1;
    });
    return std::find(partial_sums_.begin(), partial_sums_.end(), 1) == partial_sums_.end();
  });
}

void TrainingStep::update(const StepInput& input, double scale) {
  const settings::OptimizerSetting& optimizer = session_.settings.optimizer;
  update_.set_scalar("rate", input.rate);
  update_.set_scalar("step", static_cast<double>(input.step));
  for (const auto& [name, value] : optimizer.arguments) update_.set_scalar(name, value);
  if (!update_.set_scalar("scale", scale) && scale != 1.0)
    throw Failure(kInternalError, "the program's update has no scalar `scale`, so `clip` cannot work");
  for (const Range& range : ranges_) {
    update_.set_scalar("decay", range.decay);
    update_range(range);
  }
}

/// Updates in place. The function may write up to a group beyond the range's end, into the next weights: these are put back.
void TrainingStep::update_range(const Range& range) {
  const auto size = static_cast<int64_t>(element_bytes(model_.program->element));
  const int32_t moments = recipe_.moment_count;
  const auto target = [&](int32_t i) { return static_cast<char*>(i == 0 ? model_.weights : model_.moment(i - 1)); };

  int32_t column = 0;
  update_.set_column(column++, target(0) + range.begin * size);
  update_.set_column(column++, static_cast<char*>(model_.gradients) + range.begin * size);
  for (int32_t m = 0; m < moments; ++m) update_.set_column(column++, target(m + 1) + range.begin * size);
  for (int32_t i = 0; i <= moments; ++i) update_.set_column(column++, target(i) + range.begin * size);

  const int64_t count = range.end - range.begin;
  const auto beyond = static_cast<size_t>((round_up(count, update_.function().group) - count) * size);
  for (int32_t i = 0; i <= moments && beyond > 0; ++i)
    std::memcpy(beyond_.data() + static_cast<size_t>(i) * beyond, target(i) + range.end * size, beyond);
  cnn_context uninterrupted = session_.context;
  uninterrupted.stop = nullptr;
  update_.call(count, workspace_, uninterrupted);
  for (int32_t i = 0; i <= moments && beyond > 0; ++i)
    std::memcpy(target(i) + range.end * size, beyond_.data() + static_cast<size_t>(i) * beyond, beyond);
}

}  // namespace cnnc::runtime
