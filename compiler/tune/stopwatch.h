// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The time of one call, from as many calls as make it measurable; and of two sides in turn.
#pragma once
#include <algorithm>
#include <chrono>
#include <functional>

#include "tune/bench.h"
#include "tune/child.h"

namespace cnnc {

class Stopwatch {
 public:
  explicit Stopwatch(std::function<void()> call) : call_(std::move(call)) {
    // The first call warms up.
    measure(1);
    constexpr double kLeast = 300e-6, kMostCalls = 10000;
    calls_ = static_cast<int>(std::clamp(kLeast / std::max(measure(1), 1e-9), 1.0, kMostCalls));
  }
  double seconds() const { return measure(calls_); }

 private:
  double measure(int calls) const {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < calls; ++i) call_();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / calls;
  }

  std::function<void()> call_;
  int calls_ = 1;
};

/// Answers each request of the channel with the times of both sides, now this one first, now that one.
inline void answer_with_times(const Channel& channel, const std::function<double()>& first, const std::function<double()>& second) {
  for (bool turned = false; channel.wait(); turned = !turned) {
    Times times;
    if (turned) times.second = second();
    times.first = first();
    if (!turned) times.second = second();
    channel.send('k', &times, sizeof times);
  }
}

}  // namespace cnnc
