// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// conv or dense, then batchnorm with its running statistics → conv or dense with scaled weights and a bias. What is computed
// for the new weights depends on weights and statistics alone, so split-prepare moves it out of the function.
#include <fmt/format.h>

#include "ir/rewrite.h"
#include "optimize/passes.h"

namespace cnnc {
namespace {

/// Whether the op computes each output channel from row `channel` of its weight (operand 1), with an optional bias (operand 2).
bool has_rows_of_weights(const Node& node) { return node.op->name == "conv" || node.op->name == "dense"; }

Replacement fold(Rewriter& rewriter, const Node& norm) {
  if (norm.op->name != "batchnorm") return std::nullopt;
  const Graph& old = rewriter.old_graph();
  const int32_t producer = old.value(norm.operands[0]).node;
  if (producer < 0 || !has_rows_of_weights(old.node(producer)) || rewriter.uses(norm.operands[0]) != 1) return std::nullopt;
  const Node& linear = old.node(producer);
  GraphBuilder& build = rewriter.build();
  const std::vector<ValueId> n = rewriter(norm.operands);      // x, weight, bias, running_mean, running_var
  const ValueId weight = rewriter(linear.operands[1]), bias = rewriter(linear.operands[2]);

  const double eps = std::get<double>(norm.attributes.at("eps"));
  const ValueId factor = build.map(fmt::format("x0 * (1 / sqrt(x1 + {}))", number_text(eps)), {n[1], n[4]});
  Dims per_row(build.type(weight).dims.size(), 1);
  per_row[0] = build.type(factor).dims[0];
  const ValueId new_weight = build.map("x0 * x1", {weight, build.reshape(factor, per_row)});
  const ValueId new_bias = bias.valid() ? build.map("(x0 - x1) * x2 + x3", {bias, n[3], factor, n[2]})
                                        : build.map("x0 - x1 * x2", {n[2], n[3], factor});
  build.set_origin(linear.layer, linear.location);
  const ValueId y = build.add(linear.op->name, {rewriter(linear.operands[0]), new_weight, new_bias}, linear.attributes);
  return std::vector<ValueId>{y, n[3], n[4]};
}

}  // namespace

Function fold_batchnorm(const Function& function) { return rewrite(function, {{"fold", fold}}); }

}  // namespace cnnc
