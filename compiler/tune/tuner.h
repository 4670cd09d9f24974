// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tuner: a bench and a budget → choices that make the network faster, or none. Which kernel is tried next, what is believed, when
// it ends; everything that touches the machine is behind Bench. Tests: test/tune/tuner.cpp, with a simulated machine.
#pragma once
#include <string>
#include <vector>

#include "tune/judge.h"

namespace cnnc {

struct TuneOptions {
  double seconds = 0;                   // that all of it may take; 0: no limit
  int64_t trials = 0;                   // candidates that may be measured; 0: no limit
  double peak = 0;                      // multiply-adds in a second that the machine could do; 0: not known
};

/// What is known of a kernel so far.
struct KernelState {
  KernelTask task;
  Schedule best;
  double before = 0, after = 0;         // seconds of one call: with the rule's schedule, with the best one
  int64_t trials = 0;
  int64_t since_gain = 0;               // trials since the last improvement
  bool is_done = false;                 // nothing is left to try
  double gain() const { return after > 0 ? before / after : 1; }
};

/// A candidate that was measured, or could not be.
struct Trial {
  std::string label;                    // the kernel, or the convolution
  Schedule schedule;
  Result result = {};
  bool is_layout = false;
  bool is_confirmed = false;            // it won, and won again
};

/// What people see while it runs.
class TuneReport {
 public:
  virtual ~TuneReport() = default;
  /// After each step; `left` in seconds, or in trials.
  virtual void state(const std::vector<KernelState>& kernels, double left) = 0;
  virtual void trial(const Trial& trial, const KernelState* kernel) = 0;
  virtual void note(const std::string& text) = 0;
};

struct TuneResult {
  Choices choices;                      // what a schedule file should fix; empty: nothing is better than the rules
  std::map<uint64_t, double> seconds;   // of one call, of those kernels
  std::vector<KernelState> kernels;
  double before = 0, after = 0;         // the whole network in seconds; 0: not measured
  int64_t trials = 0;
  bool was_interrupted = false;
};

/// Starts from `start`, what a file has found before.
TuneResult tune(Bench& bench, const TuneOptions& options, const Choices& start, TuneReport& report);

}  // namespace cnnc
