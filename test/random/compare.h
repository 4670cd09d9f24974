// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Compares computed numbers with the evaluator's, by the criterion |y - y64| <= c * eps * A (README.md).
#pragma once
#include <span>
#include <string>

#include "test/random/tensor.h"

namespace cnnc::random_programs {

inline constexpr double kSingle = 0x1p-24, kDouble = 0x1p-53;      // eps

/// What comparisons have seen: how near to the bound results came, and how many elements had a bound that says little.
struct Tally {
  double worst = 0;                  // the largest |y - y64| / (eps * A)
  int64_t elements = 0, loose = 0;

  void add(const Tally& other);
};

/// What is wrong with `computed`, named `title`; empty when all elements are within their bounds.
std::string compare(const std::string& title, const Tensor& reference, std::span<const double> computed, double eps, Tally& tally);

}  // namespace cnnc::random_programs
