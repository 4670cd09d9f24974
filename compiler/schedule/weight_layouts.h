// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// In which layout a convolution reads its weights: the choice behind algorithm and blocks of channels, as data. layout_weights.cpp asks, a
// layout stanza of a schedule file may answer, and the tuner tries what is legal. Private to schedule but for the table.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "schedule/conv_numbers.h"
#include "schedule/templates.h"

namespace cnnc {

/// `blocks` of packed and of transformed weights.
constexpr int64_t kMostPackedBlocks = 8;

/// The layouts that a layout stanza may name, with their parameters.
std::span<const Template> all_weight_layouts();

/// What the choice for a convolution, or its gradient towards x, depends on.
struct WeightsQuestion {
  ConvNumbers numbers;
  bool training = false;                // images in lanes
  bool towards_x = false;               // conv_grad_input
  bool from_blocks = false;             // inference: x is in blocks of channels
  bool precise = false;
  ElementType element = ElementType::F32;
  int64_t vector = 1;                   // lanes of a vector
  int64_t batch = 1;                    // images, in training groups of them in lanes
  const Target* target = nullptr;
  bool is_dense = false;                // a dense layer of inference
};

/// Why the convolution cannot read weights in this layout; begins with the parameter in backticks where it is about one.
std::optional<std::string> weights_complaint(const WeightsQuestion& question, const Schedule& weights);

/// All legal choices, those that are expected to be the fastest first.
std::vector<Schedule> legal_weights(const WeightsQuestion& question);

/// Vectors of outputs in a register tile of a dense layer of inference; 0: rows as they are, which one image at a time is as good with
/// where weights come from memory, and few outputs with, which would leave lanes idle.
int64_t packed_dense_blocks(const WeightsQuestion& question);

/// "planar", "blocked", "packed(blocks: 2)", "winograd(blocks: 2, outputs: 4)" of weights that are laid out so.
Schedule weights_of(const Layout& layout);

}  // namespace cnnc
