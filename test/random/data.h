// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Weights, images and labels for a module without any file: each number is a hash of its tensor's name and its place, and is
// exact in single precision. An image's numbers do not depend on how many images there are.
#pragma once
#include <cstdint>
#include <string_view>

#include "ir/graph.h"
#include "test/random/tensor.h"

namespace cnnc::random_programs {

/// 64 random bits for a name and a number (splitmix64 from a hash of the name).
uint64_t random_bits(std::string_view name, uint64_t number);

/// The value of an argument of `network` or RECIPE.loss. Labels are class numbers below `classes`, or numbers from 0 to 1.
Tensor argument_value(const Module& module, const Port& port, const TensorType& type, int64_t images, int64_t classes);

/// Values of all arguments of such a function.
std::vector<Tensor> argument_values(const Module& module, const Function& function, int64_t images);

}  // namespace cnnc::random_programs
