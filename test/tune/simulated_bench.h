// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A machine that exists in a test only: its clock moves when something is compiled or run, kernels take the time that a formula
// says, and some crash, hang, or compute something else. The same run gives the same numbers.
#pragma once
#include <functional>
#include <set>

#include "tune/tuner.h"

namespace cnnc::test {

/// All combinations of one parameter `a` from 1 to `most` and one `b` from 1 to `most`.
class SimulatedSpace : public KernelSpace {
 public:
  explicit SimulatedSpace(int64_t most) : most_(most) {}
  std::vector<Schedule> around(const Schedule& schedule, size_t most) const override;
  std::vector<Schedule> neighbours(const Schedule& schedule) const override;
  double expected_cost(const Schedule& schedule) const override;

 private:
  int64_t most_;
};

Schedule simulated(int64_t a, int64_t b);
int64_t parameter(const Schedule& schedule, const std::string& name);

struct SimulatedKernel {
  uint64_t key = 0;
  double uses = 1, multiply_adds = 0;
  int64_t most = 4;                                   // of its parameters
  Schedule chosen = simulated(1, 1);
  std::function<double(const Schedule&)> seconds = {};     // of one call
};

class SimulatedBench : public Bench {
 public:
  explicit SimulatedBench(std::vector<SimulatedKernel> one, std::vector<SimulatedKernel> other = {}) : kernels(std::move(one)), other_kernels(std::move(other)) {}

  std::vector<SimulatedKernel> kernels;
  /// A second network: what a layout makes of the first. The layout task has the key 99 and may be "direct" or "winograd".
  std::vector<SimulatedKernel> other_kernels;
  // Of schedules, as text.
  std::set<std::string> not_compiled = {}, crashing = {}, hanging = {}, wrong = {};
  /// Schedules that look so much faster in the first race that they are in.
  std::set<std::string> lucky = {};
  /// The whole network under choices, if it is not the sum of its kernels.
  std::function<double(const Choices&)> network_seconds = {};
  bool wrong_network = false;
  double interrupt_at = 1e30;
  double noise = 0.005;
  // What happened.
  std::vector<std::string> raced = {};                // schedules on the second side
  std::map<std::string, int> rounds = {};             // of them
  int compiled = 0;

  double now() override { return clock_; }
  bool interrupted() override { return clock_ >= interrupt_at; }
  int jobs() const override { return 2; }
  Problem plan(const Choices& choices) override;
  const KernelSpace& space(uint64_t kernel) override;
  std::vector<std::string> compile(const std::vector<KernelRun>& runs) override;
  std::unique_ptr<Race> race(const std::vector<KernelRun>& first, const std::vector<KernelRun>& second) override;
  std::unique_ptr<Race> network(const Choices& first, const Choices& second) override;

  const SimulatedKernel& kernel(uint64_t key) const;
  double network_time(const Choices& choices);
  double noisy(double seconds);
  void pass(double seconds) { clock_ += seconds; }

 private:
  double clock_ = 0;
  uint64_t random_ = 1;
  std::map<uint64_t, SimulatedSpace> spaces_;
};

/// Remembers what it was told.
struct RecordedReport : TuneReport {
  std::vector<Trial> trials;
  std::vector<std::string> notes;
  void state(const std::vector<KernelState>&, double) override {}
  void trial(const Trial& trial, const KernelState*) override { trials.push_back(trial); }
  void note(const std::string& text) override { notes.push_back(text); }
};

}  // namespace cnnc::test
