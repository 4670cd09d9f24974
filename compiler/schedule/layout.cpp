// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The layout of every value, by the purpose of the function: training keeps images innermost; inference keeps channels in
// blocks where a convolution gains from it, and what is computed from blocks elementwise stays in blocks; all else is planar.
// A value that is read in another layout than it has is copied, once for each layout.
#include <algorithm>

#include "schedule/layout_chooser.h"

namespace cnnc {
namespace {

bool is_float(const TensorType& type) { return type.element == ElementType::F32 || type.element == ElementType::F64; }

}  // namespace

LayoutChooser::LayoutChooser(const Function& function, Purpose purpose, const PlanContext& context)
    : purpose_(purpose), context_(context), source_(add_result_copies(function)) {
  to_ = std::make_shared<Function>();
  to_->name = source_->name;
  values_.resize(static_cast<size_t>(source_->graph.value_count()));
  lanes_ = context.target.lanes(network_element());
}

Draft LayoutChooser::run() {
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

ElementType LayoutChooser::network_element() const {
  for (int32_t i = 0; i < source_->graph.value_count(); ++i)
    if (is_float(source_->graph.type({i}))) return source_->graph.type({i}).element;
  return ElementType::F32;
}

void LayoutChooser::set(ValueId old, ValueId value, Layout layout) {
  values_[index(old)] = value;
  layouts_.resize(static_cast<size_t>(to_->graph.value_count()));
  layouts_[index(value)] = std::move(layout);
}

Layout LayoutChooser::port_layout(const Port& port, const TensorType& type) const {
  if (port.role == Role::Prepared) {
    const auto slot = context_.prepared.find(port.name);
    return slot == context_.prepared.end() ? Layout{} : slot->second.layout;
  }
  return element_count(type.dims) == 1 ? natural(type) : Layout{};
}

Layout LayoutChooser::wanted(const Node& node, size_t operand, bool blocked) const {
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

ValueId LayoutChooser::converted(ValueId old, const Layout& layout, const std::string& layer) {
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

ValueId LayoutChooser::copied(ValueId value, const std::string& layer) {
  const ValueId to = add_copy(to_->graph, value, layer);
  layouts_.resize(static_cast<size_t>(to_->graph.value_count()));
  layouts_[index(to)] = layouts_[index(value)];
  return to;
}

bool LayoutChooser::make_parts(const Node& node, std::vector<ValueId>& operands) {
  std::vector<bool> fits;
  for (auto operand = operands.begin(); operand != operands.end(); ++operand)
    fits.push_back(may_be_part(node.operands[fits.size()], *operand) && std::find(operands.begin(), operand, *operand) == operand);
  if (std::find(fits.begin(), fits.end(), true) == fits.end()) return false;
  for (size_t i = 0; i < operands.size(); ++i)
    if (!fits[i]) operands[i] = copied(operands[i], node.layer);
  return true;
}

bool LayoutChooser::may_be_part(ValueId old, ValueId value) const {
  const auto is_it = [&](const Port& port) { return port.value == old && port_layout(port, source_->graph.type(old)) == layouts_[index(value)]; };
  return !is_borrowed(to_->graph, value) && !parts_.contains(value) && std::none_of(source_->results.begin(), source_->results.end(), is_it);
}

bool LayoutChooser::is_stored(ValueId value) const {
  const int32_t node = to_->graph.value(value).node;
  return node < 0 || !is_borrowed(to_->graph, value) || parts_.contains(value);
}

Draft choose_layouts(const Function& function, Purpose purpose, const PlanContext& context) {
  return LayoutChooser(function, purpose, context).run();
}

}  // namespace cnnc
