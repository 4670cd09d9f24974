// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which templates compute a kernel, and the rules of each but for those of convolutions: what its code in lower/templates relies on.
#include "schedule/legal.h"

#include "ir/op.h"
#include "schedule/reductions.h"
#include "schedule/rules.h"

namespace cnnc {
namespace {

/// A vector along the innermost dimension of a result in memory, of so many elements.
void vector_along(Rules& rules, const Layout& layout, int64_t extent, int64_t lanes) {
  if (layout.kind == LayoutKind::Lanes) {
    rules.equals("vector", layout.vector, "vectors hold images");
  } else {
    rules.vector(std::min(extent, lanes));
  }
}

}  // namespace

LegalSchedules::LegalSchedules(const Draft& draft, const PlanContext& context)
    : draft_(draft), graph_(draft.function->graph), target_(context.target), precise_(context.options.precise) {
  for (const Layout& layout : draft.layouts)
    if (layout.kind == LayoutKind::Lanes) group_ = layout.vector;
}

std::vector<std::string_view> LegalSchedules::templates(const Kernel& kernel) const {
  std::vector<std::string_view> found;
  if (draft_.purpose == Purpose::Plain) return {"plain"};
  if (layout(kernel.writes[0]).kind == LayoutKind::Winograd) return {"conv.winograd_weights"};
  const ElementType element = graph_.type(computed_value(graph_, kernel)).element;
  if (kernel.anchor >= 0 && (element == ElementType::F32 || element == ElementType::F64)) {
    const Node& node = graph_.node(kernel.anchor);
    const std::string& op = node.op->name;
    const ValueId x = node.operands[0], y = node.results[0];
    const ValueId second = node.operands.size() > 1 ? node.operands[1] : x;
    if (layout(second).kind == LayoutKind::Winograd) return {is_lanes(y) ? "conv.lanes_winograd" : "conv.winograd"};
    if (op == "conv" && layout(y).kind == LayoutKind::Blocked) {
      if (kernel.depthwise >= 0) return {"conv.separable"};
      const ConvNumbers c = conv_numbers(graph_, node);
      found.push_back(c.is_depthwise() ? "conv.depthwise" : "conv.direct");
      if (kernel.pool < 0 && sums_in_chunks(c, layout(x))) found.push_back("conv.chunks");
      if (kernel.pool < 0 && is_pointwise(c, layout(x))) found.push_back("conv.pointwise");
    }
    if (op == "conv" && is_planar(y) && is_planar(x)) found.push_back("conv.planar");
    if (op == "conv" && is_lanes(y) && is_lanes(x)) found.push_back("conv.lanes");
    if (op == "conv_grad_input" && is_lanes(y) && is_lanes(x)) {
      if (conv_numbers(graph_, node).of_gradient()) found.push_back("conv.lanes");
      found.push_back("conv.lanes_grad_input");
    }
    if (op == "conv_grad_weight" && is_lanes(x) && is_lanes(second)) {
      found.push_back("conv.lanes_grad_weight");
      if (!precise_ && element == ElementType::F32 && allows_winograd(conv_numbers(graph_, node))) found.push_back("conv.lanes_winograd_grad_weight");
    }
    if (op == "dense" && is_lanes(x) && is_lanes(y)) found.push_back("dense.lanes");
    if (op == "dense_grad_input" && is_lanes(x) && is_lanes(y)) found.push_back("dense.lanes_grad_input");
    if (op == "dense_grad_weight" && is_lanes(x) && is_lanes(second)) found.push_back("dense.lanes_grad_weight");
    if (op == "dense" && is_planar(x) && is_planar(y) && is_planar(second)) found.push_back("dense.vector");
    if (op == "dense" && is_planar(x) && is_planar(y) && layout(second).kind == LayoutKind::Packed) found.push_back("dense.packed");
    const auto reduces_lanes = [&] { return std::get<bool>(node.attributes.at("batch")) || (is_lanes(y) && !std::get<Dims>(node.attributes.at("axes")).empty()); };
    if (!kernel.row_nodes.empty()) return {"softmax"};
    if (op == "reduce" && reduction_passes(graph_, kernel).size() > 1) return {"norm.lanes"};
    if (op == "reduce" && is_lanes(x) && reduces_lanes()) found.push_back("reduce.lanes");
  }
  if (kernel.pool >= 0 || kernel.means >= 0) return found;
  if (kernel.anchor >= 0 && is_pool(graph_.node(kernel.anchor))) found.push_back("pool");
  found.push_back("elementwise");
  // The new weights may lie in the memory of the old ones: `elementwise` reads all of a step before it writes.
  if (draft_.purpose != Purpose::Update) found.push_back("plain");
  return found;
}

std::optional<std::string> LegalSchedules::complaint(const Kernel& kernel, const Schedule& schedule) const {
  if (const auto complaint = check_schedule(schedule)) return complaint;
  const auto possible = templates(kernel);
  if (std::find(possible.begin(), possible.end(), schedule.name) == possible.end())
    return fmt::format("`{}` does not compute this kernel; there are {}", schedule.name, fmt::join(possible, ", "));
  const auto is = [&](std::string_view name) { return schedule.name == name; };
  if (is("plain") || is("conv.winograd_weights")) return {};
  if (is("elementwise")) return elementwise(kernel, schedule);
  if (is("pool")) return pool(kernel, schedule);
  const Node& node = graph_.node(kernel.anchor);
  if (is("conv.lanes") || is("conv.planar")) return conv(kernel, schedule);
  if (is("conv.depthwise")) return conv_depthwise(node, schedule);
  if (is("conv.direct")) return conv_direct(kernel, schedule);
  if (is("conv.chunks")) return conv_chunks(node, schedule, false);
  if (is("conv.pointwise")) return conv_chunks(node, schedule, true);
  if (is("conv.separable")) return conv_separable(node, schedule);
  if (is("conv.winograd") || is("conv.lanes_winograd")) return winograd(node, schedule);
  if (is("conv.lanes_grad_input")) return conv_grad_input(node, schedule);
  if (is("conv.lanes_grad_weight")) return conv_grad_weight(node, schedule);
  if (is("conv.lanes_winograd_grad_weight")) return winograd_grad_weight(node, schedule);
  if (is("dense.lanes") || is("dense.lanes_grad_input")) return dense(node, schedule);
  if (is("dense.lanes_grad_weight")) return dense_grad_weight(node, schedule);
  if (is("dense.packed")) return dense_packed(kernel, schedule);
  if (is("dense.vector")) return dense_vector(kernel, schedule);
  if (is("softmax")) return softmax(node, schedule);
  return reduce(node, schedule);
}

std::optional<std::string> LegalSchedules::dense(const Node& node, const Schedule& schedule) const {
  const int64_t outputs = graph_.type(node.results[0]).dims[0];
  Rules rules(schedule);
  for (const char* name : {"outputs", "single"}) rules.at_most(name, outputs, "a tile has no more outputs than the layer");
  rules.registers(tile_registers(rules["groups"], rules["outputs"]), target_.vector_registers);
  rules.registers(tile_registers(1, rules["single"]), target_.vector_registers);
  if (rules["chunk"] > 0) {
    rules.divides("chunk", graph_.type(node.operands[0]).dims[0], "inputs");
    rules.scratch(DenseGroup{rules["outputs"], rules["tasks"], rules["groups"]}.bytes(outputs, group_ * element_bytes(graph_.type(node.results[0]).element)));
  }
  return rules.result();
}

std::optional<std::string> LegalSchedules::dense_grad_weight(const Node& node, const Schedule& schedule) const {
  const ValueId weight = node.results[0];
  const Dims& dims = graph_.type(weight).dims;
  Rules rules(schedule);
  rules.vector(std::min(lanes_of(weight), dims[1]));
  rules.at_most("vectors", dims[1] / rules["vector"], "a tile has no more inputs than the layer");
  rules.at_most("outputs", dims[0], "a tile has no more outputs than the layer");
  rules.registers(tile_registers(rules["vectors"], rules["outputs"]), target_.vector_registers);
  rules.at_most("block", dims[0], "a block has no more outputs than the layer");
  if (rules["block"] % rules["outputs"] != 0 && rules["block"] != dims[0]) rules.complain("block", "a multiple of `outputs`, or all outputs");
  const int64_t bytes = element_bytes(graph_.type(weight).element), images = rules["chunk"] * group_;
  const int64_t tile = rules["vector"] * rules["vectors"], strip = tile * rules["tiles"];
  rules.at_most("tiles", dims[1] / tile, "there are no more tiles than the inputs fill");
  rules.scratch(rules["block"] * strip * bytes);
  rules.scratch(images * std::max(strip, rules["block"]) * bytes);
  return rules.result();
}

std::optional<std::string_view> LegalSchedules::takes_single_images(const Kernel& kernel) const {
  if (kernel.means >= 0) return "the means of an image are computed for it alone";
  if (!graph_.type(graph_.node(kernel.anchor).results[0]).batched) return "the result has no images";
  return {};
}

std::optional<std::string> LegalSchedules::dense_packed(const Kernel& kernel, const Schedule& schedule) const {
  const Node& node = graph_.node(kernel.anchor);
  Rules rules(schedule);
  rules.equals("blocks", layout(node.operands[1]).tile.at(1), "so the weights are packed");
  rules.registers(tile_registers(rules["blocks"], rules["images"]), target_.vector_registers);
  if (const auto why = takes_single_images(kernel)) rules.equals("images", 1, *why);
  rules.divides("chunk", graph_.type(node.operands[0]).dims[0], "inputs");
  rules.divides("unroll", rules["chunk"], "inputs of a chunk");
  return rules.result();
}

std::optional<std::string> LegalSchedules::dense_vector(const Kernel& kernel, const Schedule& schedule) const {
  const Node& node = graph_.node(kernel.anchor);
  Rules rules(schedule);
  rules.vector(std::min(lanes_of(node.results[0]), graph_.type(node.operands[0]).dims[0]));
  rules.at_most("rows", graph_.type(node.results[0]).dims[0], "a tile has no more outputs than the layer");
  rules.registers(tile_registers(rules["images"], rules["rows"]), target_.vector_registers);
  const TensorType &x = graph_.type(node.operands[0]), &y = graph_.type(node.results[0]);
  if (const auto why = takes_single_images(kernel)) {
    for (const char* name : {"images", "group"}) rules.equals(name, 1, *why);
    rules.equals("chunk", 0, *why);
  }
  if (rules["chunk"] == 0) {
    rules.equals("group", 1, "without a chunk no sums lie in memory");
    return rules.result();
  }
  rules.divides("chunk", x.dims[0] / rules["vector"], "whole vectors of inputs");
  rules.divides("images", rules["group"], "images whose sums lie in memory");
  rules.scratch(DenseGroup{rules["rows"], rules["tasks"], rules["group"]}.bytes(y.dims[0], rules["vector"] * element_bytes(y.element)));
  return rules.result();
}

std::optional<std::string> LegalSchedules::elementwise(const Kernel& kernel, const Schedule& schedule) const {
  const ValueId value = kernel.writes[0];
  const auto dims = stored_dims(graph_.type(value), layout(value));
  const bool is_flat = draft_.purpose == Purpose::Update;
  Rules rules(schedule);
  if (layout(value).kind == LayoutKind::Packed || dims.empty() || dims[0].is_batch) {
    if (!is_flat) rules.equals("vector", 1, "the result has no row of several elements");
  } else {
    vector_along(rules, layout(value), dims[0].extent, lanes_of(value));
  }
  if (is_flat) {
    rules.vector(lanes_of(value));
    if (rules["chunk"] < rules["vector"]) rules.complain("chunk", "at least a vector");
  } else {
    rules.equals("chunk", 0, "the result is no flat buffer");
  }
  return rules.result();
}

std::optional<std::string> LegalSchedules::pool(const Kernel& kernel, const Schedule& schedule) const {
  const ValueId value = kernel.writes[0];
  const TensorType& type = graph_.type(value);
  Rules rules(schedule);
  vector_along(rules, layout(value), stored_dims(type, layout(value))[0].extent, lanes_of(value));
  for (const auto& [name, axis] : {std::pair{"rows", size_t{1}}, std::pair{"columns", size_t{2}}}) {
    if (is_planar(value)) {
      rules.equals(name, 1, "tiles are for images or channels in vectors");
    } else {
      rules.divides(name, type.dims[axis], "of the result");
    }
  }
  // A tile is written out: larger ones take minutes to compile.
  constexpr int64_t kMostPlaces = 16;
  if (rules["rows"] * rules["columns"] > kMostPlaces) rules.complain("columns", fmt::format("at most {}: a tile has at most {} places", kMostPlaces / rules["rows"], kMostPlaces));
  return rules.result();
}

std::optional<std::string> LegalSchedules::softmax(const Node& node, const Schedule& schedule) const {
  const ValueId x = node.operands[0];
  const Dims &axes = std::get<Dims>(node.attributes.at("axes")), &dims = graph_.type(x).dims;
  Rules rules(schedule);
  vector_along(rules, layout(x), dims.back(), lanes_of(x));
  const bool along = reduces_innermost(graph_, node, layout(x));
  const int64_t elements = dims[static_cast<size_t>(axes.back())];
  rules.divides("partial", along ? ceil_divide(elements, rules["vector"]) : elements, along ? "vectors of a row's innermost axis" : "elements of a row's innermost axis");
  return rules.result();
}

std::optional<std::string> LegalSchedules::reduce(const Node& node, const Schedule& schedule) const {
  const Dims& axes = std::get<Dims>(node.attributes.at("axes"));
  Rules rules(schedule);
  rules.divides("partial", axes.empty() ? 1 : graph_.type(node.operands[0]).dims[static_cast<size_t>(axes.back())], "elements of the innermost axis");
  return rules.result();
}

}  // namespace cnnc
