// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of optimizers. To add one: a row here, and its formulas in compiler/ops.
#include "runtime/settings/optimizers.h"

namespace cnnc::settings {
namespace {

const std::vector<OptimizerInfo>& table() {
  static const OptimizerArgument beta1{"beta1", 0.9, false, 0, 1, "how slowly the mean of the gradient moves"};
  static const OptimizerArgument beta2{"beta2", 0.999, false, 0, 1, "how slowly the mean of its square moves"};
  static const OptimizerArgument eps{"eps", 1e-8, false, 0, 0, "added to the root of the mean square"};
  static const std::vector<OptimizerInfo> list = {
      {"sgd", 0.01,
       {{"momentum", 0, false, 0, 1, "the share of the last step that is added to this one"},
        {"nesterov", 0, true, 0, 0, "look ahead by one step of momentum"}},
       "stochastic gradient descent"},
      {"adam", 1e-3, {beta1, beta2, eps}, "steps scaled by running means of the gradient; decay joins the gradient"},
      {"adamw", 1e-3, {beta1, beta2, eps}, "adam with decay apart from the gradient"},
  };
  return list;
}

}  // namespace

std::span<const OptimizerInfo> all_optimizers() { return table(); }

const OptimizerInfo* find_optimizer(std::string_view name) {
  for (const OptimizerInfo& optimizer : table())
    if (optimizer.name == name) return &optimizer;
  return nullptr;
}

}  // namespace cnnc::settings
