// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes of reductions, from the nodes of a kernel.
#include "schedule/reductions.h"

#include <algorithm>
#include <map>

#include "ir/op.h"

namespace cnnc {

std::vector<std::vector<int32_t>> reduction_passes(const Graph& graph, const Kernel& kernel) {
  std::vector<std::vector<int32_t>> passes;
  std::map<int32_t, size_t> before;       // by node of the kernel: the passes that it waits for
  for (const int32_t index : kernel.nodes) {
    const Node& node = graph.node(index);
    size_t waits_for = 0;
    for (ValueId operand : node.operands)
      if (operand.valid())
        if (const auto found = before.find(graph.value(operand).node); found != before.end()) waits_for = std::max(waits_for, found->second);
    if (node.op->name == "reduce") {
      const auto has_its_op = [&](const std::vector<int32_t>& pass) { return graph.node(pass[0]).attributes.at("op") == node.attributes.at("op"); };
      while (waits_for < passes.size() && !has_its_op(passes[waits_for])) ++waits_for;
      passes.resize(std::max(passes.size(), waits_for + 1));
      passes[waits_for++].push_back(index);
    }
    before[index] = waits_for;
  }
  return passes;
}

bool reduces_long_rows(const Graph& graph, const Node& node) {
  constexpr int64_t kMany = 32;
  return element_count(graph.type(node.operands[0]).dims) >= kMany * element_count(graph.type(node.results[0]).dims);
}

bool reduces_innermost(const Graph& graph, const Node& node, const Layout& layout) {
  const Dims& axes = std::get<Dims>(node.attributes.at("axes"));
  return layout.kind == LayoutKind::Planar && !axes.empty() && axes.back() + 1 == static_cast<int64_t>(graph.type(node.operands[0]).dims.size());
}

int64_t row_bytes(const Graph& graph, const Node& node, const Layout& layout, const Target& target) {
  const TensorType& type = graph.type(node.operands[0]);
  const int64_t rows = reduces_innermost(graph, node, layout) ? 1 : target.lanes(type.element);
  return element_count(type.dims) / element_count(graph.type(node.results[0]).dims) * rows * element_bytes(type.element);
}

}  // namespace cnnc
