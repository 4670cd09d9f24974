// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the templates share.
#include "lower/templates/tools.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lower/numbers.h"
#include "support/check.h"

namespace cnnc {

using Halide::Expr;
using Halide::Var;

Results define_results(KernelBuilder& builder, bool staged) {
  const std::vector<ValueId>& writes = builder.kernel().writes;
  Results results{Halide::Func("result"), builder.variables(writes[0]), Halide::Func("staged")};
  std::vector<Expr> elements;
  for (ValueId value : writes) {
    CNNC_CHECK(builder.type(value).dims == builder.type(writes[0]).dims && builder.layout(value).same_order(builder.layout(writes[0])),
               "results of one kernel lie in memory alike");
    elements.push_back(builder.element(value, results.stored.spot));
  }
  if (staged && elements.size() > 1) {
    results.staged(results.stored.variables) = Halide::Tuple(elements);
    const Halide::FuncRef values = results.staged(results.stored.variables);
    for (size_t i = 0; i < elements.size(); ++i) elements[i] = values[static_cast<int>(i)];
  }
  if (elements.size() == 1) {
    results.func(results.stored.variables) = elements[0];
  } else {
    results.func(results.stored.variables) = Halide::Tuple(elements);
  }
  const auto buffers = results.func.output_buffers();
  for (size_t i = 0; i < writes.size(); ++i) builder.fix_output(buffers[i], writes[i], i == 0);
  return results;
}

void parallelize(Halide::Func& func, const Var& loop, double cost_ns) {
  constexpr double kMostSteps = 1 << 20;
  const auto steps = static_cast<int32_t>(std::clamp(std::ceil(kTaskNs / std::max(cost_ns, 1e-3)), 1.0, kMostSteps));
  if (steps == 1) {
    func.parallel(loop);
    return;
  }
  const Var task("task");
  func.split(loop, task, loop, steps, Halide::TailStrategy::GuardWithIf).parallel(task);
}

double multiply_add_ns(const KernelBuilder& builder, double multiply_adds) {
  constexpr double kVectorsPerNs = 4;
  const ElementType element = builder.type(builder.kernel().writes[0]).element;
  return multiply_adds / (kVectorsPerNs * static_cast<double>(builder.target().lanes(element)));
}

double traffic_ns(double bytes) {
  constexpr double kBytesPerNs = 15;
  return bytes / kBytesPerNs;
}

Expr sum_tree(const std::function<Expr(int)>& element, int begin, int count) {
  if (count == 1) return element(begin);
  const int half = count / 2;
  return sum_tree(element, begin, half) + sum_tree(element, begin + half, count - half);
}

Combination combination_of(const Node& reduce, Halide::Type type) {
  const std::string& name = std::get<std::string>(reduce.attributes.at("op"));
  const double infinity = std::numeric_limits<double>::infinity();
  const auto number = [&](double value) { return Halide::Internal::make_const(type, value); };
  if (name == "max") return {number(-infinity), maximum};
  if (name == "min") return {number(infinity), minimum};
  return {number(0), [](const Expr& a, const Expr& b) { return a + b; }};
}

void schedule_reductions(KernelBuilder& builder, const Halide::Func& result, const Var& around, const std::string& vector_name, int32_t vector) {
  constexpr auto kTail = Halide::TailStrategy::RoundUp;
  for (ReductionFunc& reduction : builder.reductions())
    for (size_t i = 0; i < reduction.names.size(); ++i) {
      if (reduction.names[i] != vector_name || reduction.is_nested) continue;
      reduction.func.compute_at(result, around).vectorize(reduction.variables[i], vector, kTail);
      reduction.func.update().vectorize(reduction.variables[i], vector, kTail);
      keep_on_stack(reduction.func);
    }
}

Halide::Func provide_means(KernelBuilder& builder) {
  if (builder.kernel().means < 0) return {};
  return builder.keep(builder.graph().node(builder.kernel().means).results[0], "means");
}

void compute_means_at(KernelBuilder& builder, Halide::Func means, const Halide::Func& func, const Var& image) {
  if (!means.defined()) return;
  const ValueId value = builder.graph().node(builder.kernel().means).results[0];
  const std::vector<Var> variables = builder.variables(value).variables;
  const auto vector = int32(builder.layout(value).vector);
  means.compute_at(func, image).vectorize(variables[0], vector, Halide::TailStrategy::RoundUp);
  keep_on_stack(means);
  schedule_reductions(builder, means, variables[1], variables[0].name(), vector);
}

void keep_on_stack(Halide::Func& func) { func.store_in(Halide::MemoryType::Stack); }

}  // namespace cnnc
