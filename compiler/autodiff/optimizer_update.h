// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// An optimizer's formulas → the function that updates all weights. Tests: test/autodiff.
#pragma once
#include <string>

#include "ir/graph.h"
#include "ir/layer.h"

namespace cnnc {

/// `RECIPE.update` (compiler/ir/README.md): elementwise over flat buffers, whose images are elements.
Function make_update(const OptimizerDef& optimizer, ElementType element, std::string name);

}  // namespace cnnc
