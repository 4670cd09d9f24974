// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The first simple rule: which template computes a kernel, with which parameters.
#include "ir/op.h"
#include "schedule/steps.h"

namespace cnnc {

Layout weight_layout(const Graph&, const Node&, Purpose, const PlanContext&) { return {}; }

void choose_schedules(Draft& draft, const PlanContext&) {
  for (Kernel& kernel : draft.kernels) kernel.schedule = {"plain", {}};
}

}  // namespace cnnc
