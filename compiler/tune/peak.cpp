// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The peak that runtime/machine measures, on one core.
#include "tune/peak.h"

#include <cstring>

#include "runtime/machine/machine_speed.h"
#include "support/check.h"
#include "tune/child.h"
#include "tune/threads.h"

namespace cnnc {

double measured_peak(const Target& target) {
  const auto vectors = runtime::vector_set(target.name);
  CNNC_CHECK(vectors, "a target has no vectors to measure");
  // A process of its own: it binds itself to a core.
  Child child([&](const Channel& channel) {
    pin_to_a_core();
    constexpr double kOperations = 2;   // a multiply-add
    const double peak = runtime::measure_peak(1, *vectors) / kOperations;
    channel.send('k', &peak, sizeof peak);
  });
  constexpr double kLimit = 10;
  std::string bytes;
  double peak = 0;
  if (child.receive(bytes, kLimit) && bytes.size() == sizeof peak) std::memcpy(&peak, bytes.data(), sizeof peak);
  return peak;
}

}  // namespace cnnc
