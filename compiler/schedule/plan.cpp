// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// make_plan: the steps of steps.h on each function of a module.
#include "schedule/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/op.h"
#include "schedule/steps.h"
#include "support/check.h"

namespace cnnc {
namespace {

bool ends_with(std::string_view text, std::string_view end) { return text.size() >= end.size() && text.ends_with(end); }

Purpose purpose_of(const Function& function, const PlanOptions& options) {
  if (options.plain) return Purpose::Plain;
  if (function.name == "prepare") return Purpose::Prepare;
  if (ends_with(function.name, ".gradients")) return Purpose::Training;
  if (ends_with(function.name, ".update")) return Purpose::Update;
  return Purpose::Inference;
}

/// "conv1+relu": the layers of the computed nodes, each once; the op where a node has no layer.
std::string kernel_label(const Draft& draft, const Kernel& kernel) {
  std::vector<std::string> names;
  for (int32_t index : kernel.nodes) {
    if (draft.roles[static_cast<size_t>(index)] != NodeRole::Computed) continue;
    const Node& node = draft.function->graph.node(index);
    const std::string& name = node.layer.empty() ? node.op->name : node.layer;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  std::string label;
  for (const std::string& name : names) label += (label.empty() ? "" : "+") + name;
  return label;
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
  plan.places.resize(draft.layouts.size());
  place_ports(draft, context, plan);
  plan_memory(draft, plan);
  plan.kernels = std::move(draft.kernels);
  return plan;
}

/// Slots of what `prepare` makes, in its order. All planar: no template for inference packs its weights yet.
std::vector<PreparedSlot> prepared_slots(PlanContext& context, int64_t& bytes) {
  std::vector<PreparedSlot> slots;
  bytes = 0;
  const Function* prepare = context.module.find("prepare");
  if (!prepare) return slots;
  for (const Port& port : prepare->results) {
    PreparedSlot slot{port.name, prepare->graph.type(port.value), {}, bytes};
    bytes += (stored_bytes(slot.type, slot.layout) + 63) / 64 * 64;
    context.prepared[port.name] = slot;
    slots.push_back(std::move(slot));
  }
  return slots;
}

}  // namespace

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
