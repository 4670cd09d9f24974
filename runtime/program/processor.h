// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Whether this processor has what the program was built for: checked before any kernel runs, so that a user reads a message
// instead of seeing an illegal instruction.
#pragma once
#include "runtime/abi/program.h"

namespace cnnc::runtime {

/// Throws Failure that names what is missing.
void check_processor(const cnn_program& program);

}  // namespace cnnc::runtime
