// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Errors that show without building anything, so that blocks that no network uses are looked at too: statements that are not
// available, names that mean nothing anywhere, a layer where a value should be piped. Runs after the networks were built;
// what was reported there is not repeated.
#pragma once
#include "sema/program.h"
#include "sema/reporter.h"

namespace cnnc::sema {

void report_unresolved(const ast::File& file, const Program& program, Reporter& reporter);

}  // namespace cnnc::sema
