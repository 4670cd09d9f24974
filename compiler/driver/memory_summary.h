// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A plan → what the built program will take of memory, besides the data, for prediction and for training. Counted from the plan
// by the rules of runtime/abi/program.h; `PROGRAM info` counts what it really reserves. Tests: test/run/memory_is_as_planned.test
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "schedule/plan.h"

namespace cnnc {

/// Rows of the table, in the order of `PROGRAM info`; the last one is what lies between buffers.
inline constexpr const char* kMemoryUses[] = {"weights and statistics", "prepared weights", "gradients and optimizer", "inputs and outputs", "workspace", "alignment"};

struct MemoryNeed {
  std::string task;                                  // "inference", "training"
  int64_t batch = 1;
  std::array<int64_t, std::size(kMemoryUses)> bytes{};
  int64_t total() const;
};

/// For `predict` with weights from a file, `batch` images at a time.
MemoryNeed inference_memory(const ModulePlan& plan, ElementType element, int64_t batch);
/// For `train` by this recipe; its functions must be in the plan.
MemoryNeed training_memory(const ModulePlan& plan, ElementType element, const std::string& recipe, int64_t batch);

}  // namespace cnnc
