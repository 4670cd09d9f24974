// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A module → the tables that `cnnc summary` prints. Tests: test/sema/summary.
#pragma once
#include <string>
#include <vector>

#include "driver/memory_summary.h"
#include "ir/graph.h"

namespace cnnc {

/// A whole number with commas between thousands.
std::string with_commas(double number);

/// Each layer with output shape, parameters, multiply-adds and bytes, then totals, then the memory that the program takes.
std::string layer_summary(const Module& module, const std::vector<MemoryNeed>& memory);

/// Each weight and state by name, with its shape and how it starts.
std::string weight_summary(const Module& module);

}  // namespace cnnc
