// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rewriter that passes share: walks a function in order, asks named rules for a replacement of each node, copies the node
// where no rule has one. Nodes whose results nobody uses drop out, before and after. Tests: test/optimize.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "ir/builder.h"

namespace cnnc {

/// What a rule sees: the old function, and the new one under construction.
class Rewriter {
 public:
  explicit Rewriter(const Function& from);
  Rewriter(const Rewriter&) = delete;          // the builder points into this object

  const Function& from() const { return from_; }
  const Graph& old_graph() const { return from_.graph; }
  /// Appends to the new function; layer and location are those of the node that is being replaced.
  GraphBuilder& build() { return builder_; }
  Graph& graph() { return to_.graph; }
  /// The new value that stands for an old one that was visited already; an invalid id stays one.
  ValueId operator()(ValueId old) const;
  std::vector<ValueId> operator()(std::span<const ValueId> old) const;
  /// How many operands and function results refer to the old value.
  int uses(ValueId old) const { return uses_.at(static_cast<size_t>(old.index)); }

 private:
  friend struct RewriteDriver;
  const Function& from_;
  Function to_;
  GraphBuilder builder_;
  std::vector<ValueId> values_;
  std::vector<int> uses_;
};

/// The new values of the node's results (an invalid id where nothing uses the result), or nothing: the rule does not apply.
using Replacement = std::optional<std::vector<ValueId>>;

struct RewriteRule {
  std::string_view name;
  std::function<Replacement(Rewriter&, const Node&)> replace;
};

/// Arguments and results stay. The first rule that applies to a node wins; what a rule builds is not rewritten again.
Function rewrite(const Function& function, std::span<const RewriteRule> rules);
Function rewrite(const Function& function, std::initializer_list<RewriteRule> rules);

/// The function without nodes that no result depends on.
Function remove_dead_nodes(const Function& function);

}  // namespace cnnc
