// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The reverse walk: from the loss back through every node that a weight reaches, asking each op's rule.
#include "autodiff/differentiate.h"

#include <fmt/format.h>

#include "autodiff/gradient_builder.h"
#include "ir/layer_names.h"
#include "ir/rewrite.h"
#include "support/check.h"

namespace cnnc {
namespace {

/// By value: whether it depends on a weight through ops that have a gradient rule. Whole numbers (labels, places of maxima) have no
/// gradient.
std::vector<bool> reached_by_weights(const Function& function) {
  std::vector<bool> reached(static_cast<size_t>(function.graph.value_count()));
  for (const Port& port : function.arguments) {
    if (port.role == Role::Weight) reached[static_cast<size_t>(port.value.index)] = true;
  }
  for (const Node& node : function.graph.nodes()) {
    bool any = false;
    for (const ValueId operand : node.operands) any = any || (operand.valid() && reached[static_cast<size_t>(operand.index)]);
    CNNC_CHECK(!any || node.op->gradient || !node.op->expand,
               fmt::format("`{}` was expanded before differentiation", node.op->name));
    if (!any || !node.op->gradient) continue;
    for (const ValueId result : node.results) {
      const ElementType element = function.graph.type(result).element;
      reached[static_cast<size_t>(result.index)] = element == ElementType::F32 || element == ElementType::F64;
    }
  }
  return reached;
}

class ReverseWalk {
 public:
  explicit ReverseWalk(Function& function)
      : function_(function),
        builder_(function.graph),
        forward_nodes_(static_cast<int32_t>(function.graph.nodes().size())),
        reached_(reached_by_weights(function)),
        gradients_(static_cast<size_t>(function.graph.value_count())) {}

  /// `seed` is the gradient of `from`; afterwards gradient() knows those of all weights.
  void run(ValueId from, ValueId seed) {
    add(from, seed);
    for (int32_t i = forward_nodes_; i-- > 0;) visit(i);
  }

  ValueId gradient(ValueId value) const { return gradients_[static_cast<size_t>(value.index)]; }
  bool reached(ValueId value) const { return reached_[static_cast<size_t>(value.index)]; }
  GraphBuilder& build() { return builder_; }

 private:
  void add(ValueId value, ValueId gradient) {
    ValueId& sum = gradients_[static_cast<size_t>(value.index)];
    sum = sum.valid() ? builder_.map("x0 + x1", {sum, gradient}) : gradient;
  }

  void visit(int32_t index) {
    const Node node = function_.graph.node(index);       // a copy: the graph grows
    if (!node.op->gradient) return;
    std::vector<ValueId> of_results;
    bool any_result = false;
    for (const ValueId result : node.results) {
      of_results.push_back(gradient(result));
      any_result = any_result || of_results.back().valid();
    }
    std::vector<bool> needed;
    bool any_operand = false;
    for (const ValueId operand : node.operands) {
      needed.push_back(operand.valid() && reached(operand));
      any_operand = any_operand || needed.back();
    }
    if (!any_result || !any_operand) return;
    builder_.set_origin(backward_name(node.layer), node.location);
    GradientBuilder rule(builder_, node, std::move(of_results), std::move(needed));
    node.op->gradient(node.attributes, rule);
    for (size_t i = 0; i < node.operands.size(); ++i) {
      const ValueId found = rule.operand_gradients()[i];
      if (found.valid()) add(node.operands[i], found);
    }
  }

  Function& function_;
  GraphBuilder builder_;
  int32_t forward_nodes_;              // those before the walk; it adds the others, the seed's included
  std::vector<bool> reached_;          // by value of the forward pass, as gradients_
  std::vector<ValueId> gradients_;
};

constexpr std::string_view kSuffix = ".loss";

/// "finetune.loss" → "finetune.gradients".
std::string gradients_name(const std::string& name) { return name.substr(0, name.size() - kSuffix.size()) + ".gradients"; }

const Port* find_loss(const Function& function) {
  for (const Port& port : function.results) {
    if (port.role == Role::Loss) return &port;
  }
  return nullptr;
}

}  // namespace

std::string why_not_differentiable(const Function& loss) {
  if (!loss.name.ends_with(kSuffix)) return fmt::format("`{}` is not named RECIPE.loss", loss.name);
  const Port* target = find_loss(loss);
  if (target == nullptr) return fmt::format("`{}` has no result of the role `loss`", loss.name);
  const TensorType type = loss.graph.type(target->value);
  if (!type.batched || !type.dims.empty()) return fmt::format("the loss of `{}` is {}, not one number for each image", loss.name, to_string(type));
  for (const Node& node : loss.graph.nodes()) {
    if (node.op->expand && !node.op->gradient) return fmt::format("`{}` has no gradient of its own: run expand-for-autodiff before", node.op->name);
  }
  return {};
}

Function differentiate(const Function& loss) {
  const std::string refusal = why_not_differentiable(loss);
  CNNC_CHECK(refusal.empty(), refusal);
  const Port* target = find_loss(loss);
  const TensorType type = loss.graph.type(target->value);

  Function result = loss;
  result.name = gradients_name(loss.name);
  const ValueId images = result.graph.add_argument({type.element, false, {}});
  result.arguments.push_back({"images", Role::Scalar, images});
  ReverseWalk walk(result);
  if (walk.reached(target->value)) {
    const ValueId share = walk.build().map("1 / x0", {images});
    walk.run(target->value, walk.build().add("broadcast", {share}, {{"dims", Dims{}}, {"batched", true}}));
  }

  result.results.clear();
  const auto keep = [&](Role role) {
    for (const Port& port : loss.results) {
      if (port.role == role) result.results.push_back(port);
    }
  };
  keep(Role::Loss);
  keep(Role::Metric);
  walk.build().set_origin("", {});
  for (const Port& port : loss.arguments) {
    if (port.role != Role::Weight) continue;
    ValueId gradient = walk.gradient(port.value);
    if (!gradient.valid()) {
      const TensorType weight = loss.graph.type(port.value);
      gradient = walk.build().add("constant", {}, {{"dims", weight.dims}, {"values", Numbers{0.0}},
                                                   {"element", std::string(element_name(weight.element))}});
    }
    result.results.push_back({port.name, Role::Gradient, gradient});
  }
  keep(Role::State);
  return remove_dead_nodes(result);
}

}  // namespace cnnc
