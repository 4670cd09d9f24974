// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// make_plan: the steps of steps.h on each function of a module.
#include "schedule/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/layer_names.h"
#include "ir/op.h"
#include "schedule/steps.h"
#include "support/check.h"

namespace cnnc {
namespace {

bool ends_with(std::string_view text, std::string_view end) { return text.size() >= end.size() && text.ends_with(end); }

/// What a reader finds in the source of a map that no layer made: the functions, divisions and powers of its formula, each once.
std::vector<std::string> functions_of(const Node& node) {
  std::vector<std::string> names;
  for (const ScalarExpression::Node& step : std::get<ScalarExpression>(node.attributes.at("f")).nodes()) {
    std::string name(scalar_function_name(step.op));
    if (step.op == ScalarOp::Divide) name = "division";
    if (step.op == ScalarOp::Power) name = "power";
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

/// The layer of a node; without one what it computes.
std::vector<std::string> names_of(const Node& node) {
  if (!node.layer.empty()) return {node.layer};
  if (node.op->name == "map") return functions_of(node);
  return {node.op->name};
}

/// "conv1+relu": the layers of the computed nodes, each once, forward where a kernel has nodes of both passes; "conv1+log" where a node
/// has no layer; "map" where all that is only adds, multiplies or copies.
std::string kernel_label(const Draft& draft, const Kernel& kernel) {
  std::vector<std::string> names;
  const auto is_named = [&](std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  bool computes = false;
  for (int32_t index : kernel.nodes) {
    if (draft.roles[static_cast<size_t>(index)] != NodeRole::Computed) continue;
    computes = true;
    const Node& node = draft.function->graph.node(index);
    for (std::string& name : names_of(node))
      if (!is_named(name) && !is_named(without_backward_mark(name))) names.push_back(std::move(name));
  }
  std::string label;
  for (const std::string& name : names) label += (label.empty() ? "" : "+") + name;
  return computes && label.empty() ? "map" : label;
}

double kernel_multiply_adds(const Draft& draft, const Kernel& kernel) {
  const Graph& graph = draft.function->graph;
  double total = 0;
  for (int32_t index : kernel.nodes) {
    const Node& node = graph.node(index);
    if (!node.op->multiply_adds) continue;
    std::vector<TensorType> types;
    for (ValueId operand : node.operands) types.push_back(operand.valid() ? graph.type(operand) : absent_type());
    total += node.op->multiply_adds(node.attributes, types);
  }
  return total;
}

/// New weights and moments may lie in the memory of the old ones: one kernel reads and writes them, element by element.
void check_update(const Draft& draft) {
  const auto writes_columns = [&](const Kernel& kernel) { return draft.function->graph.type(kernel.writes[0]).batched; };
  CNNC_CHECK(std::count_if(draft.kernels.begin(), draft.kernels.end(), writes_columns) <= 1,
             "an optimizer's update is one kernel: " + draft.function->name);
}

/// Images that a step of the batch loop covers: the lanes of the layout, where any value has one.
int64_t group_of(const Draft& draft) {
  for (const Layout& layout : draft.layouts)
    if (layout.kind == LayoutKind::Lanes) return layout.vector;
  return 1;
}

FunctionPlan plan_function(const Function& function, const PlanContext& context) {
  Draft draft = choose_layouts(function, purpose_of(function, context.options), context);
  fuse(draft, context);
  set_parameters(draft);
  if (draft.purpose == Purpose::Update) check_update(draft);
  choose_chains(draft, context);
  choose_schedules(draft, context);
  for (size_t i = 0; i < draft.kernels.size(); ++i) {
    Kernel& kernel = draft.kernels[i];
    kernel.name = fmt::format("k{}", i + 1);
    kernel.label = kernel_label(draft, kernel);
    kernel.multiply_adds = kernel_multiply_adds(draft, kernel);
    kernel.signature = kernel_signature(draft, kernel, context.target);
  }
  FunctionPlan plan;
  plan.owned = draft.function;
  plan.function = plan.owned.get();
  plan.group = group_of(draft);
  plan.layouts = draft.layouts;
  plan.weights_choices = std::move(draft.weights_choices);
  plan.places.resize(draft.layouts.size());
  plan.chains = draft.chains;
  place_ports(draft, context, plan);
  plan_memory(draft, plan);
  plan.kernels = std::move(draft.kernels);
  return plan;
}

/// Whether the node does nothing but bring its operand into another layout.
bool is_copy(const Draft& draft, const Node& node) {
  const auto layout = [&](ValueId value) { return draft.layouts[static_cast<size_t>(value.index)]; };
  return node.op->name == "map" && node.operands.size() == 1 && !(layout(node.operands[0]) == layout(node.results[0])) &&
         draft.function->graph.type(node.operands[0]) == draft.function->graph.type(node.results[0]) &&
         std::get<ScalarExpression>(node.attributes.at("f")) == ScalarExpression::argument(0);
}

/// The layouts in which inference reads what `prepare` makes: where every reader wants the same, or weights packed for tiles of
/// other sizes, it is made so once and for all.
std::map<std::string, Layout, std::less<>> prepared_layouts(const PlanContext& context) {
  std::map<std::string, std::vector<Layout>, std::less<>> wanted;
  for (const Function& function : context.module.functions) {
    if (purpose_of(function, context.options) != Purpose::Inference) continue;
    const Draft draft = choose_layouts(function, Purpose::Inference, context);
    std::map<ValueId, std::vector<Layout>> readers;
    for (const Node& node : draft.function->graph.nodes())
      for (ValueId operand : node.operands)
        if (operand.valid()) readers[operand].push_back(is_copy(draft, node) ? draft.layouts[static_cast<size_t>(node.results[0].index)] : Layout{});
    for (const Port& port : draft.function->arguments) {
      if (port.role != Role::Prepared) continue;
      const std::vector<Layout>& found = readers[port.value];
      wanted[port.name].insert(wanted[port.name].end(), found.begin(), found.end());
    }
  }
  std::map<std::string, Layout, std::less<>> layouts;
  for (const auto& [name, readers] : wanted) {
    const bool agree = !readers.empty() && std::all_of(readers.begin(), readers.end(), [&](const Layout& layout) {
      return layout == readers[0] || layout.serves(readers[0]);
    });
    layouts.emplace(name, agree ? readers[0] : Layout{});
  }
  return layouts;
}

/// Slots of what `prepare` makes, in its order.
std::vector<PreparedSlot> prepared_slots(PlanContext& context, int64_t& bytes) {
  std::vector<PreparedSlot> slots;
  bytes = 0;
  const Function* prepare = context.module.find("prepare");
  if (!prepare) return slots;
  const auto layouts = prepared_layouts(context);
  for (const Port& port : prepare->results) {
    const auto layout = layouts.find(port.name);
    PreparedSlot slot{port.name, prepare->graph.type(port.value), layout == layouts.end() ? Layout{} : layout->second, bytes};
    bytes += (stored_bytes(slot.type, slot.layout) + 63) / 64 * 64;
    context.prepared[port.name] = slot;
    slots.push_back(std::move(slot));
  }
  return slots;
}

}  // namespace

bool is_pool(const Node& node) {
  const std::string& op = node.op->name;
  return op.starts_with("maxpool") || op.starts_with("avgpool");
}

Purpose purpose_of(const Function& function, const PlanOptions& options) {
  if (options.plain) return Purpose::Plain;
  if (function.name == "prepare") return Purpose::Prepare;
  if (ends_with(function.name, ".gradients")) return Purpose::Training;
  if (ends_with(function.name, ".update")) return Purpose::Update;
  return Purpose::Inference;
}

int64_t planned_batch(const Function& function, Purpose purpose, const PlanContext& context) {
  if (purpose != Purpose::Training) return context.options.infer_batch;
  constexpr int64_t kUsual = 32;
  const std::string& name = function.name;
  const auto found = context.options.train_batch.find(name.substr(0, name.rfind('.')));
  return found == context.options.train_batch.end() ? kUsual : found->second;
}

ModulePlan make_plan(const Module& module, const Target& target, const PlanOptions& options) {
  PlanContext context{module, target, options, flat_layout(module), {}};
  ModulePlan plan;
  plan.target = &target;
  plan.flat = context.flat;
  plan.prepared = prepared_slots(context, plan.prepared_bytes);
  for (const Function& function : module.functions) plan.functions.push_back(plan_function(function, context));
  return plan;
}

}  // namespace cnnc
