// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the templates of reductions need to know of a kernel.
#pragma once
#include <vector>

#include "schedule/plan.h"

namespace cnnc {

/// The reductions of a kernel, by passes over what they read: those of a pass have one op, and need results of earlier passes only.
std::vector<std::vector<int32_t>> reduction_passes(const Graph& graph, const Kernel& kernel);

/// Whether the node, a reduction within each image, makes one element of many: few are written out.
bool reduces_long_rows(const Graph& graph, const Node& node);

}  // namespace cnnc
