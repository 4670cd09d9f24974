// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The first simple rule: which template computes a kernel, with which parameters. Tiles fill the registers, never more; among
// those the one with the best share of useful work and the fewest loads for a multiply-add wins.
#include <map>

#include "schedule/chooser.h"
#include "schedule/reductions.h"
#include "schedule/templates.h"
#include "schedule/vary.h"
#include "support/check.h"

namespace cnnc {

Schedule Chooser::choose(const Kernel& kernel, int64_t batch) const {
  if (draft_.purpose == Purpose::Plain) return {"plain", {}};
  if (layout(kernel.writes[0]).kind == LayoutKind::Winograd) return {"conv.winograd_weights", {}};
  const TensorType& type = graph_.type(computed_value(graph_, kernel));
  const bool vectors = type.element == ElementType::F32 || type.element == ElementType::F64;
  if (kernel.anchor >= 0 && vectors) {
    const Node& node = graph_.node(kernel.anchor);
    const std::string& op = node.op->name;
    if (node.operands.size() > 1 && layout(node.operands[1]).kind == LayoutKind::Winograd) return winograd(node, batch);
    if (op == "conv") return conv(kernel, batch);
    if (op == "conv_grad_input" && is_lanes(node.results[0]) && is_lanes(node.operands[0])) return conv_grad_input(node, kernel, batch);
    if (op == "conv_grad_weight" && is_lanes(node.operands[0]) && is_lanes(node.operands[1])) return conv_grad_weight(node, kernel, batch);
    if (op == "dense" || op == "dense_grad_input") return dense(node, kernel, batch);
    if (op == "dense_grad_weight" && is_lanes(node.operands[0]) && is_lanes(node.operands[1])) return dense_grad_weight(node, batch);
    if (!kernel.row_nodes.empty()) return softmax(node);
    const bool has_passes = op == "reduce" && reduction_passes(graph_, kernel).size() > 1;
    if (has_passes) return reduce("norm.lanes", node);
    if (op == "reduce" && is_lanes(node.operands[0]) && (std::get<bool>(node.attributes.at("batch")) || (is_lanes(node.results[0]) && reduces_long_rows(graph_, node)))) return reduce("reduce.lanes", node);
  }
  return kernel.anchor >= 0 && is_pool(graph_.node(kernel.anchor)) ? pool(kernel) : elementwise(kernel);
}

Schedule Chooser::elementwise(const Kernel& kernel) const {
  const ValueId value = kernel.writes[0];
  const TensorType& type = graph_.type(value);
  Schedule schedule{"elementwise", {{"vector", 1}, {"chunk", 0}}};
  auto& p = schedule.parameters;
  const auto dims = stored_dims(type, layout(value));
  if (layout(value).kind == LayoutKind::Packed || dims.empty()) return schedule;
  if (draft_.purpose == Purpose::Update) {
    p["vector"] = lanes_of(value), p["chunk"] = 16384;
    return schedule;
  }
  if (dims[0].is_batch) return schedule;
  p["vector"] = power_of_two_below(std::min<int64_t>(dims[0].extent, lanes_of(value)));
  if (is_lanes(value)) p["vector"] = group_;
  return schedule;
}

Schedule Chooser::pool(const Kernel& kernel) const {
  const int64_t vector = elementwise(kernel).parameters.at("vector");
  const Node& node = graph_.node(kernel.anchor);
  int64_t columns = 1, rows = 1;
  constexpr int64_t kMost = 4;
  const Dims &stride = std::get<Dims>(node.attributes.at("stride")), &dims = graph_.type(kernel.writes[0]).dims;
  if (is_lanes(kernel.writes[0]) && node.op->name.ends_with("_grad")) {
    // The gradient of a window: places with one remainder of the stride meet one set of windows.
    if (stride[0] <= kMost && dims[1] % stride[0] == 0) rows = stride[0];
    if (stride[1] <= kMost && dims[2] % stride[1] == 0) columns = stride[1];
  } else if (layout(kernel.writes[0]).kind == LayoutKind::Blocked && std::get<Dims>(node.attributes.at("kernel"))[1] > stride[1]) {
    columns = largest_divisor(dims[2], kMost);   // neighbours share what they read
  }
  return {"pool", {{"vector", vector}, {"columns", columns}, {"rows", rows}}};
}

Schedule Chooser::reduce(const char* name, const Node& node) const {
  const Dims& axes = std::get<Dims>(node.attributes.at("axes"));
  const int64_t extent = axes.empty() ? 1 : graph_.type(node.operands[0]).dims[static_cast<size_t>(axes.back())];
  return {name, {{"partial", largest_divisor(extent, 8)}}};
}

Schedule Chooser::softmax(const Node& node) const {
  const ValueId x = node.operands[0];
  if (is_lanes(x)) {
    Schedule schedule = reduce("softmax", node);
    schedule.parameters["vector"] = group_;
    return schedule;
  }
  const int64_t extent = graph_.type(x).dims.back(), lanes = lanes_of(x);
  // Vectors that fill a row need no mask.
  const int64_t filling = extent & -extent;
  const int64_t vector = 2 * filling >= lanes ? std::min(filling, lanes) : power_of_two_below(std::min(extent, lanes));
  const int64_t elements = graph_.type(x).dims[static_cast<size_t>(std::get<Dims>(node.attributes.at("axes")).back())];
  return {"softmax", {{"vector", vector}, {"partial", largest_divisor(reduces_innermost(graph_, node, layout(x)) ? ceil_divide(elements, vector) : elements, 8)}}};
}

void choose_schedules(Draft& draft, const PlanContext& context) {
  const Chooser chooser(draft, context);
  const LegalSchedules legal(draft, context);
  // Kernels with one key have one schedule, as in a file, also in chains for different numbers of images.
  const int64_t planned = planned_batch(*draft.function, draft.purpose, context);
  std::map<uint64_t, int64_t> batches;
  for (size_t k = 0; k < draft.kernels.size(); ++k) {
    Kernel& kernel = draft.kernels[k];
    kernel.key = kernel_key(draft, kernel);
    int64_t& batch = batches[kernel.key.hash];
    batch = std::max(batch, images_at_once(draft.chains, k, planned));
  }
  for (Kernel& kernel : draft.kernels) {
    kernel.schedule = chooser.choose(kernel, batches.at(kernel.key.hash));
    const auto complaint = legal.complaint(kernel, kernel.schedule);
    CNNC_CHECK(!complaint, *complaint);
    if (context.options.stanzas) use_stanza(*context.options.stanzas, legal, context.target, kernel);
    if (context.options.variation == 0) continue;
    kernel.signature = kernel_signature(draft, kernel, context.target);
    kernel.schedule = varied_schedule(legal, kernel, context.options.variation);
  }
}

}  // namespace cnnc
