// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Element by element.
#include "test/random/compare.h"

#include <fmt/format.h>

namespace cnnc::random_programs {

void Tally::add(const Tally& other) {
  worst = std::max(worst, other.worst);
  elements += other.elements;
  loose += other.loose;
}

std::string compare(const std::string& title, const Tensor& reference, std::span<const double> computed, double eps, Tally& tally) {
  if (computed.size() != reference.at.size())
    return fmt::format("{}: {} elements instead of {}", title, computed.size(), reference.at.size());
  // Numbers below this are flushed to zero in single precision.
  const double smallest = eps == kSingle ? 1e-36 : 1e-300;
  double largest = 0;
  for (const Bounded& element : reference.at) largest = std::max(largest, std::abs(element.value));
  std::string failure;
  double worst_excess = 1;
  for (size_t i = 0; i < computed.size(); ++i) {
    const Bounded& expected = reference.at[i];
    const double bound = kRoundings * eps * expected.error + smallest;
    const double deviation = std::abs(computed[i] - expected.value);
    ++tally.elements;
    if (!(bound <= 0.01 * largest + smallest) || std::isnan(expected.value)) ++tally.loose;
    if (!std::isfinite(expected.error) || !std::isfinite(expected.value)) continue;      // decided by chance
    if (expected.error > 0 && deviation <= bound) tally.worst = std::max(tally.worst, std::max(deviation - smallest, 0.0) / (eps * expected.error));
    if (deviation <= bound) continue;
    const double excess = std::isnan(deviation) ? INFINITY : deviation / bound;
    if (excess <= worst_excess && !failure.empty()) continue;
    worst_excess = excess;
    failure = fmt::format("{}: element {} of {} is {}, but should be {} (deviation {:.2e}, bound {:.2e})", title, i, to_string(reference.type),
                          computed[i], expected.value, deviation, bound);
  }
  return failure;
}

}  // namespace cnnc::random_programs
