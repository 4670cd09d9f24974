// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where a value that is not finite was born: the step is replayed, and after each kernel the workspace is searched.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "runtime/program/training_step.h"

namespace cnnc::runtime {

struct NonFiniteCase {
  const Session& session;
  Model& model;
  TrainingStep& step;
  void* workspace;
  std::span<const uint32_t> samples;
  int64_t epoch;
  int64_t number;   // of the step, from 1
};

/// "the loss is not finite (inf); the first value that is not finite came out of `dense1` (dense) at
/// net.cnn:4:8". The data's columns of the step must still be filled; weights are not changed, gradients are.
std::string explain_non_finite(const NonFiniteCase& non_finite);

/// Numbers that are not finite: "the weights `dense1.weight`", and the weight or statistic, "dense1.weight".
struct BrokenNumbers {
  std::string text, tensor;
};
/// The first of weights, running statistics and moments; nothing where all are finite.
std::optional<BrokenNumbers> find_broken_numbers(const Model& model, const cnn_recipe& recipe);

}  // namespace cnnc::runtime
