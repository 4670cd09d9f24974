// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A network as a table with one line a layer of the source: what `cnnc summary` and a built program's `info` print.
// Made from the function `network`. Tests: test/sema (summary).
#pragma once
#include <string>
#include <vector>

#include "ir/graph.h"

namespace cnnc {

struct LayerLine {
  std::string name;               // "stem.conv1"
  std::string kind;               // "conv"
  Dims shape;                     // of its output, one image
  int64_t parameters = 0;         // learned numbers that this line is the first to use
  double multiply_adds = 0;       // forward, one image
  int64_t bytes = 0;              // of its output, one image
};

std::vector<LayerLine> layer_table(const Module& module);

}  // namespace cnnc
