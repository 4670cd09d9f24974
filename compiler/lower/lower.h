// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A kernel of a plan → LLVM bitcode, through Halide. The only folder (with codegen's Halide-free callers) that includes
// Halide.h. Runs in worker processes: Halide may throw or end the process, and whatever reaches it was validated before.
#pragma once
#include <string>
#include <vector>

#include "schedule/plan.h"

namespace cnnc {

/// The compiled kernel is
///   int32_t NAME(void* user_context, int32_t batch, halide_buffer_t* read0, …, halide_buffer_t* write0, …)
/// with the buffers of kernel.reads then kernel.writes, dimensions as stored_dims says (min 0; a buffer that is read begins with
/// its border, at min -before, one that is written is the image alone; the batch dimension has as many images, or groups of
/// images, as the run has). Borders hold zeros before the kernel that writes the image runs. It uses halide_do_par_for, and nothing else from outside
/// (no malloc, no error, no print; libm for f64).
struct LoweredKernel {
  std::string bitcode;
  std::string statement;      // Halide's lowered form, when asked for
  std::string error;          // not empty: Halide refused; an internal error
};

struct LowerOptions {
  std::string function_name;
  bool statement = false;
  bool sanitize = false;      // Halide's `asan` feature
};

LoweredKernel lower_kernel(const FunctionPlan& plan, const Kernel& kernel, const Target& target, const LowerOptions& options);

}  // namespace cnnc
