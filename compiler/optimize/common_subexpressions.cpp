// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Nodes of equal op, operands and attributes become one: the first, with its layer. All ops are pure, so they are equal.
#include <fmt/format.h>

#include <map>
#include <string>

#include "ir/rewrite.h"
#include "optimize/passes.h"

namespace cnnc {
namespace {

/// Equal for equal nodes only: the text of attributes is exact.
std::string node_key(const Node& node, const std::vector<ValueId>& operands) {
  std::string key = node.op->name;
  for (const ValueId operand : operands) key += fmt::format(" {}", operand.index);
  for (const auto& [name, value] : node.attributes) key += fmt::format(";{}={}", name, to_string(value));
  return key;
}

}  // namespace

Function merge_common_subexpressions(const Function& function) {
  std::map<std::string, std::vector<ValueId>> known;
  const auto merge = [&](Rewriter& rewriter, const Node& node) -> Replacement {
    std::vector<ValueId> operands = rewriter(node.operands);
    std::vector<ValueId>& results = known[node_key(node, operands)];
    if (results.empty()) {
      results = rewriter.graph().add(*node.op, std::move(operands), node.attributes, node.layer, node.location);
    }
    return results;
  };
  return rewrite(function, {{"merge", merge}});
}

}  // namespace cnnc
