// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The optimizers as settings: names, arguments, defaults. Their formulas are the compiler's. Tests: test/runtime/settings.
#pragma once
#include <span>
#include <string_view>
#include <vector>

namespace cnnc::settings {

/// An argument of an optimizer beside `rate`, `decay` and `no_decay`, which all have.
struct OptimizerArgument {
  std::string_view name;
  double default_value = 0;
  bool is_boolean = false;
  double minimum = 0;
  /// The first value that is too large; 0: none.
  double limit = 0;
  std::string_view doc = {};
};

struct OptimizerInfo {
  std::string_view name;
  double default_rate = 0;
  std::vector<OptimizerArgument> arguments;
  std::string_view doc;
};

const OptimizerInfo* find_optimizer(std::string_view name);
std::span<const OptimizerInfo> all_optimizers();

}  // namespace cnnc::settings
