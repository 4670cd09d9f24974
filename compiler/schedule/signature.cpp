// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The signature of a kernel: everything that its code depends on, and nothing else, so that equal signatures are one kernel.
// "map{f = f"max(x0, 0)"}(r0) : f32[N, 6, 28, 28] -> w0; …; reads lanes(16) …; elementwise(…); avx512"
// Its key is the same without schedule and target: some words, and a hash of all of it.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "ir/op.h"
#include "schedule/steps.h"

namespace cnnc {
namespace {

/// What the kernel computes, in which layouts.
std::string problem_text(const Draft& draft, const Kernel& kernel) {
  const Graph& graph = draft.function->graph;
  std::map<ValueId, std::string> names;
  std::string text;
  const auto describe = [&](ValueId value, std::string name) {
    text += fmt::format("{}: {} {}; ", name, to_string(graph.type(value)), to_string(draft.layouts[static_cast<size_t>(value.index)]));
    names[value] = std::move(name);
  };
  for (size_t i = 0; i < kernel.reads.size(); ++i) describe(kernel.reads[i], fmt::format("r{}", i));
  for (size_t i = 0; i < kernel.writes.size(); ++i) describe(kernel.writes[i], fmt::format("w{}", i));
  size_t inner = 0;
  for (int32_t index : kernel.nodes) {
    const Node& node = graph.node(index);
    for (ValueId result : node.results)
      if (!names.contains(result)) {
        names[result] = fmt::format("t{}", inner++);
        text += fmt::format("{}: {} {}; ", names[result], to_string(graph.type(result)),
                            to_string(draft.layouts[static_cast<size_t>(result.index)]));
      }
    for (ValueId result : node.results) text += names[result] + " ";
    text += "= " + node.op->name + "(";
    for (ValueId operand : node.operands) text += (operand.valid() ? names.at(operand) : "-") + ",";
    text += ")";
    if (index == kernel.anchor) text += "!";
    for (const auto& [name, attribute] : node.attributes) text += fmt::format(" {}={}", name, to_string(attribute));
    text += "; ";
  }
  return text;
}

std::string value_words(const Draft& draft, const std::vector<ValueId>& values) {
  constexpr size_t kMost = 4;
  std::string text;
  for (size_t i = 0; i < std::min(values.size(), kMost); ++i) {
    const Layout& layout = draft.layouts[static_cast<size_t>(values[i].index)];
    text += fmt::format("{}{}", i == 0 ? "" : ", ", to_string(draft.function->graph.type(values[i])));
    if (layout.kind != LayoutKind::Planar) text += " " + to_string(layout);
  }
  return values.size() > kMost ? fmt::format("{} and {} more", text, values.size() - kMost) : text;
}

std::string kernel_words(const Draft& draft, const Kernel& kernel) {
  std::string text, last;
  int times = 0;
  const auto flush = [&] {
    if (times > 0) text += (text.empty() ? "" : " + ") + (times > 1 ? fmt::format("{} {}", times, last) : last);
  };
  for (const int32_t index : kernel.nodes) {
    if (draft.roles[static_cast<size_t>(index)] != NodeRole::Computed) continue;
    std::string words = op_words(draft.function->graph.node(index));
    if (words != last) flush(), times = 0, last = std::move(words);
    ++times;
  }
  flush();
  return fmt::format("{}: {} -> {}", text, value_words(draft, kernel.reads), value_words(draft, kernel.writes));
}

}  // namespace

std::string op_words(const Node& node) {
  std::string text = node.op->name;
  const char* separator = "(";
  for (const AttributeDef& attribute : node.op->attributes) {
    const Attribute& value = node.attributes.find(attribute.name)->second;
    const bool is_long = std::holds_alternative<Numbers>(value) || std::holds_alternative<ScalarExpression>(value) || std::holds_alternative<double>(value);
    if (is_long || value == attribute.default_value) continue;
    const auto* word = std::get_if<std::string>(&value);
    text += fmt::format("{}{}: {}", separator, attribute.name, word ? *word : to_string(value));
    separator = ", ";
  }
  return *separator == '(' ? text : text + ")";
}

uint64_t stable_hash(std::string_view text) {
  uint64_t value = 0xcbf29ce484222325u;
  for (const char c : text) value = (value ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  return value;
}

std::string kernel_signature(const Draft& draft, const Kernel& kernel, const Target& target) {
  return problem_text(draft, kernel) + to_string(kernel.schedule) + "; " + std::string(target.name);
}

KernelKey kernel_key(const Draft& draft, const Kernel& kernel) {
  // The schedules of flat buffers are other ones than those of images.
  const std::string_view kind = draft.purpose == Purpose::Update ? "flat" : "";
  return {kernel_words(draft, kernel), stable_hash(problem_text(draft, kernel).append(kind))};
}

}  // namespace cnnc
