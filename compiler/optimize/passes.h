// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The passes: each takes a function (or the module) and returns a new one that computes the same. One file each, named as
// the function; passes.inc lists them with what they do. Tests: test/optimize, one file a pass.
#pragma once
#include <string>

#include "ir/graph.h"
#include "ir/op.h"

namespace cnnc {

/// Composite ops → bodies of other ops. Training adds the arguments `seed`, `epoch` and `sample` where an op draws random
/// numbers. `expand_for_autodiff` leaves ops that have a gradient rule of their own.
Function expand_training(const Function& function);
Function expand_inference(const Function& function);
Function expand_for_autodiff(const Function& function);

/// Before expansion, in functions for inference only. Conv or dense, then batchnorm, becomes conv or dense with
/// weight' = weight · gamma / sqrt(variance + eps) for each output channel, and a bias.
Function fold_batchnorm(const Function& function);

Function remove_dead_code(const Function& function);
Function fold_constants(const Function& function);
Function merge_common_subexpressions(const Function& function);
Function compose_maps(const Function& function);
/// In training: map{select(condition of x0, x1, 0)}(a, maxpool_grad(winners, dy)) with winners of maxpool(a), which nothing else uses, becomes
/// maxpool_grad(winners, map(y, dy)): y is the pool's result, which equals a where a window's winner is.
Function mask_pooled(const Function& function);

/// In inference: conv of one tap with a stride becomes maxpool of one place with that stride, then conv without: the pixels that are read lie
/// side by side.
Function subsample(const Function& function);

/// Makes `prepare` for `infer` and all RECIPE.evaluate: every Weight and State argument of these becomes Prepared, along with
/// all that is computed from weights and statistics alone.
Module split_prepare(const Module& module);
/// Why split_prepare cannot take this module; empty when it can.
std::string why_not_split(const Module& module);

}  // namespace cnnc
