// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Composite ops → their bodies, again until none is left, as a body may contain composite ops.
#include <fmt/format.h>

#include <algorithm>

#include "ir/rewrite.h"
#include "optimize/passes.h"
#include "support/check.h"

namespace cnnc {
namespace {

constexpr int kMaximumDepth = 20;

/// The argument of that name, appended if the function has none.
ValueId ensure_argument(Function& function, std::string_view name, Role role, const TensorType& type) {
  if (const Port* port = find_port(function.arguments, name, role)) return port->value;
  const ValueId value = function.graph.add_argument(type);
  function.arguments.push_back({std::string(name), role, value});
  return value;
}

Function expand(Function function, Mode mode, bool keep_differentiable) {
  const auto composite = [&](const Node& node) { return node.op->expand && !(keep_differentiable && node.op->gradient); };
  for (int round = 0;; ++round) {
    function = remove_dead_nodes(function);
    const std::vector<Node>& nodes = function.graph.nodes();
    if (std::none_of(nodes.begin(), nodes.end(), composite)) return function;
    CNNC_CHECK(round < kMaximumDepth, "composite ops do not expand to themselves");
    std::vector<ValueId> key;
    const bool random = std::any_of(nodes.begin(), nodes.end(), [](const Node& node) { return node.op->random; });
    if (random && mode == Mode::Training) {
      key = {ensure_argument(function, "seed", Role::Scalar, {ElementType::I32, false, {}}),
             ensure_argument(function, "epoch", Role::Scalar, {ElementType::I32, false, {}}),
             ensure_argument(function, "sample", Role::SampleIndex, {ElementType::I32, true, {}})};
    }
    const auto replace = [&](Rewriter& rewriter, const Node& node) -> Replacement {
      if (!composite(node)) return std::nullopt;
      rewriter.build().set_random_key(rewriter(key));
      return node.op->expand(node.attributes, rewriter.build(), rewriter(node.operands), mode);
    };
    function = rewrite(function, {{"expand", replace}});
  }
}

}  // namespace

Function expand_training(const Function& function) { return expand(function, Mode::Training, false); }
Function expand_inference(const Function& function) { return expand(function, Mode::Inference, false); }
Function expand_for_autodiff(const Function& function) { return expand(function, Mode::Training, true); }

}  // namespace cnnc
