// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The text of a plan: what `--emit=kernels` prints.
#include <fmt/format.h>

#include "ir/op.h"
#include "schedule/plan.h"

namespace cnnc {
namespace {

std::string place_text(const Place& place) {
  switch (place.kind) {
    case Place::None: return "inlined";
    case Place::Flat: return fmt::format("buffer {} at {}", place.buffer, place.offset);
    case Place::Column: return fmt::format("column {}", place.buffer);
    case Place::Scalar: return fmt::format("scalar {}", place.buffer);
    case Place::Fixed: return fmt::format("workspace at {}", place.offset);
    case Place::Slot: return fmt::format("slot at {}", place.offset);
    case Place::PerGroup: return fmt::format("workspace at {} a group", place.offset);
    case Place::Constant: return fmt::format("constant {}", place.buffer);
  }
  return {};
}

std::string value_text(const FunctionPlan& plan, ValueId value) {
  const auto index = static_cast<size_t>(value.index);
  const Place& place = plan.places[index];
  const std::string text = fmt::format("%{} : {} {}, {}", value.index, to_string(plan.function->graph.type(value)), to_string(plan.layouts[index]), place_text(place));
  if (place.inner == 0) return text;
  return fmt::format("{}, from byte {} of {}", text, place.inner, plan.layouts[index].kind == LayoutKind::Lanes ? "a group" : "an image");
}

std::string chain_text(const FunctionPlan& plan, const Chain& chain) {
  return fmt::format("  chain of @{} to @{} : {} {} at a time, {} {} of {} bytes in the workspace at {}\n", plan.kernels[chain.first].name, plan.kernels[chain.end - 1].name,
                     chain.images, chain.images == 1 ? "image" : "images", chain.slots, chain.slots == 1 ? "slot" : "slots", chain.slot_bytes, chain.offset);
}

std::string kernel_text(const FunctionPlan& plan, const Kernel& kernel) {
  std::string text = fmt::format("  kernel @{} \"{}\" : {}", kernel.name, kernel.label, to_string(kernel.schedule));
  if (kernel.multiply_adds > 0) text += fmt::format("  // {} multiply-adds an image", kernel.multiply_adds);
  if (kernel.from_stanza) text += "  // from the schedule file";
  if (kernel.apart_from >= 0) text += fmt::format("  // apart from @{}: {}", plan.kernels[static_cast<size_t>(kernel.apart_from)].name, kernel.apart);
  text += "\n    ops";
  for (int32_t node : kernel.nodes) text += " " + plan.function->graph.node(node).op->name;
  text += "\n";
  for (ValueId value : kernel.reads) text += "    reads  " + value_text(plan, value) + "\n";
  for (ValueId value : kernel.writes) text += "    writes " + value_text(plan, value) + "\n";
  return text;
}

/// Layouts that the rules choose are seen where kernels read them.
std::string choice_text(const WeightsChoice& choice) {
  return choice.from_stanza ? fmt::format("  weights of \"{}\" : {}  // from the schedule file\n", choice.label, to_string(choice.weights)) : std::string();
}

}  // namespace

std::string to_string(const Schedule& schedule) {
  std::string text = schedule.name;
  const char* separator = "(";
  for (const auto& [name, value] : schedule.parameters) {
    text += fmt::format("{}{}: {}", separator, name, value);
    separator = ", ";
  }
  return schedule.parameters.empty() ? text : text + ")";
}

std::string to_string(const ModulePlan& plan, const Module& module) {
  std::string text = fmt::format("plan of {} for {}: {} bytes prepared\n", module.network, plan.target->name, plan.prepared_bytes);
  for (const FunctionPlan& function : plan.functions) {
    text += fmt::format("\nfunction @{}: {} {}, workspace {} bytes + {} bytes a group of {}\n", function.function->name,
                        function.kernels.size(), function.kernels.size() == 1 ? "kernel" : "kernels", function.workspace_fixed,
                        function.workspace_per_group, function.group);
    for (const WeightsChoice& choice : function.weights_choices) text += choice_text(choice);
    for (const Chain& chain : function.chains) text += chain_text(function, chain);
    for (const Kernel& kernel : function.kernels) text += kernel_text(function, kernel);
  }
  return text;
}

}  // namespace cnnc
