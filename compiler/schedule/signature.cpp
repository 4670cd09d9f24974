// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The signature of a kernel: everything that its code depends on, and nothing else, so that equal signatures are one kernel.
// "map{f = f"max(x0, 0)"}(r0) : f32[N, 6, 28, 28] -> w0; …; reads lanes(16) …; elementwise(…); avx512"
#include <fmt/format.h>

#include <map>

#include "ir/op.h"
#include "schedule/steps.h"

namespace cnnc {

std::string kernel_signature(const Draft& draft, const Kernel& kernel, const Target& target) {
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
  return text + to_string(kernel.schedule) + "; " + std::string(target.name);
}

}  // namespace cnnc
