// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Seeded random scalar expressions and modules, for tests of what must hold for all of them. The same seed gives the same.
#pragma once
#include <cstdint>
#include <random>

#include "ir/graph.h"
#include "ir/scalar_expression.h"

namespace cnnc::test {

/// An expression over x0 … x<arguments - 1>, `depth` operations deep. It uses every operation there is.
ScalarExpression random_expression(std::mt19937& random, int arguments, int depth);

/// A condition as `select` has it: comparisons joined by and, or, not.
ScalarExpression random_condition(std::mt19937& random, int arguments, int depth);

/// As random_expression, but of operations that are smooth, small and finite for all arguments: what graphs are made of.
ScalarExpression random_tame_expression(std::mt19937& random, int arguments, int depth);

/// A module with one function `infer` in f64 over one image [c, h, w], weights and states: convolutions, dense layers, batchnorm,
/// pools, maps, concatenation, reductions, dropout, constants, repeated parts, and nodes that no result needs.
Module random_module(uint32_t seed);

}  // namespace cnnc::test
