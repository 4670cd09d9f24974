// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the templates share: the function of all results, tasks of a parallel loop, sums over lanes. Private to lower.
#pragma once
#include <Halide.h>

#include <functional>

#include "lower/kernel_builder.h"

namespace cnnc {

/// All results of the kernel as one function (a tuple where there are several): they lie in memory alike.
struct Results {
  Halide::Func func;
  StoredVariables stored;
  Halide::Func staged;                   // defined on demand: all values at a place, before any is stored
  const Halide::Var& batch() const { return stored.variables.back(); }
};
/// `staged`: results may lie in the memory of operands, so everything that a step reads is read before it writes.
Results define_results(KernelBuilder& builder, bool staged = false);

/// What a task takes at least: a small share of it is the time until another thread, which is awake, begins it.
constexpr double kTaskNs = 4000;

/// Runs the loop over images or groups in parallel, in tasks of a fixed number of steps. `cost_ns`: of one step.
void parallelize(Halide::Func& func, const Halide::Var& loop, double cost_ns);

/// Nanoseconds that so many multiply-adds take in vectors, and that so many bytes take from the second-level cache.
double multiply_add_ns(const KernelBuilder& builder, double multiply_adds);
double traffic_ns(double bytes);

/// The sum of element(0) … element(count - 1) as a balanced tree.
Halide::Expr sum_tree(const std::function<Halide::Expr(int)>& element, int begin, int count);

/// What a `reduce` node combines elements with, and the number that changes nothing.
struct Combination {
  Halide::Expr neutral;
  std::function<Halide::Expr(const Halide::Expr&, const Halide::Expr&)> combine;
};
Combination combination_of(const Node& reduce, Halide::Type type);

/// Reductions that vectors of the result run over keep a vector of partial results each, inside the loop around the vector.
void schedule_reductions(KernelBuilder& builder, const Halide::Func& result, const Halide::Var& around, const std::string& vector_name, int32_t vector);

/// What a dense layer reads, a number for each channel of an image, comes from a scratch from here on, which the other function schedules:
/// for one image, a vector of channels at a time. Without such a kernel the function is undefined.
Halide::Func provide_means(KernelBuilder& builder);
void compute_means_at(KernelBuilder& builder, Halide::Func means, const Halide::Func& func, const Halide::Var& image);

/// Scratch of constant size: on the stack.
void keep_on_stack(Halide::Func& func);

/// RoundUp where tiles of `size` divide the extent, else `otherwise`.
inline Halide::TailStrategy tail(int32_t extent, int32_t size, Halide::TailStrategy otherwise = Halide::TailStrategy::ShiftInwards) {
  return extent % size == 0 ? Halide::TailStrategy::RoundUp : otherwise;
}

/// The variables themselves as a place.
inline std::vector<Halide::Expr> expressions(const std::vector<Halide::Var>& variables) { return {variables.begin(), variables.end()}; }

inline int32_t int32(int64_t value) { return static_cast<int32_t>(value); }

}  // namespace cnnc
