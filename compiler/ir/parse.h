// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The text of a module → the module, checked: operands exist, attributes are of their kind, each written type is what the
// op's shape rule gives. `//` begins a comment. Tests: test/ir.
#pragma once
#include "ir/graph.h"
#include "support/diagnostic.h"

namespace cnnc {

/// Reads the source file number `file`. Errors are reported at their place, one for each function or declaration at most; if there
/// are none, weights and states that functions take but the module does not declare. The module is whole only without errors.
Module parse_module(const SourceManager& sources, int32_t file, Diagnostics& diagnostics);

}  // namespace cnnc
