// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Winograd's minimal filtering F(m, 3), m 2 or 4 (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2016):
// m x m outputs need (m+2)^2 products of a transformed tile of x (B^T d B) by a transformed filter (G g G^T), summed over the
// channels, and the inverse transform (A^T s A). The gradient towards a filter is F(3, m), with m x m of dy as the filter: the
// same transform of x, others for dy and the sums. Private to lower.
#pragma once
#include <Halide.h>

#include <functional>
#include <vector>

namespace cnnc {

/// B^T d: the transform of a row or column of x, m + 2 numbers.
std::vector<Halide::Expr> transform_image(int32_t m, const std::vector<Halide::Expr>& d);
/// G g: m + 2 numbers of three taps.
std::vector<Halide::Expr> transform_filter(int32_t m, const std::vector<Halide::Expr>& g);
/// A^T s: m results from the sums of m + 2 products.
std::vector<Halide::Expr> transform_back(int32_t m, const std::vector<Halide::Expr>& s);

/// G d, without the factors of its rows: m + 2 numbers of m of dy, for the gradient towards the filter, F(3, m).
std::vector<Halide::Expr> transform_output_gradient(int32_t m, const std::vector<Halide::Expr>& d);
/// A^T s with these factors: three taps from the sums of m + 2 products.
std::vector<Halide::Expr> transform_back_to_taps(int32_t m, const std::vector<Halide::Expr>& s);

using Transform = std::vector<Halide::Expr> (*)(int32_t m, const std::vector<Halide::Expr>&);
/// Number `which` (known once loops are unrolled) of what the transform makes of element(0) … element(count - 1).
Halide::Expr transformed(Transform transform, int32_t m, const Halide::Expr& which, int32_t count, const std::function<Halide::Expr(int32_t)>& element);

}  // namespace cnnc
