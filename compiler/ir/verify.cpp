// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The invariants of graph.h, checked one by one.
#include "ir/verify.h"

#include <fmt/format.h>

#include <set>

#include "ir/op.h"
#include "support/check.h"

namespace cnnc {
namespace {

void verify_node(const Graph& graph, int32_t index, const std::string& where) {
  const Node& node = graph.node(index);
  CNNC_CHECK(node.op != nullptr, where + "every node has an op");
  const std::string at = fmt::format("{}node {} (`{}` of layer `{}`): ", where, index, node.op->name, node.layer);
  std::vector<TensorType> types;
  for (size_t i = 0; i < node.operands.size(); ++i) {
    const ValueId operand = node.operands[i];
    const bool optional = i < node.op->operands.size() && node.op->operands[i].optional;
    CNNC_CHECK(operand.valid() || optional, at + "only optional operands are absent");
    CNNC_CHECK(operand.index < graph.value_count(), at + "operands exist");
    CNNC_CHECK(!operand.valid() || graph.value(operand).node < index, at + "operands come from arguments and earlier nodes");
    types.push_back(operand.valid() ? graph.type(operand) : absent_type());
  }
  const bool variadic = !node.op->operands.empty() && node.op->operands.back().variadic;
  CNNC_CHECK(variadic || node.operands.size() == node.op->operands.size(), at + "has the operands that its op declares");

  CNNC_CHECK(node.attributes.size() == node.op->attributes.size(), at + "attributes are complete");
  for (const AttributeDef& def : node.op->attributes) {
    const auto found = node.attributes.find(def.name);
    CNNC_CHECK(found != node.attributes.end(), at + "attributes are complete");
    CNNC_CHECK(found->second.index() == def.default_value.index(), fmt::format("{}attribute `{}` is of its kind", at, def.name));
  }

  const InferResult inferred = node.op->infer(node.attributes, types);
  const auto* expected = std::get_if<std::vector<TensorType>>(&inferred);
  CNNC_CHECK(expected != nullptr, at + "the shape rule accepts it");
  CNNC_CHECK(expected->size() == node.results.size(), at + "has as many results as its shape rule gives");
  for (size_t i = 0; i < node.results.size(); ++i) {
    const Value& value = graph.value(node.results[i]);
    CNNC_CHECK(value.node == index && value.result == static_cast<int32_t>(i), at + "a result names its node");
    CNNC_CHECK(value.type == (*expected)[i], fmt::format("{}result {} has the type of the shape rule", at, i));
  }
}

void verify_ports(const Graph& graph, const std::vector<Port>& ports, const std::string& where) {
  std::set<std::pair<std::string, Role>> names;
  for (const Port& port : ports) {
    CNNC_CHECK(port.value.valid() && port.value.index < graph.value_count(), fmt::format("{}`{}` has a value", where, port.name));
    CNNC_CHECK(!port.name.empty(), where + "every argument and result has a name");
    CNNC_CHECK(names.emplace(port.name, port.role).second, fmt::format("{}`{}` is there once in its role", where, port.name));
  }
}

/// What the results owe to the arguments: a state's next value and a gradient have the type of what they belong to.
void verify_results(const Function& function, const std::string& where) {
  for (const Port& port : function.results) {
    if (port.role != Role::State && port.role != Role::Gradient) continue;
    const Role owner = port.role == Role::State ? Role::State : Role::Weight;
    const Port* argument = find_port(function.arguments, port.name, owner);
    CNNC_CHECK(argument != nullptr, fmt::format("{}the {} `{}` belongs to an argument", where, role_name(port.role), port.name));
    CNNC_CHECK(function.graph.type(argument->value) == function.graph.type(port.value),
               fmt::format("{}the {} `{}` has the type of its argument", where, role_name(port.role), port.name));
  }
}

/// Weights and states of a function are parameters of the module, of the same type. Flat buffers (of updates) are batched.
void verify_parameters(const Module& module, const Function& function, const std::string& where) {
  for (const Port& port : function.arguments) {
    const TensorType& type = function.graph.type(port.value);
    if ((port.role != Role::Weight && port.role != Role::State) || type.batched) continue;
    bool found = false;
    for (const Parameter& parameter : module.parameters) {
      found = found || (parameter.name == port.name && parameter.role == port.role && parameter.type == type);
    }
    CNNC_CHECK(found, fmt::format("{}`{}` is a parameter of the module with that role and type", where, port.name));
  }
}

}  // namespace

void verify(const Function& function, std::string_view phase) {
  const std::string where = fmt::format("after {}, in function `{}`: ", phase, function.name);
  const Graph& graph = function.graph;
  verify_ports(graph, function.arguments, where);
  verify_ports(graph, function.results, where);
  std::vector<int> definitions(static_cast<size_t>(graph.value_count()));
  for (const Port& port : function.arguments) {
    CNNC_CHECK(graph.value(port.value).node == -1, fmt::format("{}argument `{}` is no node's result", where, port.name));
    ++definitions[static_cast<size_t>(port.value.index)];
  }
  for (int32_t i = 0; i < static_cast<int32_t>(graph.nodes().size()); ++i) {
    verify_node(graph, i, where);
    for (const ValueId result : graph.node(i).results) ++definitions[static_cast<size_t>(result.index)];
  }
  for (const int count : definitions) CNNC_CHECK(count == 1, where + "every value has exactly one definition");
  verify_results(function, where);
}

void verify(const Module& module, std::string_view phase) {
  std::set<std::string> functions, parameters;
  for (const Parameter& parameter : module.parameters) {
    CNNC_CHECK(parameters.insert(parameter.name).second, fmt::format("after {}: one parameter `{}`", phase, parameter.name));
    CNNC_CHECK(parameter.role == Role::Weight || parameter.role == Role::State, fmt::format("after {}: parameter roles", phase));
    CNNC_CHECK(!parameter.type.batched, fmt::format("after {}: parameter `{}` is not batched", phase, parameter.name));
  }
  for (const Function& function : module.functions) {
    CNNC_CHECK(functions.insert(function.name).second, fmt::format("after {}: one function `{}`", phase, function.name));
    verify(function, phase);
    verify_parameters(module, function, fmt::format("after {}, in function `{}`: ", phase, function.name));
  }
}

}  // namespace cnnc
