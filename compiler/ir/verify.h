// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks the invariants that stand in graph.h. A violation is a defect of the phase that ran last, not of the input.
#pragma once
#include <string_view>

#include "ir/graph.h"

namespace cnnc {

/// CHECKs all invariants of a module; `phase` is named in the failure.
void verify(const Module& module, std::string_view phase);
void verify(const Function& function, std::string_view phase);

}  // namespace cnnc
