// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `--weights FILE` → the flat buffers of a network, checked: every tensor there, of the right shape, and none besides.
#pragma once
#include <optional>
#include <string>

#include "codegen/codegen.h"
#include "ir/graph.h"
#include "schedule/plan.h"

namespace cnnc {

/// Nothing, and `error`, where the file cannot be read or does not fit; all tensors concerned are named at once.
std::optional<FlatParameters> read_embedded_weights(const std::string& path, const Module& module, const FlatLayout& layout,
                                                    ElementType element, std::string& error);

}  // namespace cnnc
