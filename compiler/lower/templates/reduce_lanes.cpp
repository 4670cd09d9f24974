// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `reduce.lanes`: over axes of the image and over the batch, of a value with images innermost. For each element of the result a
// few vectors of partial results run over groups and pixels in a fixed order; their lanes are combined last. Images beyond
// the batch are masked. Parallel over elements of the result. Parameters: partial (vectors).
#include <limits>

#include "ir/op.h"
#include "lower/numbers.h"
#include "lower/templates/tools.h"

namespace cnnc {
namespace {

using Halide::Expr;
using Halide::RDom;
using Halide::Var;

struct Operation {
  Expr neutral;
  std::function<Expr(const Expr&, const Expr&)> combine;
};

Operation operation(const std::string& name, Halide::Type type) {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto number = [&](double value) { return Halide::Internal::make_const(type, value); };
  if (name == "max") return {number(-infinity), [](const Expr& a, const Expr& b) { return maximum(a, b); }};
  if (name == "min") return {number(infinity), [](const Expr& a, const Expr& b) { return minimum(a, b); }};
  return {number(0), [](const Expr& a, const Expr& b) { return a + b; }};
}

}  // namespace

Halide::Pipeline build_reduce_lanes(KernelBuilder& builder) {
  const Node& node = builder.anchor();
  const Dims& axes = std::get<Dims>(node.attributes.at("axes"));
  const TensorType& type = builder.type(node.operands[0]);
  const Operation op = operation(std::get<std::string>(node.attributes.at("op")), halide_type(type.element));
  const auto lanes = int32(builder.plan().group), partial = int32(builder.parameter("partial"));
  builder.set_unroll_limit(16);

  // The innermost reduced axis is cut into `partial` interleaved parts.
  Halide::Region region;
  for (size_t i = axes.size(); i-- > 0;) {
    const auto extent = int32(type.dims[static_cast<size_t>(axes[i])]);
    region.emplace_back(0, i + 1 == axes.size() ? extent / partial : extent);
  }
  region.emplace_back(0, (builder.batch() + lanes - 1) / lanes);
  const RDom domain(region);

  const Var lane = KernelBuilder::lane_variable(), part("part");
  std::vector<Var> kept;                  // the result's coordinates, outermost first
  for (size_t axis = 0; axis < type.dims.size(); ++axis) kept.emplace_back("d" + std::to_string(axis));
  Spot spot{Coordinate::split(domain[domain.dimensions() - 1], lane, lanes), {}};
  for (const Var& axis : kept) spot.at.push_back(Coordinate::whole(axis));
  for (size_t i = 0; i < axes.size(); ++i) {
    Expr index = domain[static_cast<int>(axes.size() - 1 - i)];
    if (i + 1 == axes.size()) index = index * partial + part;
    spot.at[static_cast<size_t>(axes[i])] = Coordinate::whole(index);
  }
  std::vector<Var> variables = {lane, part};
  variables.insert(variables.end(), kept.rbegin(), kept.rend());

  Halide::Func sums("sums");
  const Expr element = builder.element(node.operands[0], spot);
  const Expr valid = spot.image.value < builder.batch();
  sums(variables) = op.neutral;
  sums(variables) = op.combine(sums(variables), select(valid, element, op.neutral));
  Halide::Func folded("folded");          // one vector: the parts combined
  std::vector<Var> folded_variables = {lane};
  folded_variables.insert(folded_variables.end(), kept.rbegin(), kept.rend());
  Expr fold;
  for (int32_t p = 0; p < partial; ++p) {
    std::vector<Expr> where = {lane, p};
    where.insert(where.end(), kept.rbegin(), kept.rend());
    fold = fold.defined() ? op.combine(fold, sums(where)) : sums(where);
  }
  folded(folded_variables) = fold;
  builder.provide(node.results[0], [=](const Spot& at) {
    Expr total;
    for (int32_t l = 0; l < lanes; ++l) {
      std::vector<Expr> where = {l};
      for (size_t i = at.at.size(); i-- > 0;) where.push_back(at.at[i].value);
      total = total.defined() ? op.combine(total, folded(where)) : folded(where);
    }
    return total;
  });

  Results results = define_results(builder);
  Halide::Func& func = results.func;
  sums.bound_extent(part, partial).vectorize(lane, lanes, Halide::TailStrategy::RoundUp).unroll(part);
  sums.update().vectorize(lane, lanes, Halide::TailStrategy::RoundUp).unroll(part);
  std::vector<Halide::VarOrRVar> order = {lane, part};
  for (int i = 0; i < domain.dimensions(); ++i) order.emplace_back(domain[i]);
  sums.update().reorder(order);
  folded.vectorize(lane, lanes, Halide::TailStrategy::RoundUp);
  keep_on_stack(sums);
  keep_on_stack(folded);
  if (kept.empty()) {
    sums.compute_root();
    folded.compute_root();
    return Halide::Pipeline(func);
  }
  // Loops over the axes that are kept; the outermost one of more than one step is parallel.
  sums.compute_at(func, results.stored.variables[0]);
  folded.compute_at(func, results.stored.variables[0]);
  const bool is_long = static_cast<double>(stored_bytes(type, builder.layout(node.operands[0]))) > 64 << 10;
  if (is_long && builder.type(node.results[0]).dims[0] > 1) func.parallel(results.stored.variables.back());
  return Halide::Pipeline(func);
}

}  // namespace cnnc
