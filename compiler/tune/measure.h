// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What runs in the measuring process: kernels, or whole networks, of two sides, compared once and then timed in turn.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "schedule/plan.h"
#include "tune/child.h"

namespace cnnc {

/// A kernel that is compiled.
struct MeasuredKernel {
  const FunctionPlan* plan = nullptr;
  const Kernel* kernel = nullptr;
  std::string object, entry;            // see kernel_objects.h
  int64_t batch = 1;
  double uses = 1;
};
using KernelSide = std::vector<MeasuredKernel>;

/// A network that is compiled: its functions, and which of them are timed.
struct MeasuredNetwork {
  const Module* module = nullptr;
  const ModulePlan* plan = nullptr;
  std::string object, prefix;
  std::vector<std::string> functions;   // timed, in order
  std::map<std::string, int64_t> batches;   // by function
};

/// Both answer each request of the channel with Times, after a first message when they are ready. Where both sides are one kernel
/// their results must agree.
void measure_kernels(const Channel& channel, const KernelSide& first, const KernelSide& second, int threads);
void measure_networks(const Channel& channel, const MeasuredNetwork& first, const MeasuredNetwork& second, int threads);

}  // namespace cnnc
