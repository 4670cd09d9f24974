// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Plan → bitcode of each distinct kernel. Kernels with equal signatures are compiled once; each is compiled in a worker
// process, as many at a time as the machine has cores, because Halide can throw from a destructor, hang or exhaust memory,
// and that must end as a report. Results are kept in a cache on disk. Tests: test/codegen.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "schedule/plan.h"

namespace cnnc {

struct KernelCode {
  std::string function;       // the symbol in the bitcode
  std::string bitcode;
  std::string statement;      // with KernelOptions::statements
  const FunctionPlan* plan = nullptr;   // one place where it is used: for types and layouts of its parameters
  const Kernel* kernel = nullptr;
};

struct KernelOptions {
  bool statements = false;
  bool sanitize = false;
  int jobs = 0;                       // worker processes; 0: one for each core
  std::string cache_folder;           // empty: no cache
  int timeout_seconds = 300;          // for one kernel
  std::function<void(int done, int total)> progress;
};

/// A kernel whose code generation failed: an internal error, never the user's.
struct KernelFailure {
  std::string kernel, signature, reason;
};

struct CompiledKernels {
  std::map<std::string, KernelCode> by_signature;
  std::vector<KernelFailure> failures;
};

CompiledKernels compile_kernels(const ModulePlan& plan, const KernelOptions& options);

/// $CNNC_CACHE, else the user's cache folder; empty when neither is known or CNNC_CACHE is empty.
std::string default_cache_folder();

}  // namespace cnnc
