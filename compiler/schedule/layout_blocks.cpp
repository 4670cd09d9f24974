// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which images inference keeps in blocks of channels, and how they are read.
#include <algorithm>

#include "schedule/layout_chooser.h"
#include "schedule/schedule_file.h"
#include "schedule/vary.h"

namespace cnnc {

bool LayoutChooser::may_make_blocks(const Node& node) const {
  if (purpose_ != Purpose::Inference || lanes_ < 2) return false;
  const TensorType& type = source_->graph.type(node.results[0]);
  return type.dims.size() == 3 && type.element == network_element();
}

bool LayoutChooser::convolves_to_blocks(const Node& conv) const {
  const ConvNumbers c = numbers(conv);
  const bool from_blocks = is_blocked(conv.operands[0]);
  if (const Schedule* fixed = fixed_weights(conv)) return fixed->name != "planar";
  const uint64_t variation = context_.options.variation;
  if (variation != 0) return allows_blocks(c, from_blocks, lanes_) && varied_choice(variation, text_of(conv), 2) == 0;
  return prefers_blocks(c, from_blocks, lanes_, context_.target.vector_registers);
}

bool LayoutChooser::makes_blocks(const Node& node) const {
  if (!may_make_blocks(node)) return false;
  const std::string& op = node.op->name;
  if (op == "conv") return convolves_to_blocks(node);
  if (op == "maxpool" || op == "avgpool") return is_blocked(node.operands[0]);
  if (op == "reduce") {
    const Dims& axes = std::get<Dims>(node.attributes.at("axes"));
    return is_blocked(node.operands[0]) && (axes.empty() || axes[0] > 0) && !std::get<bool>(node.attributes.at("batch"));
  }
  if (op == "slice") {
    const auto number = [&](const char* name) { return std::get<int64_t>(node.attributes.at(name)); };
    return number("axis") == 0 && fills_blocks(node.operands[0]) && number("begin") % lanes_ == 0 && number("end") % lanes_ == 0;
  }
  if (op == "concat") {
    const bool joins_channels = std::get<int64_t>(node.attributes.at("axis")) == 0;
    return joins_channels && std::all_of(node.operands.begin(), node.operands.end(), [&](ValueId v) { return fills_blocks(v); });
  }
  if (op != "map" || std::any_of(node.operands.begin(), node.operands.end(), [&](ValueId v) { return reduces_channels(v); })) return false;
  return std::any_of(node.operands.begin(), node.operands.end(), [&](ValueId v) {
    return is_blocked(v) && source_->graph.type(v).dims == source_->graph.type(node.results[0]).dims;
  });
}

bool LayoutChooser::reduces_channels(ValueId old) const {
  const int32_t producer = source_->graph.value(old).node;
  if (producer < 0 || source_->graph.node(producer).op->name != "reduce") return false;
  const Node& reduce = source_->graph.node(producer);
  const Dims& axes = std::get<Dims>(reduce.attributes.at("axes"));
  return !axes.empty() && axes[0] == 0 && source_->graph.type(reduce.operands[0]).dims[0] > 1;
}

bool LayoutChooser::is_vector_of_blocks(ValueId old) const {
  const Dims& dims = source_->graph.type(old).dims;
  const auto& nodes = source_->graph.nodes();
  const auto is_convolved = [&](const Node& node) { return node.op->name == "conv" && node.operands[0] == old; };
  return fills_blocks(old) && dims.size() == 3 && dims[1] * dims[2] == 1 && std::none_of(nodes.begin(), nodes.end(), is_convolved);
}

Layout LayoutChooser::wanted_in_blocks(const Node& node, size_t operand) const {
  const ValueId value = node.operands[operand];
  const TensorType& type = source_->graph.type(value);
  const std::string& op = node.op->name;
  if (op == "conv" && operand == 1 && numbers(node).is_depthwise()) return blocks();
  if (op == "conv" && operand == 1) {
    const Layout& now = layout_of(value);
    const Layout best = packed(node);
    const int64_t all_blocks = ceil_divide(numbers(node).group_filters(), lanes_);
    return now.serves(best) && all_blocks % now.tile.at(1) == 0 ? now : best;
  }
  if (op == "conv" && operand == 2) return type.dims[0] % lanes_ == 0 ? Layout{} : blocks();
  const bool is_own_place = op == "map" && type.batched && type.dims == source_->graph.type(node.results[0]).dims;
  return is_own_place && !is_recomputed(value) ? blocks() : layout_of(value);
}

bool LayoutChooser::is_recomputed(ValueId old) const {
  const int32_t node = source_->graph.value(old).node;
  if (node < 0) return false;
  const std::string& op = source_->graph.node(node).op->name;
  return op == "broadcast" || op == "iota" || op == "images";
}

void LayoutChooser::add_borders() {
  for (const Node& node : to_->graph.nodes()) {
    if (node.op->name != "conv" || layouts_[index(node.results[0])].kind != LayoutKind::Blocked) continue;
    Layout& layout = layouts_[index(node.operands[0])];
    const ConvNumbers numbers = conv_numbers(to_->graph, node);
    const Layout& weight = layouts_[index(node.operands[1])];
    const Dims sides = weight.kind == LayoutKind::Winograd ? numbers.winograd_border(weight.tile[2]) : numbers.border();
    if (layout.kind != LayoutKind::Blocked || std::all_of(sides.begin(), sides.end(), [](int64_t side) { return side == 0; })) continue;
    layout.border.resize(4, 0);
    for (size_t side = 0; side < 4; ++side) layout.border[side] = std::max(layout.border[side], sides[side]);
  }
}

}  // namespace cnnc
