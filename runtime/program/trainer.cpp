// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Training from start or checkpoint to the last epoch.
#include "runtime/program/trainer.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <new>

#include "runtime/formats/error.h"
#include "runtime/formats/text.h"
#include "runtime/formats/whole_file.h"
#include "runtime/program/failure.h"
#include "runtime/program/measurement_text.h"
#include "runtime/program/non_finite.h"
#include "runtime/program/reservations.h"
#include "runtime/program/shuffle.h"
#include "runtime/program/signals.h"
#include "runtime/program/weights_file.h"
#include "runtime/settings/words.h"

namespace cnnc::runtime {
namespace {

constexpr const char* kGoesOn = "training goes on until the next one";

}  // namespace

Trainer::Trainer(Session& session, TrainOptions options)
    : session_(session), options_(std::move(options)), recipe_(require_training(session)), model_(*session.program),
      step_(session, model_), evaluation_(session, model_) {
  session_.context.stop = stop_flag();
  check_augmentation(session_.settings, step_.gradients().columns());
  const bool needs_data = session_.settings.epochs > 0 || options_.overfit;
  if (needs_data) {
    data_ = load_dataset(session_.settings, options_.data, {step_.gradients().columns(), class_count(recipe_)}, DataUse::Training);
    batch_ = std::min(session_.settings.batch, static_cast<int64_t>(data_.training.samples.size()));
    reader_ = std::make_unique<BatchReader>(*recipe_.gradients, *data_.training.table, session_.settings);
  }
  allocate();
  start_weights();
  accuracy_ = step_.gradients().find_column(CNN_METRIC, "accuracy");
}

void Trainer::allocate() {
  const auto plan = [&](Arena& arena, int64_t batch) { reserve_training(arena, batch, session_, model_, step_, evaluation_, &workspace_); };
  arena_ = allocate_buffers(plan, batch_);
  step_.connect(workspace_);
  evaluation_.connect(workspace_);
  order_.resize(data_.training.samples.size());
  samples_.resize(static_cast<size_t>(batch_));
  const auto count = static_cast<int64_t>(order_.size());
  // Statistics of a batch of one sample are none.
  drops_last_ = session_.program->state_count > 0 && batch_ > 1 && count % batch_ == 1;
  if (drops_last_)
    print_diagnostic("note", "the last batch of an epoch has one sample and the network has batchnorm, which needs two: it is left out");
}

void Trainer::start_weights() {
  const settings::Recipe& settings = session_.settings;
  rates_ = {settings.schedule, settings.optimizer.rate, 0, std::max<int64_t>(1, batches_per_epoch()), 1};
  rates_.warmup_steps = in_steps(settings.warmup, rates_.steps_per_epoch);
  rates_.total_steps = rates_.steps_per_epoch * settings.epochs;
  if (!options_.resume.empty()) {
    const ResumedCheckpoint resumed = read_checkpoint(options_.resume, model_, recipe_, identity());
    position_ = resumed.position;
    if (resumed.from_previous && options_.resume == options_.checkpoint) rotation_ = formats::Rotation::kReplace;
    if (position_.batch > batches_per_epoch()) fail(formats::quote_name(options_.resume) + " is from an epoch with more batches than this one has");
    require_finite_start(formats::quote_name(options_.resume));
    return;
  }
  const std::string& weights = options_.weights.empty() ? settings.weights : options_.weights;
  if (weights.empty()) model_.initialise(static_cast<uint64_t>(settings.seed));
  else read_weights(weights, model_);
  require_finite_start(weights.empty() ? "the initialisers" : formats::quote_name(weights));
}

void Trainer::require_finite_start(const std::string& origin) const {
  if (const auto broken = find_broken_numbers(model_, recipe_))
    fail(origin + ": " + broken->text + " are not finite, so nothing can be learned from them");
}

int64_t Trainer::batches_per_epoch() const {
  const auto count = static_cast<int64_t>(order_.size());
  return (count + batch_ - 1) / batch_ - (drops_last_ ? 1 : 0);
}

TrainingIdentity Trainer::identity() const {
  TrainingIdentity out;
  for (const settings::NamedText& setting : session_.effective)
    if (setting.name != "epochs" && setting.name != "data" && setting.name != "weights" && setting.name != "classes") out.settings.push_back(setting);
  out.settings.push_back({"shuffle", options_.no_shuffle ? "no" : "yes"});
  if (options_.no_augment) out.settings.push_back({"augmentation", "off"});
  out.samples = static_cast<int64_t>(data_.training.samples.size());
  out.seed = static_cast<uint64_t>(session_.settings.seed);
  return out;
}

BatchAugmentation Trainer::augmentation() const {
  if (options_.no_augment) return {};
  return {session_.settings.augment, static_cast<uint64_t>(session_.settings.seed), position_.epoch};
}

std::span<const uint32_t> Trainer::batch_samples(int64_t batch) {
  const size_t begin = static_cast<size_t>(batch * batch_), count = std::min(static_cast<size_t>(batch_), order_.size() - begin);
  for (size_t i = 0; i < count; ++i) samples_[i] = data_.training.samples[order_[begin + i]];
  return std::span(samples_).first(count);
}

EpochNumbers Trainer::epoch_numbers(int64_t batches) const {
  const double samples = static_cast<double>(std::max<int64_t>(1, position_.samples));
  return {position_.epoch + 1, session_.settings.epochs, position_.batch, batches, position_.samples,
          position_.loss_sum / samples, position_.accuracy_sum / samples, accuracy_ >= 0};
}

void Trainer::after_step(int64_t images) {
  ++position_.step;
  ++position_.batch;
  position_.samples += images;
  position_.loss_sum += step_.mean_loss() * static_cast<double>(images);
  if (accuracy_ >= 0) position_.accuracy_sum += step_.metric_sum(accuracy_);
}

Trainer::EpochEnd Trainer::train_epoch() {
  if (options_.no_shuffle)
    for (size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<uint32_t>(i);
  else
    epoch_order(static_cast<uint64_t>(session_.settings.seed), position_.epoch, order_);
  const int64_t batches = batches_per_epoch();
  while (position_.batch < batches) {
    if (stop_status() != 0) return EpochEnd::Stopped;
    if (take_save_request()) save_checkpoint(kGoesOn);
    const std::span<const uint32_t> samples = batch_samples(position_.batch);
    const auto images = static_cast<int64_t>(samples.size());
    reader_->read(step_.gradients(), samples, augmentation(), *session_.pool);
    const double rate = rates_.at(position_.step);
    switch (step_.run({images, position_.step + 1, position_.epoch, rate})) {
      case StepOutcome::Stopped: return EpochEnd::Stopped;
      case StepOutcome::NotFinite: stop_not_finite(rate, samples);
      case StepOutcome::Done: break;
    }
    after_step(images);
    log_->row(position_.step, position_.epoch + 1, step_.mean_loss(), rate, session_.program->element == CNN_F32);
    progress_->step(epoch_numbers(batches), images);
  }
  return EpochEnd::Done;
}

/// Measures the network after an epoch; false when a signal stopped it.
bool Trainer::measure() {
  measured_.reset();
  const DataPart& part = data_.measured();
  if (part.empty()) return true;
  measured_ = evaluation_.run(part);
  return measured_.has_value();
}

void Trainer::stop_not_finite(double rate, std::span<const uint32_t> samples) {
  progress_->wipe();
  log_->flush();
  const std::string birth = explain_non_finite({session_, model_, step_, workspace_, samples, position_.epoch, position_.step + 1});
  fail("training stopped at step " + std::to_string(position_.step + 1) + " (epoch " + std::to_string(position_.epoch + 1) + "): " + birth,
       "the checkpoint " + formats::quote_name(options_.checkpoint) + ", if one was written, is from before; the rate was " +
           settings::number_text(rate) + ": a smaller one often helps");
}

bool Trainer::save_checkpoint(const std::string& help) {
  log_->sync();
  std::string problem;
  try {
    write_checkpoint(options_.checkpoint, model_, recipe_, position_, identity(), rotation_);
    rotation_ = formats::Rotation::kKeepPrevious;
    checkpoint_written_ = true;
    return true;
  } catch (const formats::FormatError& error) {
    problem = error.what();
  } catch (const std::bad_alloc&) {
    problem = "there is not enough memory for it";
  }
  print_diagnostic("warning", "THE CHECKPOINT WAS NOT WRITTEN: " + problem, help);
  return false;
}

int Trainer::leave_on_signal() {
  progress_->wipe();
  if (save_checkpoint("stopped after step " + std::to_string(position_.step) + "; the checkpoint before it, if one was written, is untouched"))
    std::fprintf(stderr, "stopped after step %lld; saved as %s\ngo on with: %s train --resume %s, and the other options as before\n",
                 static_cast<long long>(position_.step), formats::quote_name(options_.checkpoint).c_str(), diagnostic_name().c_str(),
                 formats::escape_terminal(options_.checkpoint).c_str());
  return stop_status();
}

int Trainer::run() {
  let_signals_wait();
  log_ = std::make_unique<TrainingLog>(options_.log, position_.step);
  const int64_t batches = std::max<int64_t>(1, batches_per_epoch());
  progress_ = std::make_unique<ProgressDisplay>(options_.quiet, session_.settings.epochs * batches - position_.epoch * batches - position_.batch);
  while (position_.epoch < session_.settings.epochs) {
    if (train_epoch() == EpochEnd::Stopped || !measure()) return leave_on_signal();
    progress_->epoch(epoch_numbers(batches), data_.measured().name, measured_ ? &*measured_ : nullptr);
    position_ = {position_.step, position_.epoch + 1, 0, 0, 0, 0};
    save_checkpoint(kGoesOn);
  }
  return finish();
}

/// Files that nobody asked for want a word.
void Trainer::tell_checkpoint() const {
  if (options_.quiet || !checkpoint_written_) return;
  const std::string previous = formats::previous_path(options_.checkpoint);
  std::string text = "the checkpoint " + formats::quote_name(options_.checkpoint) + " holds what training goes on with: `train --resume --epochs N`";
  if (access(previous.c_str(), F_OK) == 0) text += "; the one before it is " + formats::quote_name(previous);
  std::fprintf(stderr, "%s\n", text.c_str());
}

void Trainer::save_weights() const {
  try {
    write_weights(options_.save, model_);
  } catch (const formats::FormatError& error) {
    fail(error.what(), checkpoint_written_ ? "the weights are in the checkpoint " + formats::quote_name(options_.checkpoint) + ", which `--weights` takes, too" : "");
  }
}

int Trainer::finish() {
  if (!measured_ && session_.settings.epochs > 0 && !measure()) return leave_on_signal();
  if (!options_.save.empty()) save_weights();
  tell_checkpoint();
  if (measured_) std::fputs(summary_text(data_.measured().name, *measured_).c_str(), stdout);
  return kDone;
}

int Trainer::overfit() {
  constexpr double kNearZero = 0.01;
  constexpr int64_t kMostSteps = 2000, kStepsPerLine = 100;
  options_.no_augment = true;
  let_signals_wait();
  for (size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<uint32_t>(i);
  log_ = std::make_unique<TrainingLog>(options_.log, 0);
  progress_ = std::make_unique<ProgressDisplay>(options_.quiet, kMostSteps);
  const std::span<const uint32_t> samples = batch_samples(0);
  const auto images = static_cast<int64_t>(samples.size());
  reader_->read(step_.gradients(), samples, {}, *session_.pool);
  const double rate = session_.settings.optimizer.rate;
  while (position_.step < kMostSteps) {
    const StepOutcome outcome = step_.run({images, position_.step + 1, 0, rate});
    if (outcome == StepOutcome::Stopped) return stop_status();
    if (outcome == StepOutcome::NotFinite) stop_not_finite(rate, samples);
    ++position_.step;
    log_->row(position_.step, 1, step_.mean_loss(), rate, session_.program->element == CNN_F32);
    if (!options_.quiet && position_.step % kStepsPerLine == 0)
      std::fprintf(stderr, "step %lld: loss %.4f\n", static_cast<long long>(position_.step), step_.mean_loss());
    if (step_.mean_loss() < kNearZero) {
      std::printf("one batch of %lld images is learned: loss %.4f after %lld steps\n", static_cast<long long>(images), step_.mean_loss(),
                  static_cast<long long>(position_.step));
      if (!options_.save.empty()) write_weights(options_.save, model_);
      return kDone;
    }
  }
  fail("one batch of " + std::to_string(images) + " images was not learned: the loss is " + settings::number_text(static_cast<float>(step_.mean_loss())) +
           " after " + std::to_string(kMostSteps) + " steps",
       "look for a mistake in the network or the labels, or try another rate");
}

}  // namespace cnnc::runtime
