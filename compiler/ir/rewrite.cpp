// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Walks a function and builds the next one.
#include "ir/rewrite.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/op.h"
#include "support/check.h"

namespace cnnc {
namespace {

/// By node: whether a result of the function depends on it.
std::vector<bool> live_nodes(const Function& function) {
  const Graph& graph = function.graph;
  std::vector<bool> live(graph.nodes().size());
  const auto mark = [&](ValueId value) {
    if (value.valid() && graph.value(value).node >= 0) live[static_cast<size_t>(graph.value(value).node)] = true;
  };
  for (const Port& port : function.results) mark(port.value);
  for (size_t i = live.size(); i-- > 0;) {
    if (live[i]) {
      for (const ValueId operand : graph.nodes()[i].operands) mark(operand);
    }
  }
  return live;
}

}  // namespace

Rewriter::Rewriter(const Function& from)
    : from_(from),
      builder_(to_.graph),
      values_(static_cast<size_t>(from.graph.value_count())),
      uses_(static_cast<size_t>(from.graph.value_count())) {}

ValueId Rewriter::operator()(ValueId old) const {
  if (!old.valid()) return old;
  const ValueId value = values_.at(static_cast<size_t>(old.index));
  CNNC_CHECK(value.valid(), "a replaced result that is used has a replacement");
  return value;
}

std::vector<ValueId> Rewriter::operator()(std::span<const ValueId> old) const {
  std::vector<ValueId> result;
  for (const ValueId value : old) result.push_back((*this)(value));
  return result;
}

/// The walk itself; apart from Rewriter, so that rules cannot reach it.
struct RewriteDriver {
  Rewriter rewriter;
  bool changed = false;

  void copy_arguments() {
    const Function& from = rewriter.from_;
    rewriter.to_.name = from.name;
    for (const Port& port : from.arguments) {
      const ValueId value = rewriter.to_.graph.add_argument(from.graph.type(port.value));
      rewriter.values_[static_cast<size_t>(port.value.index)] = value;
      rewriter.to_.arguments.push_back({port.name, port.role, value});
    }
  }

  void count_uses(const std::vector<bool>& live) {
    const Function& from = rewriter.from_;
    const auto count = [&](ValueId value) {
      if (value.valid()) ++rewriter.uses_[static_cast<size_t>(value.index)];
    };
    for (const Port& port : from.results) count(port.value);
    for (size_t i = 0; i < live.size(); ++i) {
      if (live[i]) std::for_each(from.graph.nodes()[i].operands.begin(), from.graph.nodes()[i].operands.end(), count);
    }
  }

  std::vector<ValueId> replace_or_copy(const Node& node, std::span<const RewriteRule> rules) {
    rewriter.builder_.set_origin(node.layer, node.location);
    for (const RewriteRule& rule : rules) {
      Replacement replacement = rule.replace(rewriter, node);
      if (!replacement) continue;
      changed = true;
      CNNC_CHECK(replacement->size() == node.results.size(), fmt::format("rule `{}` replaces every result", rule.name));
      for (size_t i = 0; i < node.results.size(); ++i) {
        const ValueId value = (*replacement)[i];
        CNNC_CHECK(!value.valid() || rewriter.to_.graph.type(value) == rewriter.from_.graph.type(node.results[i]),
                   fmt::format("rule `{}` keeps the type of result {} of `{}`", rule.name, i, node.op->name));
      }
      return *std::move(replacement);
    }
    return rewriter.to_.graph.add(*node.op, rewriter(node.operands), node.attributes, node.layer, node.location);
  }

  Function run(std::span<const RewriteRule> rules) {
    const Function& from = rewriter.from_;
    const std::vector<bool> live = live_nodes(from);
    copy_arguments();
    count_uses(live);
    for (size_t i = 0; i < live.size(); ++i) {
      if (!live[i]) continue;
      const Node& node = from.graph.nodes()[i];
      const std::vector<ValueId> results = replace_or_copy(node, rules);
      for (size_t r = 0; r < results.size(); ++r) rewriter.values_[static_cast<size_t>(node.results[r].index)] = results[r];
    }
    for (const Port& port : from.results) rewriter.to_.results.push_back({port.name, port.role, rewriter(port.value)});
    return std::move(rewriter.to_);
  }
};

Function rewrite(const Function& function, std::span<const RewriteRule> rules) {
  RewriteDriver driver{Rewriter(function)};
  Function result = driver.run(rules);
  return driver.changed ? remove_dead_nodes(result) : result;
}

Function rewrite(const Function& function, std::initializer_list<RewriteRule> rules) {
  return rewrite(function, std::span<const RewriteRule>(rules.begin(), rules.size()));
}

Function remove_dead_nodes(const Function& function) { return rewrite(function, std::span<const RewriteRule>()); }

}  // namespace cnnc
