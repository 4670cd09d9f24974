// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the templates of reductions need to know of a kernel.
#pragma once
#include <vector>

#include "schedule/plan.h"
#include "schedule/target.h"

namespace cnnc {

/// The reductions of a kernel, by passes over what they read: those of a pass have one op, and need results of earlier passes only.
std::vector<std::vector<int32_t>> reduction_passes(const Graph& graph, const Kernel& kernel);

/// Whether the node, a reduction within each image, makes one element of many: few are written out.
bool reduces_long_rows(const Graph& graph, const Node& node);

/// Whether elements that the node, a reduction within each image, combines lie side by side in this layout.
bool reduces_innermost(const Graph& graph, const Node& node, const Layout& layout);

/// Bytes of what a vector reduces at a time: one row where its elements lie side by side, else one row for each lane.
int64_t row_bytes(const Graph& graph, const Node& node, const Layout& layout, const Target& target);

}  // namespace cnnc
