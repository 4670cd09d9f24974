// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// In which order the weights of convolutions and dense layers are kept, which decides the algorithm: by the rules, as a schedule file says, or
// drawn.
#include <fmt/format.h>

#include <algorithm>

#include "schedule/layout_chooser.h"
#include "schedule/schedule_file.h"
#include "schedule/templates.h"
#include "schedule/vary.h"

namespace cnnc {
namespace {

/// In training: filters in tiles of so many channels, as the gradient towards x reads them.
Layout turned_weights(int64_t channels) { return {LayoutKind::Packed, 1, {1, channels, 1}}; }

Layout fixed_layout(const Schedule& weights, int64_t vector, int64_t turned) {
  const auto number = [&](const char* name) { return weights.parameters.find(name)->second; };
  if (weights.name == "winograd") return {LayoutKind::Winograd, 1, {vector, number("blocks"), number("outputs"), turned}};
  if (weights.name == "packed") return turned == 1 ? turned_weights(number("blocks")) : Layout{LayoutKind::Packed, 1, {vector, number("blocks")}};
  return {};
}

}  // namespace

std::string LayoutChooser::text_of(const Node& node) const {
  std::string text = node.op->name;
  for (size_t i = 0; i < 2; ++i) text += " " + to_string(source_->graph.type(node.operands[i]).dims);
  for (const auto& [name, attribute] : node.attributes) text += fmt::format(" {}={}", name, to_string(attribute));
  return text;
}

bool LayoutChooser::asks_for_weights(const Node& node) const {
  const std::string& op = node.op->name;
  if (purpose_ == Purpose::Training) return (op == "conv" || op == "conv_grad_input") && !source_->graph.type(node.operands[1]).batched;
  return (op == "conv" && may_make_blocks(node)) || may_pack_dense(node);
}

WeightsQuestion LayoutChooser::question(const Node& node) const {
  const bool training = purpose_ == Purpose::Training, towards_x = node.op->name == "conv_grad_input";
  if (node.op->name == "dense") {
    const Dims &x = source_->graph.type(node.operands[0]).dims, &weight = source_->graph.type(node.operands[1]).dims;
    return {dense_numbers(x, weight), false, false, false, context_.options.precise, network_element(), lanes_, infer_batch(node), &context_.target, true};
  }
  return {numbers(node), training, towards_x, !training && is_blocked(node.operands[0]), context_.options.precise, network_element(), lanes_, training ? groups() : infer_batch(node), &context_.target};
}

KernelKey LayoutChooser::question_key(const Node& node) const {
  const TensorType& x = source_->graph.type(node.operands[0]);
  const Layout order = purpose_ == Purpose::Training ? lanes() : is_blocked(node.operands[0]) ? blocks() : Layout{};
  const std::string types = fmt::format("{} {}, {}", to_string(x), to_string(order), to_string(source_->graph.type(node.operands[1])));
  return {fmt::format("{}: {}", op_words(node), types), stable_hash("layout of " + text_of(node) + types)};
}

const Schedule* LayoutChooser::stanza_weights(const Node& node) const {
  const ScheduleFile* file = context_.options.stanzas;
  const Stanza* stanza = file ? file->find(StanzaKind::Layout, question_key(node).hash, context_.target.name) : nullptr;
  return stanza ? &stanza->schedule : nullptr;
}

const Schedule* LayoutChooser::fixed_weights(const Node& node) const {
  const Schedule* weights = asks_for_weights(node) ? stanza_weights(node) : nullptr;
  return weights && !weights_complaint(question(node), *weights) ? weights : nullptr;
}

void LayoutChooser::record_choice(const Node& node, const Layout& layout) {
  WeightsChoice choice{question_key(node), node.layer.empty() ? node.op->name : node.layer, weights_of(layout), fixed_weights(node) != nullptr, {}, {}};
  if (const Schedule* weights = stanza_weights(node)) choice.refused = weights_complaint(question(node), *weights).value_or("");
  if (context_.options.legal_weights) choice.legal = legal_weights(question(node));
  choices_.push_back(std::move(choice));
}

int64_t LayoutChooser::varied_outputs(const Node& node, const WinogradShape& shape) const {
  const int64_t outputs = 2 * static_cast<int64_t>(varied_choice(context_.options.variation, "winograd of " + text_of(node), 3));
  return outputs > 0 && shape.fits(outputs, 1, 1) ? outputs : 0;
}

int64_t LayoutChooser::winograd_outputs(const Node& conv) const {
  const ConvNumbers c = numbers(conv);
  if (context_.options.precise || !is_blocked(conv.operands[0]) || network_element() != ElementType::F32 || !allows_winograd(c)) return 0;
  const uint64_t variation = context_.options.variation;
  if (variation != 0) return varied_outputs(conv, winograd_shape(c, lanes_, infer_batch(conv)));
  return prefers_winograd(c, lanes_, infer_batch(conv), context_.target);
}

bool LayoutChooser::may_be_pointwise(const Node& conv) const {
  const ValueId x = conv.operands[0];
  return is_blocked(x) && is_pointwise(numbers(conv), layout_of(x)) && std::none_of(source_->graph.nodes().begin(), source_->graph.nodes().end(), [&](const Node& node) {
    return node.op->name == "conv" && node.operands[0] == x && numbers(node).has_border();
  });
}

Layout LayoutChooser::packed(const Node& conv) const {
  if (const Schedule* fixed = fixed_weights(conv)) return fixed_layout(*fixed, lanes_, 0);
  const ConvNumbers c = numbers(conv);
  const int64_t registers = context_.target.vector_registers, all_blocks = ceil_divide(c.group_filters(), lanes_);
  const int64_t outputs = winograd_outputs(conv);
  int64_t blocks = 0;
  if (outputs > 0) blocks = winograd_tile(winograd_shape(c, lanes_, infer_batch(conv)), outputs, context_.target).blocks;
  else if (prefers_pointwise(c, lanes_, registers) && may_be_pointwise(conv)) blocks = pointwise_tile(c, lanes_, registers).blocks;
  else blocks = blocked_tile(c, lanes_, registers).blocks;
  if (context_.options.variation != 0) {
    const auto most = static_cast<int64_t>(varied_choice(context_.options.variation, "blocks of " + text_of(conv), kMostPackedBlocks)) + 1;
    blocks = largest_divisor(all_blocks, most, [&](int64_t b) { return tile_registers(b, 1) <= registers; });
  }
  if (outputs > 0) return {LayoutKind::Winograd, 1, {lanes_, blocks, outputs, 0}};
  return {LayoutKind::Packed, 1, {lanes_, blocks}};
}

Layout LayoutChooser::weight_for_lanes(const Node& node) const {
  const bool towards_x = node.op->name == "conv_grad_input";
  if (const Schedule* fixed = fixed_weights(node)) return fixed_layout(*fixed, 1, towards_x ? 1 : 0);
  const ConvNumbers c = numbers(node);
  if (const int64_t m = winograd_outputs_of_lanes(node, c, towards_x); m > 0) {
    const WinogradShape shape = winograd_lane_shape(c, lanes_, towards_x);
    return {LayoutKind::Winograd, 1, {1, winograd_tile(shape, m, context_.target).blocks, m, towards_x ? 1 : 0}};
  }
  return towards_x ? weight_for_gradient(node, c) : Layout{};
}

int64_t LayoutChooser::winograd_outputs_of_lanes(const Node& node, const ConvNumbers& c, bool towards_x) const {
  if (context_.options.precise || network_element() != ElementType::F32 || !allows_winograd(c)) return 0;
  if (context_.options.variation != 0) return varied_outputs(node, winograd_lane_shape(c, lanes_, towards_x));
  return prefers_winograd_lanes(c, lanes_, groups(), context_.target, towards_x);
}

Layout LayoutChooser::weight_for_gradient(const Node& node, const ConvNumbers& c) const {
  if (context_.options.variation != 0) {
    const auto most = static_cast<int64_t>(varied_choice(context_.options.variation, "turned weights of " + text_of(node), kMostPackedBlocks + 1));
    return most == 0 ? Layout{} : turned_weights(largest_divisor(c.weight[1], most));
  }
  const int64_t registers = context_.target.vector_registers;
  const bool is_convolution = !leaves_out_zeros(c, registers);
  if (!is_convolution && !c.skips_columns()) return {};
  // Several taps of more than two channels, which lie side by side, need more registers than few ones leave, as measured.
  const int64_t channels = registers <= kFewRegisters && c.weight[3] > 1 && c.weight[1] % 2 == 0 ? 2 : 0;
  const Tile tile = is_convolution ? lane_tile(*c.of_gradient(), registers, lanes_ * element_bytes(network_element()), channels) : gradient_tile(c, registers);
  return tile.channels > 1 && tile.channels <= kMostPackedBlocks ? turned_weights(tile.channels) : Layout{};
}

bool LayoutChooser::may_pack_dense(const Node& node) const {
  if (purpose_ != Purpose::Inference || node.op->name != "dense" || lanes_ < 2) return false;
  const ValueId weight = node.operands[1];
  const TensorType& type = source_->graph.type(weight);
  return source_->graph.value(weight).node < 0 && !type.batched && type.element == network_element();
}

Layout LayoutChooser::weight_of_dense(const Node& node) const {
  if (const Schedule* fixed = fixed_weights(node)) return fixed_layout(*fixed, lanes_, 0);
  int64_t blocks = packed_dense_blocks(question(node));
  if (context_.options.variation != 0) {
    const int64_t vectors = ceil_divide(source_->graph.type(node.operands[1]).dims[0], lanes_), registers = context_.target.vector_registers;
    const auto most = static_cast<int64_t>(varied_choice(context_.options.variation, "weights of " + text_of(node), kMostPackedBlocks + 1));
    blocks = most == 0 ? 0 : largest_divisor(vectors, most, [&](int64_t b) { return tile_registers(b, 1) <= registers; });
  }
  return blocks == 0 ? Layout{} : Layout{LayoutKind::Packed, 1, {lanes_, blocks}};
}

}  // namespace cnnc
