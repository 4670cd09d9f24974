// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Buffers of a network.
#include "runtime/program/model.h"

#include <cmath>
#include <cstring>

#include "runtime/program/initialise.h"

namespace cnnc::runtime {

void Model::reserve(Arena& arena) {
  arena.reserve(MemoryUse::Weights, &weights, weight_bytes());
  arena.reserve(MemoryUse::Weights, &states, state_bytes());
  arena.reserve(MemoryUse::Prepared, &prepared, static_cast<uint64_t>(program->prepared_bytes));
}

void Model::reserve_training(Arena& arena, const cnn_recipe& recipe) {
  // The update may write up to a group beyond the last element.
  const uint64_t beyond = static_cast<uint64_t>(recipe.update->group) * element_bytes(program->element);
  arena.reserve(MemoryUse::Weights, &weights, weight_bytes() + beyond);
  arena.reserve(MemoryUse::Weights, &states, state_bytes());
  arena.reserve(MemoryUse::Prepared, &prepared, static_cast<uint64_t>(program->prepared_bytes));
  arena.reserve(MemoryUse::Training, &gradients, weight_bytes() + beyond);
  arena.reserve(MemoryUse::Training, &next_states, state_bytes());
  arena.reserve(MemoryUse::Training, &moments, saturating_size(weight_bytes(), static_cast<uint64_t>(recipe.moment_count), beyond));
}

void Model::initialise(uint64_t seed) {
  initialise_tensors(weight_tensors(), program->element, seed, weights);
  initialise_tensors(state_tensors(), program->element, seed, states);
}

bool Model::take_embedded() {
  if (!program->embedded_weights && program->weight_count > 0) return false;
  if (program->weight_count > 0) std::memcpy(weights, program->embedded_weights, weight_bytes());
  if (program->state_count > 0 && program->embedded_states) std::memcpy(states, program->embedded_states, state_bytes());
  return true;
}

void Model::connect(FunctionCall& call) const {
  call.set_buffer(CNN_WEIGHTS, weights);
  call.set_buffer(CNN_STATES, states);
  call.set_buffer(CNN_PREPARED, prepared);
  call.set_buffer(CNN_GRADIENTS, gradients);
  call.set_buffer(CNN_NEXT_STATES, next_states);
  call.set_buffer(CNN_MOMENTS, moments);
}

int32_t Model::prepare(void* workspace, const cnn_context& context) const {
  if (!program->prepare) return CNN_OK;
  void* buffers[CNN_COLUMNS] = {};
  buffers[CNN_WEIGHTS] = weights;
  buffers[CNN_STATES] = states;
  buffers[CNN_PREPARED] = prepared;
  return program->prepare->call(buffers, 1, workspace, &context);
}

const cnn_tensor* find_non_finite(std::span<const cnn_tensor> tensors, int32_t element, const void* buffer) {
  return with_float(element, [&](auto zero) -> const cnn_tensor* {
    const auto* values = static_cast<const decltype(zero)*>(buffer);
    for (const cnn_tensor& tensor : tensors)
      for (int64_t i = 0; i < tensor.elements; ++i)
        if (!std::isfinite(values[tensor.offset + i])) return &tensor;
    return nullptr;
  });
}

}  // namespace cnnc::runtime
