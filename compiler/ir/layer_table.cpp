// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The function `network` → one line a layer, in the order in which the layers run.
#include "ir/layer_table.h"

#include <map>

#include "ir/op.h"

namespace cnnc {
namespace {

/// "stem.conv12" → "conv": the kind is the layer's own name without its number.
std::string kind_of(const std::string& layer) {
  const size_t dot = layer.rfind('.');
  std::string kind = dot == std::string::npos ? layer : layer.substr(dot + 1);
  const size_t last = kind.find_last_not_of("0123456789");
  if (last != std::string::npos) kind.resize(last + 1);
  return kind;
}

}  // namespace

std::vector<LayerLine> layer_table(const Module& module) {
  const Function* network = module.find("network");
  if (!network) return {};
  const Graph& graph = network->graph;

  std::map<ValueId, int64_t> unused_weights;
  for (const Port& port : network->arguments)
    if (port.role == Role::Weight) unused_weights[port.value] = element_count(graph.type(port.value).dims);

  std::vector<LayerLine> lines;
  std::map<std::string, size_t> line_of_layer;
  for (const Node& node : graph.nodes()) {
    const std::string name = node.layer.empty() ? node.op->name : node.layer;
    // Nodes without a layer (arithmetic in the file) have a line each; a layer's nodes share one, that of its last node.
    auto [entry, is_new] = node.layer.empty() ? std::pair{line_of_layer.end(), true} : line_of_layer.emplace(name, lines.size());
    if (is_new) lines.push_back({name, node.layer.empty() ? node.op->name : kind_of(node.layer), {}, 0, 0, 0});
    LayerLine& line = is_new ? lines.back() : lines[entry->second];

    std::vector<TensorType> operand_types;
    for (ValueId operand : node.operands) {
      operand_types.push_back(operand.valid() ? graph.type(operand) : TensorType{});
      if (auto weight = unused_weights.find(operand); weight != unused_weights.end()) {
        line.parameters += weight->second;
        unused_weights.erase(weight);
      }
    }
    const TensorType& type = graph.type(node.results.at(0));
    line.shape = type.dims;
    line.bytes = element_count(type.dims) * element_bytes(type.element);
    if (node.op->multiply_adds) line.multiply_adds += node.op->multiply_adds(node.attributes, operand_types);
  }
  return lines;
}

}  // namespace cnnc
