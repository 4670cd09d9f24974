// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Module → text, in the one form that all ops share (see README.md). Deterministic; parse.h reads it back, and a module that
// is printed, read and printed again gives the same text. Tests: test/ir.
#pragma once
#include <string>
#include <string_view>

#include "ir/graph.h"

namespace cnnc {

std::string to_string(const Module& module);
std::string to_string(const Function& function);

/// Names that stand in the text without quotes: letters, digits, `_` and `.`, beginning with a letter or `_`.
bool is_plain_name(std::string_view name);

}  // namespace cnnc
