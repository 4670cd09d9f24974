// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The compiler's optimizers (formulas) and the settings' (names, defaults, ranges) are two tables: they say the same.
#include <gtest/gtest.h>

#include "ir/layer.h"
#include "runtime/settings/optimizers.h"

namespace cnnc {
namespace {

TEST(OptimizerTables, SayTheSame) {
  ASSERT_EQ(all_optimizers().size(), settings::all_optimizers().size());
  for (const OptimizerDef& formula : all_optimizers()) {
    const settings::OptimizerInfo* setting = settings::find_optimizer(formula.name);
    ASSERT_NE(setting, nullptr) << formula.name;
    EXPECT_EQ(formula.default_rate, setting->default_rate) << formula.name;
    ASSERT_EQ(formula.arguments.size(), setting->arguments.size()) << formula.name;
    for (size_t i = 0; i < formula.arguments.size(); ++i) {
      EXPECT_EQ(formula.arguments[i].name, setting->arguments[i].name);
      EXPECT_EQ(formula.arguments[i].default_value, setting->arguments[i].default_value) << formula.arguments[i].name;
      EXPECT_EQ(formula.arguments[i].is_boolean, setting->arguments[i].is_boolean) << formula.arguments[i].name;
    }
  }
}

}  // namespace
}  // namespace cnnc
