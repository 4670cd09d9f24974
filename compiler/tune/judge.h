// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Who wins a race: decided from pairs of times, so that what disturbs both sides disturbs no verdict. Tests: test/tune/tuner.cpp
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "tune/bench.h"

namespace cnnc {

struct Rules {
  size_t rounds = 11;                   // of an undecided race
  size_t early = 3;                     // after so many a challenger that is clearly worse is stopped
  double clearly_worse = 1.15;          // its share of the other's time then
  size_t later = 6;
  double worse = 1.04;
  double better = 0.98;                 // what a winner reaches at the end, as the median of the pairs
  double won_rounds = 0.7;              // and the share of rounds that it wins
};

enum class Outcome { Better, NotBetter, Failed, Interrupted };

struct Result {
  Outcome outcome = Outcome::NotBetter;
  double first = 0, second = 0;         // seconds, medians
  double ratio = 1;                     // the second's time as a share of the first's: the median of the pairs
  size_t rounds = 0;
  std::string failure;
};

double median(std::vector<double> values);

/// Whether the race can end now: after all rounds, or when the second side is clearly worse.
bool is_decided(const std::vector<Times>& pairs, const Rules& rules);
Result judge(const std::vector<Times>& pairs, const Rules& rules);

/// Runs rounds until it is decided who wins, or the user wants to end.
Result run_race(Race& race, const Rules& rules, const std::function<bool()>& interrupted);

}  // namespace cnnc
