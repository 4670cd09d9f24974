// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A failing network → the smallest one found that still fails.
#pragma once
#include <functional>

#include "test/random/program.h"

namespace cnnc::random_programs {

/// `fails` gets networks that sema accepts. Leaves out statements, takes arguments back to their defaults, makes numbers
/// smaller, until no single change keeps the failure.
RandomProgram shrink(const RandomProgram& program, const std::function<bool(const RandomProgram&)>& fails);

}  // namespace cnnc::random_programs
