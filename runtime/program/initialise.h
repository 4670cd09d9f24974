// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// First values of weights and states: a function of (seed, tensor's name, element), by the tensor's initialiser.
// Names: uniform_fan_in, he_normal, he_uniform, xavier_normal, xavier_uniform, normal, uniform, constant, zeros, ones, orthogonal.
// Tests: test/runtime/program.
#pragma once
#include <cstdint>
#include <span>

#include "runtime/abi/program.h"

namespace cnnc::runtime {

/// Fills one tensor. An unknown initialiser is an internal error (Failure).
void initialise_tensor(const cnn_tensor& tensor, uint64_t seed, std::span<double> values);

/// Fills flat buffers of the program's element type: all tensors at their offsets.
void initialise_tensors(std::span<const cnn_tensor> tensors, int32_t element, uint64_t seed, void* buffer);

}  // namespace cnnc::runtime
