// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The harness of the tests of ops: a small expander and a small reverse mode, apart from those of the compiler, so that an
// op's rules are tested by themselves.
#include "harness.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

#include "autodiff/gradient_builder.h"
#include "ir/builder.h"
#include "support/check.h"

namespace cnnc::test {
namespace {

bool floating(const TensorType& type) { return type.element == ElementType::F32 || type.element == ElementType::F64; }

/// Operands of the new graph for those of the old one.
std::vector<ValueId> mapped(const std::vector<ValueId>& values, const std::vector<ValueId>& map) {
  std::vector<ValueId> result;
  for (const ValueId value : values) result.push_back(value.valid() ? map.at(static_cast<size_t>(value.index)) : value);
  return result;
}

void copy_arguments(const Function& from, Function& to, std::vector<ValueId>& map) {
  for (const Port& port : from.arguments) {
    const ValueId value = to.graph.add_argument(from.graph.type(port.value));
    map.at(static_cast<size_t>(port.value.index)) = value;
    to.arguments.push_back({port.name, port.role, value});
  }
}

bool composite(const OpDef& op, bool keep_rules) { return op.expand && !(keep_rules && op.gradient); }

Function expanded_once(const Function& function, Mode mode, bool keep_rules) {
  Function result;
  std::vector<ValueId> map(static_cast<size_t>(function.graph.value_count()));
  copy_arguments(function, result, map);
  GraphBuilder build(result.graph);
  std::vector<ValueId> key;
  for (const Port& port : result.arguments)
    if (port.name == "seed" || port.name == "epoch" || port.name == "sample") key.push_back(port.value);
  build.set_random_key(key);
  for (const Node& node : function.graph.nodes()) {
    const auto operands = mapped(node.operands, map);
    const auto results = composite(*node.op, keep_rules) ? node.op->expand(node.attributes, build, operands, mode)
                                                         : result.graph.add(*node.op, operands, node.attributes);
    for (size_t i = 0; i < results.size(); ++i) map.at(static_cast<size_t>(node.results[i].index)) = results[i];
  }
  for (const Port& port : function.results)
    result.results.push_back({port.name, port.role, map.at(static_cast<size_t>(port.value.index))});
  return result;
}

}  // namespace

Array make_array(const TensorType& type, int64_t images, uint32_t seed) {
  const auto count = static_cast<size_t>(element_count(type.dims) * (type.batched ? images : 1));
  Array array{type, std::vector<double>(count)};
  std::mt19937 random(seed);
  if (!floating(type)) {
    for (double& value : array.values) value = static_cast<double>(random() % 3);
    return array;
  }
  for (size_t i = 0; i < count; ++i) array.values[i] = -1.5 + 3.0 * (static_cast<double>(i) + 0.4) / static_cast<double>(count);
  for (double& value : array.values)
    if (std::abs(value) < 0.01) value += 0.02;
  std::shuffle(array.values.begin(), array.values.end(), random);
  return array;
}

Function function_of(const OpDef& op, const Sample& sample) {
  Function function;
  std::vector<ValueId> operands;
  for (const TensorType& type : sample.operands) {
    const std::string name = operands.size() < op.operands.size() ? std::string(op.operands[operands.size()].name) : "more";
    operands.push_back(function.graph.add_argument(type));
    function.arguments.push_back({name, Role::Input, operands.back()});
  }
  if (op.random)
    for (const auto& [name, batched] : {std::pair{"seed", false}, {"epoch", false}, {"sample", true}})
      function.arguments.push_back({name, Role::Scalar, function.graph.add_argument({ElementType::I32, batched, {}})});
  for (const ValueId result : function.graph.add(op, operands, sample.attributes))
    function.results.push_back({"result", Role::Output, result});
  return function;
}

Function expanded(const Function& function, Mode mode, bool keep_rules) {
  Function result = expanded_once(function, mode, keep_rules);
  const auto is_composite = [&](const Node& node) { return composite(*node.op, keep_rules); };
  while (std::any_of(result.graph.nodes().begin(), result.graph.nodes().end(), is_composite))
    result = expanded_once(result, mode, keep_rules);
  return result;
}

Function gradient_of(const Function& function) {
  Function result = expanded(function, Mode::Training, true);
  Graph& graph = result.graph;
  const ValueId output = result.results.at(0).value;
  const ValueId dy = graph.add_argument(graph.type(output));
  result.arguments.push_back({"dy", Role::Gradient, dy});
  std::map<ValueId, ValueId> gradients = {{output, dy}};

  GraphBuilder build(graph);
  const auto forward_nodes = graph.nodes();
  for (auto node = forward_nodes.rbegin(); node != forward_nodes.rend(); ++node) {
    std::vector<ValueId> result_gradients;
    for (const ValueId value : node->results) result_gradients.push_back(gradients.contains(value) ? gradients[value] : ValueId());
    const bool reached = std::any_of(result_gradients.begin(), result_gradients.end(), [](ValueId v) { return v.valid(); });
    if (!reached || !node->op->gradient) continue;
    std::vector<bool> needed;
    for (const ValueId operand : node->operands) needed.push_back(operand.valid() && floating(graph.type(operand)));
    GradientBuilder rule(build, *node, result_gradients, needed);
    node->op->gradient(node->attributes, rule);
    for (size_t i = 0; i < node->operands.size(); ++i) {
      const ValueId part = rule.operand_gradients().at(i);
      if (!part.valid()) continue;
      CNNC_CHECK(graph.type(part) == graph.type(node->operands[i]), "a gradient has the operand's type");
      const auto [known, fresh] = gradients.try_emplace(node->operands[i], part);
      if (!fresh) known->second = build.map("x0 + x1", {known->second, part});
    }
  }
  result.results.clear();
  for (size_t i = 0; i + 1 < result.arguments.size(); ++i) {
    const Port& port = result.arguments[i];
    const TensorType& type = graph.type(port.value);
    if (!floating(type)) continue;
    ValueId gradient = gradients.contains(port.value) ? gradients[port.value] : ValueId();
    if (!gradient.valid())
      gradient = build.add("broadcast", {build.constant(0, type.element)}, {{"dims", type.dims}, {"batched", type.batched}});
    result.results.push_back({port.name, Role::Gradient, gradient});
  }
  return expanded(result, Mode::Training);
}

std::vector<Array> make_arguments(const Function& function, int64_t images, uint32_t seed) {
  std::vector<Array> arrays;
  for (const Port& port : function.arguments) {
    arrays.push_back(make_array(function.graph.type(port.value), images, seed + static_cast<uint32_t>(arrays.size())));
    if (port.name == "running_var")
      for (double& value : arrays.back().values) value = 1 + value * value;
  }
  return arrays;
}

std::vector<Array> run_op(std::string_view op, const AttributeMap& attributes, const std::vector<Array>& operands, int64_t images,
                          Mode mode) {
  Sample sample{.operands = {}, .attributes = attributes};
  for (const Array& operand : operands) sample.operands.push_back(operand.type);
  return interpret(expanded(function_of(get_op(op), sample), mode), operands, images);
}

Array image(Dims dims, std::vector<double> values) { return {{ElementType::F32, true, std::move(dims)}, std::move(values)}; }
Array weight(Dims dims, std::vector<double> values) { return {{ElementType::F32, false, std::move(dims)}, std::move(values)}; }
Array labels(Dims dims, std::vector<double> values) { return {{ElementType::I32, true, std::move(dims)}, std::move(values)}; }

}  // namespace cnnc::test
