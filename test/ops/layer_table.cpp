// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every layer of the registry on inputs of several shapes and with other arguments, one at a time: the types of its results, its
// parameters and how they start, or what it reports. Inputs/layers.txt says what comes out.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "layer_context.h"
#include "test/golden.h"

namespace cnnc::test {
namespace {

const std::vector<TensorType>& input_types() {
  static const std::vector<TensorType> types = {
      {ElementType::F32, true, {6, 9, 7}}, {ElementType::F32, true, {6, 2, 3}}, {ElementType::F32, true, {12}},   {ElementType::F32, true, {1}},
      {ElementType::F32, true, {}},        {ElementType::I32, true, {6, 9, 7}}, {ElementType::F32, false, {6, 9}}, {ElementType::F32, true, {2, 1 << 20, 1 << 18}}};
  return types;
}

/// Values for an argument that the layer may be given, apart from its default.
std::vector<std::pair<std::string, ArgumentValue>> others(const ArgumentDef& argument) {
  std::vector<std::pair<std::string, ArgumentValue>> values;
  switch (argument.kind) {
    case ArgumentKind::Integer:
      for (int64_t value : {1, 2, 3, 4, 12}) values.emplace_back(std::to_string(value), value);
      break;
    case ArgumentKind::Number: values.emplace_back("0.25", 0.25); break;
    case ArgumentKind::Boolean:
      values.emplace_back("true", true);
      values.emplace_back("false", false);
      break;
    case ArgumentKind::Word:
      for (const std::string_view word : argument.words) values.emplace_back(word, std::string(word));
      break;
    case ArgumentKind::Size:
      for (const Dims& size : {Dims{1, 2}, Dims{3, 2}, Dims{2, 5}, Dims{20, 1}}) values.emplace_back(to_string(size), size);
      break;
    case ArgumentKind::Padding:
      values.emplace_back("same", Padding{.same = true});
      values.emplace_back("[1, 0, 0, 1]", Padding{.top = 1, .right = 1});
      break;
    default: break;
  }
  return values;
}

/// Sets what the layer needs: the tensors, and numbers without a default.
void set_required(TestContext& context, const LayerDef& layer, const TensorType& type) {
  for (const ArgumentDef& argument : layer.arguments) {
    const std::string name(argument.name);
    if (argument.kind == ArgumentKind::Tensor) context.set(name, context.input(name == "label" && layer.label ? layer.label(type) : type));
    if (!argument.default_text.empty()) continue;
    if (argument.kind == ArgumentKind::Integer) context.set(name, int64_t{6});
    if (argument.kind == ArgumentKind::Size) context.set(name, Dims{3, 2});
    if (argument.kind == ArgumentKind::Number) context.set(name, 0.5);
  }
}

std::string outcome(TestContext& context) {
  std::string text = "->";
  for (const ValueId value : context.build()) text += " " + to_string(context.type(value));
  for (const auto& [name, parameter] : context.parameters)
    text += fmt::format("; {} {} {} fan {} {}", name, to_string(parameter.type), parameter.initialiser.name, parameter.initialiser.fan_in,
                        parameter.initialiser.fan_out);
  if (!context.updates.empty()) text += fmt::format("; {} updates", context.updates.size());
  std::string reported = context.reported();
  for (size_t at = 0; (at = reported.find('\n', at)) != std::string::npos;) reported.replace(at, 1, " | ");
  return reported.empty() ? text : text + " " + reported;
}

/// Whether the tests' context can make every argument of the layer.
bool is_simple(const LayerDef& layer) {
  if (layer.build == nullptr) return false;
  for (const ArgumentDef& argument : layer.arguments) {
    const bool is_known = argument.kind == ArgumentKind::Tensor || argument.kind == ArgumentKind::Integer || argument.kind == ArgumentKind::Size ||
                          argument.kind == ArgumentKind::Number;
    if (argument.default_text.empty() && !is_known) return false;
  }
  return true;
}

/// The smallest and largest numbers that arguments may be, where there are any.
std::string ranges(const LayerDef& layer) {
  std::string text;
  for (const ArgumentDef& argument : layer.arguments) {
    const auto end = [](auto limit) { return limit ? fmt::format("{}", *limit) : std::string("any"); };
    if (argument.minimum || argument.maximum) text += fmt::format("{}: {} from {} to {}\n", layer.name, argument.name, end(argument.minimum), end(argument.maximum));
  }
  return text;
}

TEST(LayerTable, BuildsAndReportsAsWritten) {
  std::string text;
  for (const LayerDef& layer : all_layers()) text += ranges(layer);
  for (const LayerDef& layer : all_layers()) {
    if (!is_simple(layer)) continue;
    for (const TensorType& type : input_types()) {
      TestContext context(layer.name, std::string(layer.name));
      set_required(context, layer, type);
      text += fmt::format("{} of {}: {}\n", layer.name, to_string(type), outcome(context));
    }
    for (const ArgumentDef& argument : layer.arguments)
      for (const auto& [value_text, value] : others(argument)) {
        const TensorType& type = input_types()[layer.name == "dense" ? 2 : 0];
        TestContext context(layer.name, std::string(layer.name));
        set_required(context, layer, type);
        context.set(std::string(argument.name), value);
        text += fmt::format("{} of {}, {}: {} {}\n", layer.name, to_string(type), argument.name, value_text, outcome(context));
      }
  }
  expect_as_in_file(LAYERS, text);
}

}  // namespace
}  // namespace cnnc::test
