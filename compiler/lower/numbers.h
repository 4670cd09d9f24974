// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scalar functions over Halide expressions: those of ScalarOp with exactly its meaning. NaN goes through all of them. For f32
// everything is arithmetic, so that vectors and scalars give the same bits on every target; f64 calls libm. Relative errors
// of the f32 functions are below 3e-7. Tests: test/lower.
#pragma once
#include <Halide.h>

#include <span>

#include "ir/scalar_expression.h"
#include "ir/types.h"

namespace cnnc {

Halide::Type halide_type(ElementType element);

/// Truth values stay Booleans until a number is needed.
Halide::Expr as_number(const Halide::Expr& value, Halide::Type type);
Halide::Expr as_truth(const Halide::Expr& value);

/// The operation on numbers of one float type, or on integers. Comparisons give Booleans.
Halide::Expr apply_scalar(ScalarOp op, std::span<const Halide::Expr> operands);

/// The larger one; NaN when either is NaN; `b` when both are equal.
Halide::Expr maximum(const Halide::Expr& a, const Halide::Expr& b);
Halide::Expr minimum(const Halide::Expr& a, const Halide::Expr& b);

/// ir/random.h in 32-bit arithmetic.
Halide::Expr random_uniform_expression(std::span<const Halide::Expr> integers, Halide::Type type);

}  // namespace cnnc
