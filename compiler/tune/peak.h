// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What one core of this machine could do at most.
#pragma once
#include "schedule/target.h"

namespace cnnc {

/// Multiply-adds in a second, f32, in the target's vectors, measured for a few ms on one core. 0 where that failed.
double measured_peak(const Target& target);

}  // namespace cnnc
