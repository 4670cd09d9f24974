// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The layout of every value, by the purpose of the function: training keeps images innermost; inference keeps channels in
// blocks where a convolution gains from it, and what is computed from blocks elementwise stays in blocks; all else is planar.
// A value that is read in another layout than it has is copied, once for each layout.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "ir/op.h"
#include "schedule/conv_numbers.h"
#include "schedule/templates.h"
#include "schedule/schedule_file.h"
#include "schedule/vary.h"
#include "schedule/weight_layouts.h"

namespace cnnc {
namespace {

bool is_float(const TensorType& type) { return type.element == ElementType::F32 || type.element == ElementType::F64; }

class LayoutChooser {
 public:
  LayoutChooser(const Function& function, Purpose purpose, const PlanContext& context)
      : purpose_(purpose), context_(context), source_(add_result_copies(function)) {
    to_ = std::make_shared<Function>();
    to_->name = source_->name;
    values_.resize(static_cast<size_t>(source_->graph.value_count()));
    lanes_ = context.target.lanes(network_element());
  }

  Draft run() {
    for (const Port& port : source_->arguments) {
      const TensorType& type = source_->graph.type(port.value);
      const ValueId value = to_->graph.add_argument(type);
      set(port.value, value, port_layout(port, type));
      to_->arguments.push_back({port.name, port.role, value});
    }
    const std::vector<bool> used = used_nodes(*source_);
    for (size_t index = 0; index < used.size(); ++index) {
      if (!used[index]) continue;
      const Node& node = source_->graph.nodes()[index];
      const bool blocked = makes_blocks(node);
      const Layout made = blocked ? blocks() : natural(source_->graph.type(node.results[0]));
      const std::vector<int64_t> begins = purpose_ == Purpose::Plain ? std::vector<int64_t>() : part_begins(source_->graph, node, made);
      std::vector<ValueId> operands;
      for (size_t i = 0; i < node.operands.size(); ++i) {
        operands.emplace_back();
        if (!node.operands[i].valid()) continue;
        const Layout layout = wanted(node, i, blocked);
        if (i == 1 && asks_for_weights(node)) record_choice(node, layout);
        operands.back() = converted(node.operands[i], layout, node.layer);
      }
      const bool joins = node.op->name == "concat" && !begins.empty() && make_parts(node, operands);
      const auto results = copy_node(to_->graph, node, operands);
      for (size_t i = 0; i < results.size(); ++i)
        set(node.results[i], results[i], blocked ? blocks() : natural(source_->graph.type(node.results[i])));
      if (joins)
        for (size_t i = 0; i < begins.size(); ++i) parts_[operands[i]] = {results[0], begins[i]};
      else if (node.op->name == "slice" && !begins.empty() && is_stored(operands[0]))
        parts_[results[0]] = {operands[0], begins[0]};
    }
    for (const Port& port : source_->results) {
      const Layout layout = port_layout(port, source_->graph.type(port.value));
      to_->results.push_back({port.name, port.role, converted(port.value, layout, port.name)});
    }
    add_borders();
    Draft draft;
    draft.function = to_;
    draft.purpose = purpose_;
    draft.layouts = layouts_;
    draft.parts = parts_;
    lay_out_parts(draft);
    draft.weights_choices = std::move(choices_);
    return draft;
  }

 private:
  static size_t index(ValueId value) { return static_cast<size_t>(value.index); }

  /// The element type in which the network computes: that of the first float.
  ElementType network_element() const {
    for (int32_t i = 0; i < source_->graph.value_count(); ++i)
      if (is_float(source_->graph.type({i}))) return source_->graph.type({i}).element;
    return ElementType::F32;
  }

  void set(ValueId old, ValueId value, Layout layout) {
    values_[index(old)] = value;
    layouts_.resize(static_cast<size_t>(to_->graph.value_count()));
    layouts_[index(value)] = std::move(layout);
  }

  Layout lanes() const { return {LayoutKind::Lanes, lanes_, {}}; }

  /// The layout in which a value is made here.
  Layout natural(const TensorType& type) const { return purpose_ == Purpose::Training && type.batched ? lanes() : Layout{}; }

  /// What the program around wants. A batched number lies in memory the same way in lanes.
  Layout port_layout(const Port& port, const TensorType& type) const {
    if (port.role == Role::Prepared) {
      const auto slot = context_.prepared.find(port.name);
      return slot == context_.prepared.end() ? Layout{} : slot->second.layout;
    }
    return element_count(type.dims) == 1 ? natural(type) : Layout{};
  }

  // ---- blocks of channels, in inference

  Layout blocks() const { return {LayoutKind::Blocked, lanes_}; }
  const Layout& layout_of(ValueId old) const { return layouts_[index(values_[index(old)])]; }
  bool is_blocked(ValueId old) const { return layout_of(old).kind == LayoutKind::Blocked; }
  /// Blocked, and no lane of the last block idles.
  bool fills_blocks(ValueId old) const { return is_blocked(old) && source_->graph.type(old).dims[0] % lanes_ == 0; }

  ConvNumbers numbers(const Node& node) const { return conv_numbers(source_->graph, node); }

  /// What convolutions with equal numbers have in common, in every function: variations treat them alike.
  std::string text_of(const Node& node) const {
    std::string text = node.op->name;
    for (size_t i = 0; i < 2; ++i) text += " " + to_string(source_->graph.type(node.operands[i]).dims);
    for (const auto& [name, attribute] : node.attributes) text += fmt::format(" {}={}", name, to_string(attribute));
    return text;
  }

  /// Whether the results of the node are images that could be kept in blocks of channels.
  bool may_make_blocks(const Node& node) const {
    if (purpose_ != Purpose::Inference || lanes_ < 2) return false;
    const TensorType& type = source_->graph.type(node.results[0]);
    return type.dims.size() == 3 && type.element == network_element();
  }

  // ---- what a schedule file says about weights

  /// Whether the layout of this node's weights is a choice.
  bool asks_for_weights(const Node& node) const {
    const std::string& op = node.op->name;
    if (purpose_ == Purpose::Training) return (op == "conv" || op == "conv_grad_input") && !source_->graph.type(node.operands[1]).batched;
    return (op == "conv" && may_make_blocks(node)) || may_pack_dense(node);
  }

  WeightsQuestion question(const Node& node) const {
    const bool training = purpose_ == Purpose::Training, towards_x = node.op->name == "conv_grad_input";
    if (node.op->name == "dense") {
      const Dims &x = source_->graph.type(node.operands[0]).dims, &weight = source_->graph.type(node.operands[1]).dims;
      return {dense_numbers(x, weight), false, false, false, context_.options.precise, network_element(), lanes_, infer_batch(node), &context_.target, true};
    }
    return {numbers(node), training, towards_x, !training && is_blocked(node.operands[0]), context_.options.precise, network_element(), lanes_, training ? groups() : infer_batch(node), &context_.target};
  }

  KernelKey question_key(const Node& node) const {
    const TensorType& x = source_->graph.type(node.operands[0]);
    const Layout order = purpose_ == Purpose::Training ? lanes() : is_blocked(node.operands[0]) ? blocks() : Layout{};
    const std::string types = fmt::format("{} {}, {}", to_string(x), to_string(order), to_string(source_->graph.type(node.operands[1])));
    return {fmt::format("{}: {}", op_words(node), types), stable_hash("layout of " + text_of(node) + types)};
  }

  /// What the file says, legal or not; null: nothing.
  const Schedule* stanza_weights(const Node& node) const {
    const ScheduleFile* file = context_.options.stanzas;
    const Stanza* stanza = file ? file->find(StanzaKind::Layout, question_key(node).hash, context_.target.name) : nullptr;
    return stanza ? &stanza->schedule : nullptr;
  }

  const Schedule* fixed_weights(const Node& node) const {
    const Schedule* weights = asks_for_weights(node) ? stanza_weights(node) : nullptr;
    return weights && !weights_complaint(question(node), *weights) ? weights : nullptr;
  }

  static Layout fixed_layout(const Schedule& weights, int64_t vector, int64_t turned) {
    const auto number = [&](const char* name) { return weights.parameters.find(name)->second; };
    if (weights.name == "winograd") return {LayoutKind::Winograd, 1, {vector, number("blocks"), number("outputs"), turned}};
    if (weights.name == "packed") return turned == 1 ? turned_weights(number("blocks")) : Layout{LayoutKind::Packed, 1, {vector, number("blocks")}};
    return {};
  }

  /// In training: filters in tiles of so many channels, as the gradient towards x reads them.
  static Layout turned_weights(int64_t channels) { return {LayoutKind::Packed, 1, {1, channels, 1}}; }

  void record_choice(const Node& node, const Layout& layout) {
    WeightsChoice choice{question_key(node), node.layer.empty() ? node.op->name : node.layer, weights_of(layout), fixed_weights(node) != nullptr, {}, {}};
    if (const Schedule* weights = stanza_weights(node)) choice.refused = weights_complaint(question(node), *weights).value_or("");
    if (context_.options.legal_weights) choice.legal = legal_weights(question(node));
    choices_.push_back(std::move(choice));
  }

  bool convolves_to_blocks(const Node& conv) const {
    const ConvNumbers c = numbers(conv);
    const bool from_blocks = is_blocked(conv.operands[0]);
    if (const Schedule* fixed = fixed_weights(conv)) return fixed->name != "planar";
    const uint64_t variation = context_.options.variation;
    if (variation != 0) return allows_blocks(c, from_blocks, lanes_) && varied_choice(variation, text_of(conv), 2) == 0;
    return prefers_blocks(c, from_blocks, lanes_, context_.target.vector_registers);
  }

  int64_t infer_batch(const Node& node) const { return source_->graph.type(node.results[0]).batched ? context_.options.infer_batch : 1; }

  /// Of images in lanes, in training.
  int64_t groups() const { return ceil_divide(planned_batch(*source_, purpose_, context_), lanes_); }

  int64_t varied_outputs(const Node& node, const WinogradShape& shape) const {
    const int64_t outputs = 2 * static_cast<int64_t>(varied_choice(context_.options.variation, "winograd of " + text_of(node), 3));
    return outputs > 0 && shape.fits(outputs, 1, 1) ? outputs : 0;
  }

  /// Outputs along a side of the tiles that Winograd's algorithm computes at once, of a convolution from blocks to blocks; 0: a
  /// direct sum is better.
  int64_t winograd_outputs(const Node& conv) const {
    const ConvNumbers c = numbers(conv);
    if (context_.options.precise || !is_blocked(conv.operands[0]) || network_element() != ElementType::F32 || !allows_winograd(c)) return 0;
    const uint64_t variation = context_.options.variation;
    if (variation != 0) return varied_outputs(conv, winograd_shape(c, lanes_, infer_batch(conv)));
    return prefers_winograd(c, lanes_, infer_batch(conv), context_.target);
  }

  /// As is_pointwise will say, if no other convolution wants a border around x.
  bool may_be_pointwise(const Node& conv) const {
    const ValueId x = conv.operands[0];
    return is_blocked(x) && is_pointwise(numbers(conv), layout_of(x)) && std::none_of(source_->graph.nodes().begin(), source_->graph.nodes().end(), [&](const Node& node) {
      return node.op->name == "conv" && node.operands[0] == x && numbers(node).has_border();
    });
  }

  /// The layout of a weight that the convolution reads a tile at a time.
  Layout packed(const Node& conv) const {
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

  /// Whether the results of the node are made in blocks of channels.
  bool makes_blocks(const Node& node) const {
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

  /// Whether the value sums up the channels of each pixel: they are then read planar, and so is what is computed with both.
  bool reduces_channels(ValueId old) const {
    const int32_t producer = source_->graph.value(old).node;
    if (producer < 0 || source_->graph.node(producer).op->name != "reduce") return false;
    const Node& reduce = source_->graph.node(producer);
    const Dims& axes = std::get<Dims>(reduce.attributes.at("axes"));
    return !axes.empty() && axes[0] == 0 && source_->graph.type(reduce.operands[0]).dims[0] > 1;
  }

  /// Whether a reshape of blocks is one of the same memory: vectors of channels, without a border that a convolution wants.
  bool is_vector_of_blocks(ValueId old) const {
    const Dims& dims = source_->graph.type(old).dims;
    const auto& nodes = source_->graph.nodes();
    const auto is_convolved = [&](const Node& node) { return node.op->name == "conv" && node.operands[0] == old; };
    return fills_blocks(old) && dims.size() == 3 && dims[1] * dims[2] == 1 && std::none_of(nodes.begin(), nodes.end(), is_convolved);
  }

  /// How a node that makes blocks, or reads some, reads its operand: as it is, where that is as good.
  Layout wanted_in_blocks(const Node& node, size_t operand) const {
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

  /// Values that no kernel stores.
  bool is_recomputed(ValueId old) const {
    const int32_t node = source_->graph.value(old).node;
    if (node < 0) return false;
    const std::string& op = source_->graph.node(node).op->name;
    return op == "broadcast" || op == "iota" || op == "images";
  }

  /// Blocks that a convolution reads get a border of zeros as wide as its taps reach.
  void add_borders() {
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

  // ---- images in lanes

  /// The layout of a weight in training: as it is, transformed for Winograd's algorithm, or turned for the gradient towards x.
  Layout weight_for_lanes(const Node& node) const {
    const bool towards_x = node.op->name == "conv_grad_input";
    if (const Schedule* fixed = fixed_weights(node)) return fixed_layout(*fixed, 1, towards_x ? 1 : 0);
    const ConvNumbers c = numbers(node);
    if (const int64_t m = winograd_outputs_of_lanes(node, c, towards_x); m > 0) {
      const WinogradShape shape = winograd_lane_shape(c, lanes_, towards_x);
      return {LayoutKind::Winograd, 1, {1, winograd_tile(shape, m, context_.target).blocks, m, towards_x ? 1 : 0}};
    }
    return towards_x ? weight_for_gradient(node, c) : Layout{};
  }

  /// Outputs along a side of Winograd's tiles, in training; 0: a direct sum is better.
  int64_t winograd_outputs_of_lanes(const Node& node, const ConvNumbers& c, bool towards_x) const {
    if (context_.options.precise || network_element() != ElementType::F32 || !allows_winograd(c)) return 0;
    if (context_.options.variation != 0) return varied_outputs(node, winograd_lane_shape(c, lanes_, towards_x));
    return prefers_winograd_lanes(c, lanes_, groups(), context_.target, towards_x);
  }

  /// Filters lie far apart where they are, and the gradient sums over them: it wants them turned.
  Layout weight_for_gradient(const Node& node, const ConvNumbers& c) const {
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

  // ---- dense layers, in inference

  bool may_pack_dense(const Node& node) const {
    if (purpose_ != Purpose::Inference || node.op->name != "dense" || lanes_ < 2) return false;
    const ValueId weight = node.operands[1];
    const TensorType& type = source_->graph.type(weight);
    return source_->graph.value(weight).node < 0 && !type.batched && type.element == network_element();
  }

  /// Packed in tiles of outputs, or rows as they are.
  Layout weight_of_dense(const Node& node) const {
    if (const Schedule* fixed = fixed_weights(node)) return fixed_layout(*fixed, lanes_, 0);
    int64_t blocks = packed_dense_blocks(question(node));
    if (context_.options.variation != 0) {
      const int64_t vectors = ceil_divide(source_->graph.type(node.operands[1]).dims[0], lanes_), registers = context_.target.vector_registers;
      const auto most = static_cast<int64_t>(varied_choice(context_.options.variation, "weights of " + text_of(node), kMostPackedBlocks + 1));
      blocks = most == 0 ? 0 : largest_divisor(vectors, most, [&](int64_t b) { return tile_registers(b, 1) <= registers; });
    }
    return blocks == 0 ? Layout{} : Layout{LayoutKind::Packed, 1, {lanes_, blocks}};
  }

  // ---- all purposes

  /// The layout in which the node reads its operand.
  Layout wanted(const Node& node, size_t operand, bool blocked) const {
    const ValueId value = node.operands[operand];
    const TensorType& type = source_->graph.type(value);
    // Labels and indices are read where they are.
    if (!is_float(type)) return layout_of(value);
    if (blocked) return wanted_in_blocks(node, operand);
    const bool multiplies = node.op->name == "conv" || node.op->name == "conv_grad_input";
    if (purpose_ == Purpose::Training && multiplies && operand == 1 && !type.batched) return weight_for_lanes(node);
    if (operand == 1 && may_pack_dense(node)) return weight_of_dense(node);
    // A planar map may read what it repeats (one number a channel) from blocks.
    const bool repeats = node.op->name == "map" && type.dims != source_->graph.type(node.results[0]).dims;
    const bool keeps = node.op->name == "reshape" ? is_vector_of_blocks(value) : repeats && is_blocked(value);
    return keeps ? layout_of(value) : natural(type);
  }

  ValueId converted(ValueId old, const Layout& layout, const std::string& layer) {
    const ValueId value = values_[index(old)];
    if (layouts_[index(value)] == layout) return value;
    const auto same = [&](const auto& copy) { return copy.from == value && copy.layout == layout; };
    for (const auto& copy : copies_)
      if (same(copy)) return copy.to;
    const ValueId to = copied(value, layer);
    layouts_[index(to)] = layout;
    copies_.push_back({value, layout, to});
    return to;
  }

  /// A copy in the same layout.
  ValueId copied(ValueId value, const std::string& layer) {
    const ValueId to = add_copy(to_->graph, value, layer);
    layouts_.resize(static_cast<size_t>(to_->graph.value_count()));
    layouts_[index(to)] = layouts_[index(value)];
    return to;
  }

  /// Whether some operands of a concat can be written into its memory; then the others become copies, which can.
  bool make_parts(const Node& node, std::vector<ValueId>& operands) {
    std::vector<bool> fits;
    for (auto operand = operands.begin(); operand != operands.end(); ++operand)
      fits.push_back(may_be_part(node.operands[fits.size()], *operand) && std::find(operands.begin(), operand, *operand) == operand);
    if (std::find(fits.begin(), fits.end(), true) == fits.end()) return false;
    for (size_t i = 0; i < operands.size(); ++i)
      if (!fits[i]) operands[i] = copied(operands[i], node.layer);
    return true;
  }

  /// Whether a kernel could write the value into the memory of a whole, which lies elsewhere than what the program around wants.
  bool may_be_part(ValueId old, ValueId value) const {
    const auto is_it = [&](const Port& port) { return port.value == old && port_layout(port, source_->graph.type(old)) == layouts_[index(value)]; };
    return !is_borrowed(to_->graph, value) && !parts_.contains(value) && std::none_of(source_->results.begin(), source_->results.end(), is_it);
  }

  /// Whether the value lies in memory, whatever reads it.
  bool is_stored(ValueId value) const {
    const int32_t node = to_->graph.value(value).node;
    return node < 0 || !is_borrowed(to_->graph, value) || parts_.contains(value);
  }

  struct Copy {
    ValueId from;
    Layout layout;
    ValueId to;
  };

  const Purpose purpose_;
  const PlanContext& context_;
  std::shared_ptr<Function> source_, to_;
  std::vector<ValueId> values_;     // by old ValueId
  std::vector<Layout> layouts_;     // by new ValueId
  std::vector<Copy> copies_;
  std::map<ValueId, Part> parts_;   // of new values
  std::vector<WeightsChoice> choices_;
  int64_t lanes_ = 1;
};

}  // namespace

Draft choose_layouts(const Function& function, Purpose purpose, const PlanContext& context) {
  return LayoutChooser(function, purpose, context).run();
}

}  // namespace cnnc
