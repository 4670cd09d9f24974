// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The numbers of a network in memory: weights, running statistics, what kernels use of them, and what training adds.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "runtime/abi/program.h"
#include "runtime/program/arena.h"
#include "runtime/program/function_call.h"

namespace cnnc::runtime {

struct Model {
  const cnn_program* program = nullptr;
  void* weights = nullptr;
  void* states = nullptr;
  void* prepared = nullptr;
  // Training only.
  void* gradients = nullptr;
  void* next_states = nullptr;
  void* moments = nullptr;

  explicit Model(const cnn_program& network) : program(&network) {}
  std::span<const cnn_tensor> weight_tensors() const { return {program->weights, static_cast<size_t>(program->weight_count)}; }
  std::span<const cnn_tensor> state_tensors() const { return {program->states, static_cast<size_t>(program->state_count)}; }
  uint64_t weight_bytes() const { return static_cast<uint64_t>(program->weight_elements) * element_bytes(program->element); }
  uint64_t state_bytes() const { return static_cast<uint64_t>(program->state_elements) * element_bytes(program->element); }

  void reserve(Arena& arena);
  /// Also gradients, next statistics and moments of this recipe.
  void reserve_training(Arena& arena, const cnn_recipe& recipe);
  /// Random first values.
  void initialise(uint64_t seed);
  /// Copies embedded weights; false where the program has none.
  bool take_embedded();
  /// Sets the buffers of a function.
  void connect(FunctionCall& call) const;
  /// weights, states → prepared; `workspace` must have room for `prepare`.
  int32_t prepare(void* workspace, const cnn_context& context) const;
  /// The buffer of one moment of the optimizer.
  void* moment(int32_t index) const { return static_cast<std::byte*>(moments) + static_cast<uint64_t>(index) * weight_bytes(); }

  /// Element i of a flat buffer.
  double element(const void* buffer, int64_t i) const {
    return program->element == CNN_F64 ? static_cast<const double*>(buffer)[i] : static_cast<const float*>(buffer)[i];
  }
};

/// The first tensor with a value that is not finite in a flat buffer, or null.
const cnn_tensor* find_non_finite(std::span<const cnn_tensor> tensors, int32_t element, const void* buffer);

}  // namespace cnnc::runtime
