// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs graphs of primitive ops in double precision on plain arrays, straight from their definitions: the meaning that kernels
// are checked against, and what constant folding computes with. Slow, deterministic, without Halide. Tests: test/ops.
#pragma once
#include <span>
#include <vector>

#include "ir/graph.h"
#include "ir/op.h"

namespace cnnc {

/// A value: row-major, one image after the other if batched. Elements of every type are held as double.
struct Array {
  TensorType type;
  std::vector<double> values;
};

/// The results of an op (one that has a `define`) for these operands; a null operand is an optional one that is absent.
/// `images` is the size of the batch.
std::vector<Array> interpret_op(const OpDef& op, const AttributeMap& attributes, std::span<const Array* const> operands,
                                int64_t images);

/// The results of a function, in the order of its ports; `arguments` stand in the order of its arguments. All ops are
/// primitive (expanded). Values are freed after their last use.
std::vector<Array> interpret(const Function& function, std::span<const Array> arguments, int64_t images);

}  // namespace cnnc
