// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Texts of states and trials.
#include "tune/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "support/text.h"

namespace cnnc {
namespace {

/// Widths of the columns of names; the others have numbers.
struct Widths {
  size_t label, name;
};

/// A row is one column shorter than the terminal: one that wraps could not be drawn over.
Widths widths_for(int columns) {
  constexpr int kNumbers = 42, kLeast = 80, kShortLabel = 14, kLongestLabel = 60, kLongestName = 32;
  const int room = std::max(columns, kLeast) - 1 - kNumbers, name = std::min(room - kShortLabel, kLongestName);
  return {static_cast<size_t>(std::min(room - name, kLongestLabel)), static_cast<size_t>(name)};
}

std::string row_of(const Widths& widths, std::string_view label, std::string_view name, const std::array<std::string, 5>& numbers) {
  return fmt::format("{:<{}} {:<{}} {:>9} {:>9} {:>6} {:>6} {:>6}", label, widths.label, name, widths.name, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]);
}

std::string share_text(const KernelState& state, double peak) {
  if (peak <= 0 || state.task.multiply_adds <= 0 || state.after <= 0) return "-";
  return fmt::format("{:.0f} %", 100 * state.task.multiply_adds / state.after / peak);
}

std::string row_text(const KernelState& state, const ProgressOptions& options) {
  const Widths widths = widths_for(options.columns);
  return row_of(widths, abbreviate(escape_control(state.task.label), widths.label - 1), abbreviate(state.best.name, widths.name - 1),
                {time_text(state.before), time_text(state.after), fmt::format("{:.2f}x", state.gain()), share_text(state, options.peak), std::to_string(state.trials)});
}

std::string left_text(const ProgressOptions& options, double left) {
  if (options.counts_trials) return fmt::format("{:.0f} trials left", left);
  const auto seconds = static_cast<int>(left);
  return fmt::format("{}:{:02} left; Ctrl-C ends and keeps what was found", seconds / 60, seconds % 60);
}

}  // namespace

std::string time_text(double seconds) {
  if (seconds <= 0) return "-";
  if (seconds < 1e-3) return fmt::format("{:.1f} us", seconds * 1e6);
  return fmt::format("{:.2f} ms", seconds * 1e3);
}

std::vector<std::string> table_of(const std::vector<KernelState>& kernels, const ProgressOptions& options, double left) {
  std::vector<std::string> lines = {row_of(widths_for(options.columns), "kernel", "template", {"now", "best", "gain", "peak", "trials"})};
  const auto room = static_cast<size_t>(std::max(4, options.rows - 4));
  for (size_t i = 0; i < std::min(kernels.size(), room); ++i) lines.push_back(row_text(kernels[i], options));
  if (kernels.size() > room) lines.push_back(fmt::format("and {}", count_of(kernels.size() - room, "other kernel")));
  lines.push_back(left_text(options, left));
  return lines;
}

void Progress::line(const std::string& text) {
  // Above the table, which is drawn again below.
  if (!table_.empty()) fmt::print(out_, "\033[{}A\033[J", table_.size());
  fmt::print(out_, "{}\n", text);
  for (const std::string& row : table_) fmt::print(out_, "{}\n", row);
  std::fflush(out_);
}

void Progress::state(const std::vector<KernelState>& kernels, double left) {
  if (!options_.is_terminal) {
    constexpr int kWide = 120;
    if (!has_told_kernels_)
      for (const std::string& row : table_of(kernels, {.counts_trials = options_.counts_trials, .peak = options_.peak, .rows = 1 << 20, .columns = kWide}, left)) line(row);
    has_told_kernels_ = true;
    return;
  }
  if (!table_.empty()) fmt::print(out_, "\033[{}A\033[J", table_.size());
  table_ = table_of(kernels, options_, left);
  for (const std::string& row : table_) fmt::print(out_, "{}\n", row);
  std::fflush(out_);
}

void Progress::trial(const Trial& trial, const KernelState* kernel) {
  const std::string what = fmt::format("{}: {}{}", escape_control(trial.label), trial.is_layout ? "weights " : "", to_string(trial.schedule));
  const Result& result = trial.result;
  if (result.outcome == Outcome::Failed) {
    line(fmt::format("{}: not used: {}", what, escape_control(result.failure)));
  } else if (trial.is_confirmed) {
    line(fmt::format("{}: {} instead of {}", what, time_text(kernel ? kernel->after : result.second), time_text(kernel ? kernel->after / result.ratio : result.first)));
  } else if (!options_.is_terminal) {
    line(fmt::format("{}: no gain, {} against {}", what, time_text(result.second), time_text(result.first)));
  }
}

void Progress::note(const std::string& text) { line(text); }

void Progress::end() { table_.clear(); }

}  // namespace cnnc
