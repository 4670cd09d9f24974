// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How many bytes a kernel moves at least: every stored value that it reads or writes, once, as its layout stores it.
#include "schedule/plan.h"

namespace cnnc {

KernelTraffic kernel_traffic(const FunctionPlan& plan, const Kernel& kernel) {
  KernelTraffic traffic;
  const auto add = [&](ValueId value, double& per_image, double& fixed) {
    const TensorType& type = plan.function->graph.type(value);
    const Layout& layout = plan.layouts[static_cast<size_t>(value.index)];
    const auto bytes = static_cast<double>(stored_bytes(type, layout));
    if (!type.batched) fixed += bytes;
    else per_image += layout.kind == LayoutKind::Lanes ? bytes / static_cast<double>(layout.vector) : bytes;
  };
  for (ValueId value : kernel.reads) add(value, traffic.read_per_image, traffic.read_fixed);
  for (ValueId value : kernel.writes) add(value, traffic.written_per_image, traffic.written_fixed);
  return traffic;
}

}  // namespace cnnc
