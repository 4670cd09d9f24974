// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Names and texts of settings → Recipe.
#include "runtime/settings/recipe.h"

#include "runtime/settings/schema.h"

namespace cnnc::settings {

std::variant<Recipe, Problem> parse_recipe(const std::vector<NamedText>& settings) {
  Recipe recipe;
  recipe.optimizer.arguments = {{"momentum", 0.9}, {"nesterov", 0}};
  for (const NamedText& setting : settings) {
    const auto checked = check(setting.name, setting.text);
    if (const Problem* problem = std::get_if<Problem>(&checked)) return *problem;
    const SettingDef& def = *find_setting(setting.name);
    try {
      if (setting.name == "loss") recipe.loss = setting.text;
      else def.apply(parse_value(setting.text), recipe);
    } catch (const SettingError& error) {
      // An expression: its meaning is compiled in, and the trainer takes names from the program's columns.
      if (setting.name != "metrics") return error.problem;
    }
  }
  return recipe;
}

}  // namespace cnnc::settings
