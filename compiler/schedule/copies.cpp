// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Copies of values, where a result of a function must have memory of its own.
#include <set>

#include "ir/op.h"
#include "schedule/steps.h"

namespace cnnc {
namespace {

/// Whether the value's memory may be that of something else, or nowhere.
bool is_borrowed(const Graph& graph, ValueId value) {
  const int32_t node = graph.value(value).node;
  if (node < 0) return true;
  const std::string& op = graph.node(node).op->name;
  return op == "constant" || op == "iota" || op == "images" || op == "reshape" || op == "broadcast";
}

}  // namespace

std::vector<ValueId> copy_node(Graph& graph, const Node& node, std::vector<ValueId> operands) {
  return graph.add(*node.op, std::move(operands), node.attributes, node.layer, node.location);
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
