// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Weights, images and labels for a module without any file: each number is a hash of its tensor's name and its place, and is
// exact in single precision. An image's numbers do not depend on how many images there are.
#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "ir/graph.h"
#include "test/random/tensor.h"

namespace cnnc::random_programs {

/// 64 random bits for a name and a number (splitmix64 from a hash of the name).
uint64_t random_bits(std::string_view name, uint64_t number);

/// The value of an argument of `network` or RECIPE.loss. Labels are class numbers below `classes`, or numbers from 0 to 1.
Tensor argument_value(const Module& module, const Port& port, const TensorType& type, int64_t images, int64_t classes);

/// Values of all arguments of such a function.
std::vector<Tensor> argument_values(const Module& module, const Function& function, int64_t images);

/// The shape of a file with the tensor: images first, where there are any.
std::vector<uint64_t> shape_of(const Tensor& tensor);

/// Its values, without their bounds.
template <class T>
std::vector<T> numbers_of(const Tensor& tensor) {
  std::vector<T> numbers;
  for (const Bounded& element : tensor.at) numbers.push_back(static_cast<T>(element.value));
  return numbers;
}

/// Writes the weights and states among a function's arguments as a .safetensors file.
void save_weights(const std::filesystem::path& file, const Function& function, std::span<const Tensor> arguments);

}  // namespace cnnc::random_programs
