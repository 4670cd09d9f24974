// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reads a formula and puts its constants in. Tests: every op and layer that is written as a formula.
#include "ops/formula.h"

#include <fmt/format.h>

#include "support/check.h"

namespace cnnc {

ScalarExpression formula(std::string_view text, const std::vector<std::string>& names, const Constants& constants) {
  std::vector<std::string> all_names = names;
  std::vector<ScalarExpression> arguments;
  for (size_t i = 0; i < names.size(); ++i) arguments.push_back(ScalarExpression::argument(static_cast<int>(i)));
  for (const auto& [name, value] : constants) {
    all_names.push_back(name);
    arguments.push_back(ScalarExpression::constant(value));
  }
  std::string error;
  const auto expression = parse_scalar_expression(text, all_names, error);
  CNNC_CHECK(expression, fmt::format("formula `{}`: {}", text, error));
  return expression->substitute(arguments);
}

ScalarExpression formula(std::string_view text, size_t operands, const Constants& constants) {
  std::vector<std::string> names;
  for (size_t i = 0; i < operands; ++i) names.push_back(fmt::format("x{}", i));
  return formula(text, names, constants);
}

}  // namespace cnnc
