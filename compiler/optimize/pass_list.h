// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The passes by name, for `cnnc opt`. The pipeline calls the functions of passes.h directly.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "ir/graph.h"

namespace cnnc {

struct Pass {
  std::string_view name, doc;
  Function (*function)(const Function&) = nullptr;      // one of the two
  Module (*module)(const Module&) = nullptr;
  std::string (*refusal)(const Module&) = nullptr;      // why it cannot take this module; empty when it can
};

/// In the order of passes.inc.
std::span<const Pass> all_passes();
const Pass* find_pass(std::string_view name);

/// The module after a pass: each function by itself, or all at once.
Module run_pass(const Pass& pass, const Module& module);

}  // namespace cnnc
