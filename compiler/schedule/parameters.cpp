// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reads and writes of kernels: what their nodes need from memory, and what of their results others do.
#include <algorithm>

#include "ir/op.h"
#include "schedule/steps.h"
#include "support/check.h"

namespace cnnc {
namespace {

/// Sets reads and writes of one kernel after another.
class ParameterFinder {
 public:
  explicit ParameterFinder(Draft& draft) : draft_(draft), graph_(draft.function->graph) {
    const auto count = static_cast<size_t>(graph_.value_count());
    stored_.assign(count, false);
    for (const Port& port : draft.function->results) stored_[index(port.value)] = true;
    for (size_t i = 0; i < graph_.nodes().size(); ++i)
      if (draft.roles[i] == NodeRole::Alias)
        for (ValueId operand : graph_.nodes()[i].operands) stored_[index(operand)] = true;
    for (const Kernel& kernel : draft.kernels)
      for (ValueId value : read_values(kernel)) stored_[index(value)] = true;
  }

  void run() {
    for (Kernel& kernel : draft_.kernels) {
      kernel.reads = read_values(kernel);
      for (int32_t node : kernel.nodes) {
        if (draft_.roles[static_cast<size_t>(node)] != NodeRole::Computed) continue;
        for (ValueId result : graph_.node(node).results)
          if (stored_[index(result)]) kernel.writes.push_back(result);
      }
      CNNC_CHECK(!kernel.writes.empty(), "a kernel computes something that is used");
    }
  }

 private:
  static size_t index(ValueId value) { return static_cast<size_t>(value.index); }

  /// Operands that come from memory, in the order of their first use.
  std::vector<ValueId> read_values(const Kernel& kernel) const {
    std::vector<ValueId> reads;
    for (int32_t node : kernel.nodes)
      for (ValueId operand : graph_.node(node).operands) {
        if (!operand.valid() || std::find(reads.begin(), reads.end(), operand) != reads.end()) continue;
        const int32_t producer = graph_.value(operand).node;
        if (producer >= 0 && std::find(kernel.nodes.begin(), kernel.nodes.end(), producer) != kernel.nodes.end()) continue;
        reads.push_back(operand);
      }
    return reads;
  }

  Draft& draft_;
  const Graph& graph_;
  std::vector<bool> stored_;
};

}  // namespace

void set_parameters(Draft& draft) { ParameterFinder(draft).run(); }

}  // namespace cnnc
