// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Attributes of nodes: named constants. Text: 3, 0.5, true, "same", [2, 2], {1.0, 2.5} (numbers), f"x0 * x1" (expression).
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/scalar_expression.h"
#include "ir/types.h"

namespace cnnc {

using Numbers = std::vector<double>;
using Attribute = std::variant<int64_t, double, bool, std::string, Dims, Numbers, ScalarExpression>;
/// Sorted by name, so that printing is deterministic. Holds every attribute of the op (defaults are filled in by Graph::add).
using AttributeMap = std::map<std::string, Attribute, std::less<>>;

std::string to_string(const Attribute& attribute);
/// "an integer", "a list of extents": what kind of attribute it is, for messages.
std::string_view attribute_kind(const Attribute& attribute);

/// The shortest text that reads back as the same number: `0.1`, `1e-05`, `nan`, `-inf`.
std::string number_text(double number);
/// In double quotes, with escapes for quotes, backslashes, and what steers a terminal, turns or hides text, or is no text.
std::string quoted(std::string_view text);

}  // namespace cnnc
