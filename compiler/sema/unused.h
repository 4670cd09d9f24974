// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Warns of bindings that no later statement of their body mentions, and of parameters of networks that nothing mentions.
// Looks at the text alone, so that a block that only some networks use fully gets no warning.
#pragma once
#include "sema/reporter.h"
#include "syntax/ast.h"

namespace cnnc::sema {

void report_unused(const ast::File& file, Reporter& reporter);

}  // namespace cnnc::sema
