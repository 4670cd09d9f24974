// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The bar and the lines of training.
#include "runtime/program/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace cnnc::runtime {
namespace {

constexpr std::chrono::milliseconds kBetweenDraws{100};
constexpr int kBarWidth = 24;

/// "1:05", "2:03:09".
std::string time_text(double seconds) {
  const auto whole = static_cast<long long>(std::max(0.0, seconds) + 0.5);
  char text[48];
  if (whole >= 3600) std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
  else std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  return text;
}

double seconds(std::chrono::steady_clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

ProgressDisplay::ProgressDisplay(bool quiet, int64_t batches_to_do)
    : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1), batches_to_do_(batches_to_do) {}

double ProgressDisplay::images_per_second() const {
  return static_cast<double>(epoch_images_) / std::max(1e-9, seconds(last_step_ - epoch_begin_));
}

double ProgressDisplay::seconds_left() const {
  if (batches_done_ == 0) return 0;
  return seconds(Clock::now() - begin_) / static_cast<double>(batches_done_) * static_cast<double>(batches_to_do_ - batches_done_);
}

void ProgressDisplay::step(const EpochNumbers& numbers, int64_t images) {
  last_step_ = Clock::now();
  ++batches_done_;
  epoch_images_ += images;
  if (quiet_ || !terminal_ || Clock::now() - drawn_ < kBetweenDraws) return;
  drawn_ = Clock::now();
  char bar[kBarWidth + 1] = {};
  const int64_t filled = numbers.batches == 0 ? 0 : numbers.batch * kBarWidth / numbers.batches;
  for (int i = 0; i < kBarWidth; ++i) bar[i] = i < filled ? '#' : '.';
  char accuracy[32] = "";
  if (numbers.has_accuracy) std::snprintf(accuracy, sizeof accuracy, "  accuracy %.4f", numbers.accuracy);
  std::fprintf(stderr, "\r\x1b[Kepoch %lld/%lld [%s] loss %.4f%s  %.0f images/s  %s left", static_cast<long long>(numbers.epoch),
               static_cast<long long>(numbers.epochs), bar, numbers.loss, accuracy, images_per_second(), time_text(seconds_left()).c_str());
  std::fflush(stderr);
}

void ProgressDisplay::wipe() {
  if (!quiet_ && terminal_) std::fputs("\r\x1b[K", stderr);
}

void ProgressDisplay::epoch(const EpochNumbers& numbers, const std::string& name, const Measurement* measured) {
  wipe();
  const double speed = images_per_second();
  epoch_images_ = 0;
  epoch_begin_ = Clock::now();
  if (quiet_) return;
  std::fprintf(stderr, "epoch %lld/%lld: loss %.4f", static_cast<long long>(numbers.epoch), static_cast<long long>(numbers.epochs), numbers.loss);
  if (numbers.has_accuracy) std::fprintf(stderr, ", accuracy %.4f", numbers.accuracy);
  if (measured) {
    std::fprintf(stderr, ", %s loss %.4f", name.c_str(), measured->loss);
    for (const auto& [metric, value] : measured->metrics)
      if (metric != "loss") std::fprintf(stderr, ", %s %s %.4f", name.c_str(), metric.c_str(), value);
  }
  std::fprintf(stderr, ", %.0f images/s, %s left\n", speed, time_text(seconds_left()).c_str());
}

}  // namespace cnnc::runtime
