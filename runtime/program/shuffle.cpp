// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The validation share.
#include "runtime/program/shuffle.h"

#include <algorithm>
#include <cmath>

namespace cnnc::runtime {

Split split_samples(uint64_t seed, size_t count, double share) {
  std::vector<uint32_t> order(count);
  for (size_t i = 0; i < count; ++i) order[i] = static_cast<uint32_t>(i);
  shuffle(random_key(seed, kSplit), order);
  const auto wanted = static_cast<size_t>(std::llround(static_cast<double>(count) * share));
  const size_t validation = count < 2 ? 0 : std::clamp<size_t>(wanted, 1, count - 1);
  Split out;
  out.validation.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(validation));
  out.training.assign(order.begin() + static_cast<std::ptrdiff_t>(validation), order.end());
  std::sort(out.validation.begin(), out.validation.end());
  std::sort(out.training.begin(), out.training.end());
  return out;
}

}  // namespace cnnc::runtime
