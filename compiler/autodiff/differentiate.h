// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reverse-mode differentiation, graph → graph: the loss of a recipe → the gradients of its weights. Tests: test/autodiff.
#pragma once
#include <string>

#include "ir/graph.h"

namespace cnnc {

/// `RECIPE.loss` → `RECIPE.gradients` (compiler/ir/README.md): the same arguments and the scalar `images`, over which the loss
/// is averaged; results Loss, Metric, Gradient of each weight, State. Every op on the way from a weight to the loss has a
/// gradient rule (expansion for autodiff comes before) or is not differentiable, which stops the gradient.
Function differentiate(const Function& loss);

/// Why `differentiate` cannot take this function; empty when it can.
std::string why_not_differentiable(const Function& loss);

}  // namespace cnnc
