// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which nodes form a kernel. A node with a loop nest of its own is the anchor of a kernel; elementwise nodes join the kernel
// that computes their latest operand, where both run over the same elements; a pool joins the convolution before it, a dense layer the
// means of channels that it reads; cheap ones are evaluated again wherever they are read; reductions that read the same values are one
// pass, and what is computed with the rows that they reduce joins them. With PlanOptions::plain each node is a kernel.
#include <utility>

#include "schedule/fusion_rules.h"
#include "schedule/steps.h"

namespace cnnc {
namespace {

class Fuser {
 public:
  Fuser(Draft& draft, const PlanContext& context)
      : draft_(draft), graph_(draft.function->graph), rules_(draft, context), plain_(draft.purpose == Purpose::Plain) {
    ready_.assign(static_cast<size_t>(graph_.value_count()), -1);
  }

  void run() {
    const auto count = static_cast<int32_t>(graph_.nodes().size());
    draft_.roles.resize(graph_.nodes().size());
    for (int32_t i = 0; i < count; ++i) {
      const Node& node = graph_.node(i);
      role_of(i) = rules_.role(node);
      int32_t ready = -1;
      for (ValueId operand : node.operands)
        if (operand.valid()) ready = std::max(ready, ready_[static_cast<size_t>(operand.index)]);
      if (role_of(i) == NodeRole::Computed) ready = add_to_kernel(i, ready);
      for (ValueId result : node.results) ready_[static_cast<size_t>(result.index)] = ready;
    }
    for (Kernel& kernel : draft_.kernels) {
      add_inlined_producers(kernel);
      if (!kernel.row_nodes.empty()) kernel.row_nodes = rules_.nodes_kept_for_a_row(kernel);
    }
  }

 private:
  NodeRole& role_of(int32_t node) { return draft_.roles.at(static_cast<size_t>(node)); }

  /// The kernel of the node: an existing one that it joins, else a new one. `ready`: the last kernel that it depends on.
  int32_t add_to_kernel(int32_t node, int32_t ready) {
    std::string apart;
    int32_t joined = !plain_ && is_map(graph_.node(node)) ? join_elementwise(node, ready, apart) : -1;
    if (joined < 0) joined = join_pass(node, ready);
    if (joined < 0 && ready >= 0 && join_as_anchor(node, draft_.kernels[static_cast<size_t>(ready)])) joined = ready;
    if (joined >= 0) {
      draft_.kernels[static_cast<size_t>(joined)].nodes.push_back(node);
      return joined;
    }
    Kernel kernel;
    kernel.nodes = {node};
    kernel.anchor = !plain_ && is_map(graph_.node(node)) ? -1 : node;
    if (!apart.empty()) kernel.apart_from = ready, kernel.apart = std::move(apart);
    draft_.kernels.push_back(std::move(kernel));
    return static_cast<int32_t>(draft_.kernels.size()) - 1;
  }

  /// The kernel that an elementwise node joins; -1: none, and `apart` says why not the one that it depends on.
  int32_t join_elementwise(int32_t index, int32_t ready, std::string& apart) {
    const Node& node = graph_.node(index);
    if (ready >= 0) {
      Kernel& kernel = draft_.kernels[static_cast<size_t>(ready)];
      apart = rules_.keeps_apart(node, kernel);
      if (apart.empty()) return ready;
      if (rules_.goes_on_with_rows(node, kernel)) {
        kernel.row_nodes = {index};
        return ready;
      }
    }
    const auto last = static_cast<int32_t>(draft_.kernels.size()) - 1;
    const bool is_update = draft_.purpose == Purpose::Update && last >= 0 && rules_.keeps_apart(node, draft_.kernels.back()).empty();
    return is_update ? last : -1;
  }

  /// The kernel of other reductions that the node is a pass of, or whose rows it reduces too; -1: none.
  int32_t join_pass(int32_t index, int32_t ready) {
    const Node& node = graph_.node(index);
    if (const int32_t pass = rules_.pass_to_join(node, ready); pass >= 0) return pass;
    if (ready < 0 || node.op->name != "reduce" || !rules_.goes_on_with_rows(node, draft_.kernels[static_cast<size_t>(ready)])) return -1;
    draft_.kernels[static_cast<size_t>(ready)].row_nodes = {index};
    return ready;
  }

  /// Whether the node joins the kernel as its pool, or as its anchor, which takes what the kernel computed before from a scratch.
  bool join_as_anchor(int32_t index, Kernel& kernel) {
    const Node& node = graph_.node(index);
    if (rules_.pools(node, kernel)) {
      kernel.pool = index;
      return true;
    }
    if (rules_.sums_up_channels(node, kernel)) {
      kernel.depthwise = std::exchange(kernel.anchor, index);
      return true;
    }
    if (!rules_.reads_means(node, kernel)) return false;
    // What reshapes the means moves nothing in a scratch either.
    const ValueId means = graph_.node(kernel.nodes.back()).results[0];
    for (ValueId x = node.operands[0]; x != means; x = graph_.node(graph_.value(x).node).operands[0]) role_of(graph_.value(x).node) = NodeRole::Inlined;
    kernel.means = kernel.nodes.back();
    kernel.anchor = index;
    return true;
  }

  void add_inlined_producers(Kernel& kernel) {
    for (size_t i = 0; i < kernel.nodes.size(); ++i)
      for (ValueId operand : graph_.node(kernel.nodes[i]).operands) {
        const int32_t producer = operand.valid() ? graph_.value(operand).node : -1;
        if (producer < 0 || role_of(producer) != NodeRole::Inlined) continue;
        if (!is_inside(producer, kernel)) kernel.nodes.push_back(producer);
      }
    std::sort(kernel.nodes.begin(), kernel.nodes.end());
  }

  Draft& draft_;
  const Graph& graph_;
  const FusionRules rules_;
  const bool plain_;
  std::vector<int32_t> ready_;                // by value: the last kernel that must have run; -1: none
};

}  // namespace

void fuse(Draft& draft, const PlanContext& context) { Fuser(draft, context).run(); }

}  // namespace cnnc
