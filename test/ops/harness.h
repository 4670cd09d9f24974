// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the tests of ops share: one op as a function, its expansion, its gradient by reverse mode, and arrays to run it on.
#pragma once
#include <string>
#include <vector>

#include "ops/interpreter.h"

namespace cnnc::test {

/// Numbers for a type: floats are distinct, shuffled, between -1.5 and 1.5 and never near 0, so that no derivative sits on a
/// corner; whole numbers are 0, 1 or 2 (labels, places in windows). A function of `seed` alone.
Array make_array(const TensorType& type, int64_t images, uint32_t seed);

/// A function whose arguments are the operands (then seed, epoch, sample if the op is random) and whose results are the op's.
Function function_of(const OpDef& op, const Sample& sample);

/// Replaces composite ops by their expansion until none is left; with `keep_rules`, those that have a gradient rule stay.
Function expanded(const Function& function, Mode mode, bool keep_rules = false);

/// Adds arguments for the gradient of the first result and gives the gradients of all float arguments (zero where there is
/// none), expanded for training.
Function gradient_of(const Function& function);

/// make_array for each argument; names choose what must be special: a variance is positive.
std::vector<Array> make_arguments(const Function& function, int64_t images, uint32_t seed);

/// The results of one op for operands of these types and values.
std::vector<Array> run_op(std::string_view op, const AttributeMap& attributes, const std::vector<Array>& operands,
                          int64_t images = 1, Mode mode = Mode::Training);

/// An array for one image (batched) or for all.
Array image(Dims dims, std::vector<double> values);
Array weight(Dims dims, std::vector<double> values);
Array labels(Dims dims, std::vector<double> values);

}  // namespace cnnc::test
