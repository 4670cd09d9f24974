// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What people see of a run: a table that is drawn again and again on a terminal, lines elsewhere. Tests: test/tune/progress.cpp
#pragma once
#include <cstdio>
#include <string>
#include <vector>

#include "tune/tuner.h"

namespace cnnc {

struct ProgressOptions {
  bool is_terminal = false;
  bool counts_trials = false;           // what is left are trials, not seconds
  double peak = 0;                      // as in TuneOptions
  int rows = 24, columns = 80;          // of the terminal
};

class Progress : public TuneReport {
 public:
  Progress(const ProgressOptions& options, std::FILE* out) : options_(options), out_(out) {}

  void state(const std::vector<KernelState>& kernels, double left) override;
  void trial(const Trial& trial, const KernelState* kernel) override;
  void note(const std::string& text) override;
  /// Nothing of the table is drawn over from here on.
  void end();

 private:
  void line(const std::string& text);

  const ProgressOptions options_;
  std::FILE* out_;
  std::vector<std::string> table_;      // as it stands on the terminal
  bool has_told_kernels_ = false;
};

/// The table: kernel, template, now, best, gain, share of the peak, trials; at most so many rows, those with the most time first.
std::vector<std::string> table_of(const std::vector<KernelState>& kernels, const ProgressOptions& options, double left);

/// "12.3 us", "1.23 ms"
std::string time_text(double seconds);

}  // namespace cnnc
