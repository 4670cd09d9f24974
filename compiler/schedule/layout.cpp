// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The layout of every value, by the purpose of the function: training keeps images innermost, all else
// is planar. A value that is read in another layout than it has is copied, once for each layout.
#include <map>

#include "ir/op.h"
#include "schedule/steps.h"

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
    const std::vector<bool> used = used_nodes();
    for (size_t index = 0; index < used.size(); ++index) {
      if (!used[index]) continue;
      const Node& node = source_->graph.nodes()[index];
      std::vector<ValueId> operands;
      for (size_t i = 0; i < node.operands.size(); ++i)
        operands.push_back(node.operands[i].valid() ? converted(node.operands[i], wanted(node, i), node.layer) : ValueId{});
      const auto results = copy_node(to_->graph, node, operands);
      for (size_t i = 0; i < results.size(); ++i) set(node.results[i], results[i], natural(source_->graph.type(node.results[i])));
    }
    for (const Port& port : source_->results) {
      const Layout layout = port_layout(port, source_->graph.type(port.value));
      to_->results.push_back({port.name, port.role, converted(port.value, layout, port.name)});
    }
    Draft draft;
    draft.function = to_;
    draft.purpose = purpose_;
    draft.layouts = layouts_;
    return draft;
  }

 private:
  static size_t index(ValueId value) { return static_cast<size_t>(value.index); }

  /// Nodes that a result depends on; the others are left out.
  std::vector<bool> used_nodes() const {
    std::vector<bool> used(source_->graph.nodes().size(), false);
    const auto use = [&](ValueId value) {
      const int32_t node = value.valid() ? source_->graph.value(value).node : -1;
      if (node >= 0) used[static_cast<size_t>(node)] = true;
    };
    for (const Port& port : source_->results) use(port.value);
    for (size_t i = used.size(); i-- > 0;)
      if (used[i])
        for (ValueId operand : source_->graph.nodes()[i].operands) use(operand);
    return used;
  }

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

  /// The layout in which the node reads its operand.
  Layout wanted(const Node& node, size_t operand) const {
    const TensorType& type = source_->graph.type(node.operands[operand]);
    // Labels and indices are read where they are.
    return is_float(type) ? natural(type) : layouts_[index(values_[index(node.operands[operand])])];
  }

  ValueId converted(ValueId old, const Layout& layout, const std::string& layer) {
    const ValueId value = values_[index(old)];
    if (layouts_[index(value)] == layout) return value;
    const auto same = [&](const auto& copy) { return copy.from == value && copy.layout == layout; };
    for (const auto& copy : copies_)
      if (same(copy)) return copy.to;
    const ValueId to = add_copy(to_->graph, value, layer);
    layouts_.resize(static_cast<size_t>(to_->graph.value_count()));
    layouts_[index(to)] = layout;
    copies_.push_back({value, layout, to});
    return to;
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
  int64_t lanes_ = 1;
};

}  // namespace

Draft choose_layouts(const Function& function, Purpose purpose, const PlanContext& context) {
  return LayoutChooser(function, purpose, context).run();
}

}  // namespace cnnc
