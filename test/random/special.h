// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// NaN, infinities and zeros sent through every layer and loss of the table: writes networks, images in which such numbers stand,
// and what the evaluator makes of them. check_special.py builds the networks and compares.
#pragma once
#include <cstdint>
#include <string>

namespace cnnc::random_programs {

/// Folders layers_N, loss_N and gradient_N below `folder`: random.cnn, weights.safetensors, images.npy, labels.npy (where there is a loss), and
/// the evaluator's outputs, expected.npy with their bounds bounds.npy (units of rounding). Where there is a loss, its value for each
/// image by itself instead, and in gradients/ that of each weight: NAME.npy and NAME.bounds.npy.
void write_special_cases(const std::string& folder, uint64_t seed);

}  // namespace cnnc::random_programs
