// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Adds up the buffers of a run. What a program needs is known when it is planned; how the runtime lays it out stands in program.h.
#include "driver/memory_summary.h"

#include <algorithm>
#include <numeric>

#include "runtime/abi/program.h"
#include "support/check.h"

namespace cnnc {
namespace {

enum Use : size_t { kWeights, kPrepared, kTraining, kColumns, kWorkspace, kAlignment };

int64_t round_up(int64_t count, int64_t step) { return (count + step - 1) / step * step; }

/// The buffers of a run, one after the other.
class Buffers {
 public:
  Buffers(const ModulePlan& plan, ElementType element) : plan_(plan), element_(element_bytes(element)) {}

  const FunctionPlan* find(const std::string& name) const {
    for (const FunctionPlan& plan : plan_.functions)
      if (plan.function->name == name) return &plan;
    return nullptr;
  }
  const FunctionPlan& get(const std::string& name) const {
    const FunctionPlan* plan = find(name);
    CNNC_CHECK(plan, "the plan has no function " + name);
    return *plan;
  }

  int64_t weight_bytes() const { return plan_.flat.weight_elements * element_; }
  int64_t state_bytes() const { return plan_.flat.state_elements * element_; }
  int64_t prepared_bytes() const { return plan_.prepared_bytes; }
  /// What an update may write beyond the last weight.
  int64_t beyond(const FunctionPlan& update) const { return update.group * element_; }

  void add(Use use, int64_t bytes) {
    bytes_[use] += bytes;
    bytes_[kAlignment] += round_up(bytes + CNN_SPARE, CNN_ALIGNMENT) - bytes;
  }

  /// Columns and scalars; those of an update are the flat buffers themselves.
  void add_columns(const FunctionPlan& plan, int64_t batch) {
    constexpr int64_t kScalarCell = 8;
    const bool is_update = plan.function->name.ends_with(".update");
    for (const Port& port : plan.columns) {
      const TensorType& type = plan.function->graph.type(port.value);
      if (!is_update) add(kColumns, element_count(type.dims) * element_bytes(type.element) * round_up(batch, plan.group));
    }
    if (!plan.scalars.empty()) add(kColumns, kScalarCell * static_cast<int64_t>(plan.scalars.size()));
  }

  int64_t workspace(const FunctionPlan& plan, int64_t batch) const {
    return plan.workspace_fixed + plan.workspace_per_group * (round_up(batch, plan.group) / plan.group);
  }
  int64_t prepare_workspace() const {
    const FunctionPlan* prepare = find("prepare");
    return prepare ? workspace(*prepare, 1) : 0;
  }

  MemoryNeed finish(std::string task, int64_t batch) const { return {std::move(task), batch, bytes_}; }

 private:
  const ModulePlan& plan_;
  int64_t element_;
  std::array<int64_t, std::size(kMemoryUses)> bytes_{};
};

}  // namespace

int64_t MemoryNeed::total() const { return std::accumulate(bytes.begin(), bytes.end(), int64_t{0}); }

MemoryNeed inference_memory(const ModulePlan& plan, ElementType element, int64_t batch) {
  Buffers buffers(plan, element);
  const FunctionPlan& infer = buffers.get("infer");
  buffers.add(kWeights, buffers.weight_bytes());
  buffers.add(kWeights, buffers.state_bytes());
  buffers.add(kPrepared, buffers.prepared_bytes());
  buffers.add_columns(infer, batch);
  buffers.add(kWorkspace, std::max(buffers.workspace(infer, batch), buffers.prepare_workspace()));
  return buffers.finish("inference", batch);
}

MemoryNeed training_memory(const ModulePlan& plan, ElementType element, const std::string& recipe, int64_t batch) {
  Buffers buffers(plan, element);
  const FunctionPlan& gradients = buffers.get(recipe + ".gradients");
  const FunctionPlan& update = buffers.get(recipe + ".update");
  const FunctionPlan& evaluate = buffers.get(recipe + ".evaluate");
  const int64_t beyond = buffers.beyond(update);
  const auto moments = std::count_if(update.function->arguments.begin(), update.function->arguments.end(),
                                     [](const Port& port) { return port.role == Role::Moment; });
  buffers.add(kWeights, buffers.weight_bytes() + beyond);
  buffers.add(kWeights, buffers.state_bytes());
  buffers.add(kPrepared, buffers.prepared_bytes());
  buffers.add(kTraining, buffers.weight_bytes() + beyond);
  buffers.add(kTraining, buffers.state_bytes());
  buffers.add(kTraining, buffers.weight_bytes() * moments + beyond);
  buffers.add_columns(gradients, batch);
  buffers.add_columns(update, 1);
  buffers.add_columns(evaluate, batch);
  const int64_t update_workspace = buffers.workspace(update, plan.flat.weight_elements);
  buffers.add(kWorkspace, std::max({buffers.workspace(gradients, batch), update_workspace, buffers.workspace(evaluate, batch), buffers.prepare_workspace()}));
  return buffers.finish("training", batch);
}

}  // namespace cnnc
