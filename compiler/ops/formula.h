// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Formulas that are written in the compiler's own source → scalar expressions: `formula("max(x0 + bound, 0)", 1, {{"bound", 3}})`.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ir/scalar_expression.h"

namespace cnnc {

/// Names that stand for numbers in a formula.
using Constants = std::vector<std::pair<std::string, double>>;

/// names[i] stands for operand i. A mistake in the text is an internal error.
ScalarExpression formula(std::string_view text, const std::vector<std::string>& names, const Constants& constants = {});
/// The operands are x0, x1, ….
ScalarExpression formula(std::string_view text, size_t operands, const Constants& constants = {});

}  // namespace cnnc
