// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the tuner's decisions see of the world: the clock, the kernels of a network with their legal schedules, and races between
// two ways to compute the same. MachineBench is this machine; tests have simulated ones.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "schedule/plan.h"

namespace cnnc {

/// What is fixed: layouts of convolutions' weights and schedules of kernels, by the hashes of their keys. Everything else is chosen
/// by the rules.
struct Choices {
  std::map<uint64_t, Schedule> layouts, kernels;
  bool operator==(const Choices&) const = default;
};

/// A kernel of the network as planned; equal ones (the same key) are one.
struct KernelTask {
  uint64_t key = 0;
  std::string label, words;
  double uses = 1;                      // calls in one run of what is tuned
  double multiply_adds = 0;             // of one call
  Schedule chosen;                      // by the rules
};

/// A convolution whose weights may be laid out in several ways.
struct LayoutTask {
  uint64_t key = 0;
  std::string label, words;
  uint64_t kernel = 0;                  // the kernel that computes it now; 0: none that is tuned
  Schedule now;
  std::vector<Schedule> legal;          // the most promising first
};

struct Problem {
  std::vector<KernelTask> kernels;
  std::vector<LayoutTask> layouts;
};

/// A kernel under a schedule, and how often it runs.
struct KernelRun {
  uint64_t key = 0;
  Schedule schedule;
  double uses = 1;
};

struct Times {
  double first = 0, second = 0;         // seconds of one run of each side
};

/// Two ways to compute the same, loaded side by side in a process of its own.
class Race {
 public:
  virtual ~Race() = default;
  /// Runs both; nothing once one of them has failed: crashed, hung, computed something else.
  virtual std::optional<Times> round() = 0;
  virtual const std::string& failure() const = 0;
};

/// The legal schedules of a kernel.
class KernelSpace {
 public:
  virtual ~KernelSpace() = default;
  /// All of them where they are at most `most`, otherwise so many around the given one.
  virtual std::vector<Schedule> around(const Schedule& schedule, size_t most) const = 0;
  /// Those that differ from it in one parameter.
  virtual std::vector<Schedule> neighbours(const Schedule& schedule) const = 0;
  /// The order in which the rules expect them to be fast: smaller is better.
  virtual double expected_cost(const Schedule& schedule) const = 0;
};

class Bench {
 public:
  virtual ~Bench() = default;
  /// Seconds since some moment.
  virtual double now() = 0;
  /// Whether the user wants to end.
  virtual bool interrupted() = 0;
  /// How many kernels are compiled at the same time.
  virtual int jobs() const = 0;
  /// The network with these choices made.
  virtual Problem plan(const Choices& choices) = 0;
  /// Of a kernel of any problem planned so far.
  virtual const KernelSpace& space(uint64_t kernel) = 0;
  /// Compiles what is not yet; for each why it cannot be, empty: it can.
  virtual std::vector<std::string> compile(const std::vector<KernelRun>& runs) = 0;
  /// Kernels that are compiled. Where both sides are one kernel, their results are compared first.
  virtual std::unique_ptr<Race> race(const std::vector<KernelRun>& first, const std::vector<KernelRun>& second) = 0;
  /// The whole network, both ways; results are compared first.
  virtual std::unique_ptr<Race> network(const Choices& first, const Choices& second) = 0;
};

}  // namespace cnnc
