// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Medians of pairs.
#include "tune/judge.h"

#include <algorithm>

#include "support/check.h"

namespace cnnc {
namespace {

std::vector<double> ratios(const std::vector<Times>& pairs) {
  std::vector<double> result;
  for (const Times& pair : pairs) result.push_back(pair.second / pair.first);
  return result;
}

}  // namespace

double median(std::vector<double> values) {
  CNNC_CHECK(!values.empty(), "a median needs values");
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

bool is_decided(const std::vector<Times>& pairs, const Rules& rules) {
  if (pairs.size() >= rules.rounds) return true;
  if (pairs.size() < rules.early) return false;
  const double ratio = median(ratios(pairs));
  return ratio > rules.clearly_worse || (pairs.size() >= rules.later && ratio > rules.worse);
}

Result judge(const std::vector<Times>& pairs, const Rules& rules) {
  Result result;
  result.rounds = pairs.size();
  if (pairs.empty()) return result;
  std::vector<double> first, second;
  size_t won = 0;
  for (const Times& pair : pairs) {
    first.push_back(pair.first), second.push_back(pair.second);
    won += pair.second < pair.first;
  }
  result.first = median(first), result.second = median(second);
  result.ratio = median(ratios(pairs));
  const bool enough = static_cast<double>(won) >= rules.won_rounds * static_cast<double>(pairs.size());
  if (pairs.size() >= rules.rounds && result.ratio < rules.better && enough) result.outcome = Outcome::Better;
  return result;
}

Result run_race(Race& race, const Rules& rules, const std::function<bool()>& interrupted) {
  std::vector<Times> pairs;
  while (!is_decided(pairs, rules)) {
    if (interrupted()) {
      Result result = judge(pairs, rules);
      result.outcome = Outcome::Interrupted;
      return result;
    }
    const auto times = race.round();
    if (!times) {
      Result result;
      result.outcome = Outcome::Failed;
      result.failure = race.failure();
      return result;
    }
    pairs.push_back(*times);
  }
  return judge(pairs, rules);
}

}  // namespace cnnc
