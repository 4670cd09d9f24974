// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Module → text. Knows no op: a node is its operands, attributes, result types and layer.
#include "ir/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "ir/op.h"

namespace cnnc {
namespace {

std::string name_text(std::string_view name) { return is_plain_name(name) ? std::string(name) : quoted(name); }

/// `%name` of each value: arguments by name (and role, where two share one), results of nodes numbered in order.
std::vector<std::string> value_names(const Function& function) {
  std::vector<std::string> names(static_cast<size_t>(function.graph.value_count()));
  std::map<std::string_view, int> uses;
  for (const Port& port : function.arguments) ++uses[port.name];
  for (const Port& port : function.arguments) {
    std::string& name = names[static_cast<size_t>(port.value.index)];
    name = "%" + name_text(port.name);
    if (uses[port.name] > 1) name += fmt::format("#{}", role_name(port.role));
  }
  int number = 0;
  for (const Node& node : function.graph.nodes()) {
    for (const ValueId result : node.results) names[static_cast<size_t>(result.index)] = fmt::format("%{}", number++);
  }
  return names;
}

std::string attributes_text(const AttributeMap& attributes) {
  if (attributes.empty()) return "";
  std::string text;
  for (const auto& [name, value] : attributes) text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", name, to_string(value));
  return " {" + text + "}";
}

std::string node_text(const Graph& graph, const Node& node, const std::vector<std::string>& names) {
  const auto name = [&](ValueId value) { return value.valid() ? names[static_cast<size_t>(value.index)] : "none"; };
  std::string results, operands, types;
  for (const ValueId result : node.results) {
    results += (results.empty() ? "" : ", ") + name(result);
    types += (types.empty() ? "" : ", ") + to_string(graph.type(result));
  }
  for (const ValueId operand : node.operands) operands += (operands.empty() ? "" : ", ") + name(operand);
  if (node.results.size() != 1) types = "(" + types + ")";
  const std::string layer = node.layer.empty() ? "" : " @ " + quoted(node.layer);
  return fmt::format("{} = {}({}){} : {}{}", results, node.op->name, operands, attributes_text(node.attributes), types, layer);
}

std::string parameter_text(const Parameter& parameter) {
  const Initialiser& init = parameter.initialiser;
  const AttributeMap details{{"fan_in", init.fan_in}, {"fan_out", init.fan_out}, {"group", parameter.group},
                             {"second", init.second}, {"value", init.value}};
  return fmt::format("{} {} : {} = {}{}\n", role_name(parameter.role), name_text(parameter.name), to_string(parameter.type),
                     name_text(init.name), attributes_text(details));
}

std::string recipe_text(const Recipe& recipe) {
  std::string text = fmt::format("recipe {} {{\n", name_text(recipe.name));
  for (const std::string& name : recipe.classes) text += fmt::format("  class {}\n", quoted(name));
  for (const SettingText& setting : recipe.settings) {
    text += fmt::format("  set {} = {}\n", name_text(setting.name), quoted(setting.text));
  }
  return text + "}\n";
}

}  // namespace

bool is_plain_name(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !is_letter(name[0])) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '.'; });
}

std::string to_string(const Function& function) {
  const std::vector<std::string> names = value_names(function);
  std::string text = fmt::format("function {} {{\n", name_text(function.name));
  for (const Port& port : function.arguments) {
    text += fmt::format("  argument {} {} : {}\n", role_name(port.role), names[static_cast<size_t>(port.value.index)],
                        to_string(function.graph.type(port.value)));
  }
  for (const Node& node : function.graph.nodes()) text += "  " + node_text(function.graph, node, names) + "\n";
  for (const Port& port : function.results) {
    text += fmt::format("  result {} {} = {}\n", role_name(port.role), name_text(port.name),
                        names[static_cast<size_t>(port.value.index)]);
  }
  return text + "}\n";
}

std::string to_string(const Module& module) {
  std::string text;
  if (!module.network.empty()) text += fmt::format("module {}\n", name_text(module.network));
  for (const Parameter& parameter : module.parameters) text += parameter_text(parameter);
  for (const Column& column : module.inputs) {
    text += fmt::format("{} {} : {}\n", role_name(column.role), name_text(column.name), to_string(column.type));
  }
  for (const Recipe& recipe : module.recipes) text += recipe_text(recipe);
  for (const Function& function : module.functions) text += (text.empty() ? "" : "\n") + to_string(function);
  return text;
}

}  // namespace cnnc
