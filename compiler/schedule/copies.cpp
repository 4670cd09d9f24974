// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Copies of nodes and values: those that results depend on, and values of their own where a result needs its own memory.
#include <set>

#include "ir/op.h"
#include "schedule/steps.h"

namespace cnnc {

bool is_borrowed(const Graph& graph, ValueId value) {
  const int32_t node = graph.value(value).node;
  if (node < 0) return true;
  const std::string& op = graph.node(node).op->name;
  return op == "constant" || op == "iota" || op == "images" || op == "reshape" || op == "slice" || op == "broadcast";
}

std::vector<ValueId> copy_node(Graph& graph, const Node& node, std::vector<ValueId> operands) {
  return graph.add(*node.op, std::move(operands), node.attributes, node.layer, node.location);
}

std::vector<bool> used_nodes(const Function& function) {
  const Graph& graph = function.graph;
  std::vector<bool> used(graph.nodes().size(), false);
  const auto use = [&](ValueId value) {
    const int32_t node = value.valid() ? graph.value(value).node : -1;
    if (node >= 0) used[static_cast<size_t>(node)] = true;
  };
  for (const Port& port : function.results) use(port.value);
  for (size_t i = used.size(); i-- > 0;)
    if (used[i])
      for (ValueId operand : graph.nodes()[i].operands) use(operand);
  return used;
}

ValueId add_copy(Graph& graph, ValueId value, const std::string& layer) {
  return graph.add(get_op("map"), {value}, {{"f", ScalarExpression::argument(0)}}, layer).at(0);
}

bool is_result(const Function& function, ValueId value) {
  for (const Port& port : function.results)
    if (port.value == value) return true;
  return false;
}

std::shared_ptr<Function> add_result_copies(const Function& function) {
  auto copy = std::make_shared<Function>(function);
  std::set<ValueId> taken;
  for (Port& port : copy->results)
    if (is_borrowed(copy->graph, port.value) || !taken.insert(port.value).second)
      port.value = add_copy(copy->graph, port.value, port.name);
  return copy;
}

}  // namespace cnnc
