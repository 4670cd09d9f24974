// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `elementwise`: each element of the result from its definition, vectors along the innermost dimension of the memory, parallel
// over the outermost dimension of all images or groups, or over chunks of a flat buffer. Short reductions (windows of pools) are
// written out, longer ones are loops around a vector of sums. Parameters: vector (elements), chunk (elements of a flat buffer in one
// task; 0: none).
// `pool`: the same for windows, where images or channels lie in vectors a tile of rows and columns at a time: neighbours share what they
// read, and conditions on remainders of the stride are decided when compiling. Parameters: vector, rows, columns.
#include <algorithm>

#include "lower/templates/tools.h"

namespace cnnc {
namespace {

using Halide::TailStrategy;
using Halide::Var;

/// Bytes that one step of the batch loop (or all of a value that has none) moves.
double step_bytes(const KernelBuilder& builder) {
  double bytes = 0;
  const auto count = [&](ValueId value) {
    const TensorType& type = builder.type(value);
    const bool spread = type.batched && builder.layout(value).kind != LayoutKind::Lanes;
    bytes += static_cast<double>(stored_bytes(type, builder.layout(value)) * (spread ? builder.plan().group : 1));
  };
  for (ValueId value : builder.kernel().reads) count(value);
  for (ValueId value : builder.kernel().writes) count(value);
  return bytes;
}

/// Places of an image that are computed together.
struct PlacesTogether {
  int32_t rows = 1, columns = 1;
};

Halide::Pipeline build_elements(KernelBuilder& builder, int32_t chunk, const PlacesTogether& tile) {
  constexpr int64_t kMostTerms = 16;
  builder.set_unroll_limit(kMostTerms);
  Results results = define_results(builder, chunk > 0);
  Halide::Func& func = results.func;
  const ValueId value = builder.kernel().writes[0];
  const TensorType& type = builder.type(value);
  const std::vector<Var>& variables = results.stored.variables;
  if (variables.empty()) return Halide::Pipeline(func);
  const auto vector = int32(builder.parameter("vector"));

  if (chunk > 0) {
    // Flat buffers hold whole vectors.
    const Var task("task"), step("step"), lane("lane");
    func.split(variables[0], step, lane, vector, TailStrategy::RoundUp).vectorize(lane)
        .split(step, task, step, std::max(1, chunk / vector), TailStrategy::GuardWithIf).parallel(task);
    if (results.staged.defined()) {
      results.staged.compute_at(func, step).vectorize(variables[0], vector, TailStrategy::RoundUp);
      keep_on_stack(results.staged);
    }
    return Halide::Pipeline(func);
  }

  const Var around("around");
  const Var innermost = variables[0];
  Var lanes("lanes");
  if (vector > 1) {
    const int64_t extent = stored_dims(type, builder.layout(value))[0].extent;
    func.split(innermost, around, lanes, vector, tail(int32(extent), vector)).vectorize(lanes);
    schedule_reductions(builder, func, around, innermost.name(), vector);
  }
  // Variables of the image, after the one that vectors run over.
  if (tile.columns > 1 || tile.rows > 1) {
    const Var x = variables[1], y = variables[2], xi("xi"), yi("yi");
    func.split(x, x, xi, tile.columns, TailStrategy::RoundUp).split(y, y, yi, tile.rows, TailStrategy::RoundUp);
    std::vector<Halide::VarOrRVar> order = vector > 1 ? std::vector<Halide::VarOrRVar>{lanes, around} : std::vector<Halide::VarOrRVar>{innermost};
    order.insert(order.end(), {xi, yi});
    for (size_t i = 1; i < variables.size(); ++i) order.emplace_back(variables[i]);
    func.reorder(order).unroll(xi).unroll(yi);
  }
  if (!type.batched) return Halide::Pipeline(func);
  // The outermost dimension of all images or groups is one loop, for the threads, unless vectors run over it.
  if (variables.size() < 3) {
    parallelize(func, results.batch(), traffic_ns(step_bytes(builder)));
  } else {
    const Var step("step"), outermost = variables[variables.size() - 2];
    func.fuse(outermost, results.batch(), step);
    parallelize(func, step, traffic_ns(step_bytes(builder)) / static_cast<double>(stored_dims(type, builder.layout(value))[variables.size() - 2].extent));
  }
  return Halide::Pipeline(func);
}

}  // namespace

Halide::Pipeline build_elementwise(KernelBuilder& builder) { return build_elements(builder, int32(builder.parameter("chunk")), {}); }

Halide::Pipeline build_pool(KernelBuilder& builder) {
  return build_elements(builder, 0, {int32(builder.parameter("rows")), int32(builder.parameter("columns"))});
}

}  // namespace cnnc
