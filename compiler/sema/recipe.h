// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A `train` block → a recipe of the module and its function `RECIPE.loss`: settings checked by runtime/settings, loss and
// metrics built on a copy of the network's graph.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sema/evaluator.h"

namespace cnnc::sema {

/// The network that was built: its graph is in the evaluator.
struct BuiltNetwork {
  std::string name;
  Value value;
  std::vector<Port> outputs;
};

struct BuiltRecipe {
  Recipe recipe;
  Function loss;
};

/// Nothing when errors were reported. The evaluator's graph is unchanged afterwards.
std::optional<BuiltRecipe> build_recipe(const ast::Train& train, const BuiltNetwork& network, Evaluator& evaluator);

/// Reports what is wrong with the settings alone: for a network that could not be built.
void check_settings(const ast::Train& train, const BuiltNetwork& network, Evaluator& evaluator);

/// The canonical text of a setting's value, constants of the file computed; nothing when something was reported.
std::optional<std::string> setting_text(const ast::Expr& expr, Evaluator& evaluator);

}  // namespace cnnc::sema
