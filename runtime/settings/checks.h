// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One function a setting: Value → its place in the Recipe, or a SettingError. Private to runtime/settings.
#pragma once
#include "runtime/settings/recipe.h"
#include "runtime/settings/value.h"

namespace cnnc::settings::checks {

void data(const Value& value, Recipe& recipe);
void classes(const Value& value, Recipe& recipe);
void validation(const Value& value, Recipe& recipe);
void optimizer(const Value& value, Recipe& recipe);
void schedule(const Value& value, Recipe& recipe);
void warmup(const Value& value, Recipe& recipe);
void batch(const Value& value, Recipe& recipe);
void epochs(const Value& value, Recipe& recipe);
void seed(const Value& value, Recipe& recipe);
void augment(const Value& value, Recipe& recipe);
void normalize(const Value& value, Recipe& recipe);
void metrics(const Value& value, Recipe& recipe);
void clip(const Value& value, Recipe& recipe);
void weights(const Value& value, Recipe& recipe);
void bad(const Value& value, Recipe& recipe);
void precise(const Value& value, Recipe& recipe);

}  // namespace cnnc::settings::checks
