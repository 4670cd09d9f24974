// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What `bench` measures: a step as a whole, each kernel in it, and for a trace when each of them, and each task of a thread, began
// and ended. All through the hooks of cnn_context. Tests: test/runtime/program/info_and_bench.test.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "runtime/abi/program.h"
#include "runtime/program/session.h"

namespace cnnc::runtime {

using BenchClock = std::chrono::steady_clock;

/// A function that a step calls, and how many images or elements it is called with.
struct BenchedFunction {
  const cnn_function* function = nullptr;
  int64_t count = 1;
};

/// Takes the time between calls of kernel_done. A run calls the functions one after the other, each kernel of the first ones in
/// order; the last function (the update) may be called for several ranges, whose times are added.
class KernelClock {
 public:
  explicit KernelClock(std::span<const BenchedFunction> functions);
  KernelClock(const KernelClock&) = delete;
  KernelClock& operator=(const KernelClock&) = delete;

  /// Makes the session's kernels report here, until `detach`.
  void attach(Session& session);
  void detach(Session& session);
  void begin_run();
  /// Told of each kernel: its descriptor, begin and end.
  std::function<void(const cnn_kernel&, BenchClock::time_point, BenchClock::time_point)> listener;
  /// Seconds of each kernel, function after function: the median of the runs.
  std::vector<double> medians() const;

 private:
  void add(int32_t kernel);

  std::span<const BenchedFunction> functions_;
  std::vector<std::vector<std::vector<double>>> times_;   // [function][kernel][run]
  size_t function_ = 0;
  int32_t previous_ = -1;
  BenchClock::time_point last_;
};

/// Steps, kernels and tasks of some runs, as a Chrome trace (chrome://tracing, ui.perfetto.dev).
class Trace {
 public:
  /// Runs the step `runs` times; all of it is recorded.
  Trace(Session& session, std::span<const BenchedFunction> functions, const std::function<void()>& step, int runs);
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  std::string json() const;

 private:
  enum class What : uint8_t { Step, Kernel, Task };
  struct Span {
    What what;
    const cnn_kernel* kernel;   // null for steps, and for tasks: what they belong to is seen by the time
    int32_t number;             // of the step, or of the task in its loop
    int32_t thread;
    BenchClock::time_point begin, end;
  };
  static int32_t parallel_for(void* self, int32_t (*task)(void*, int32_t, uint8_t*), void* user, int32_t begin, int32_t count, uint8_t* closure);
  void add(const Span& span);

  const cnn_program& program_;
  ThreadPool& pool_;
  BenchClock::time_point start_;
  std::vector<Span> spans_;
  std::atomic<size_t> used_{0};    // tasks of several threads add spans; those beyond the room are left out
  std::atomic<int32_t> threads_{0};
};

double median(std::vector<double> values);

}  // namespace cnnc::runtime
