// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Samples of a table → the columns of a function: conversion, /255, normalize, augmentation, in parallel over images.
// Allocates nothing in `read`. Tests: test/runtime/program.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/program/dataset.h"
#include "runtime/program/function_call.h"
#include "runtime/program/thread_pool.h"
#include "runtime/settings/recipe.h"

namespace cnnc::runtime {

/// The value that a network sees for a pixel of a channel: (pixel / 255 - mean) / deviation.
class PixelRule {
 public:
  /// Throws Failure where `normalize` has another number of channels than the input.
  PixelRule(const settings::Recipe& recipe, const cnn_column& input);
  double value(uint8_t pixel, int64_t channel) const { return table_[static_cast<size_t>(channel) * 256 + pixel]; }

 private:
  std::vector<double> table_;
};

/// Augmentation of one batch; `stages` empty: none.
struct BatchAugmentation {
  std::span<const settings::Augmentation> stages;
  uint64_t seed = 0;
  int64_t epoch = 0;
};

class BatchReader {
 public:
  /// Joins the columns of a function with those of a table. Throws Failure where one is missing.
  BatchReader(const cnn_function& function, const DataTable& table, const settings::Recipe& recipe);

  /// Fills inputs, labels and the sample index of `call` with these samples.
  void read(FunctionCall& call, std::span<const uint32_t> samples, const BatchAugmentation& augmentation, ThreadPool& pool) const;

 private:
  struct Join {
    int32_t column = 0;
    const DataColumn* data = nullptr;     // null: the sample index
    const PixelRule* pixels = nullptr;    // null: values are taken as they are
  };
  std::vector<Join> joins_;
  std::vector<PixelRule> rules_;
};

/// Refuses augmentation of inputs that are no images, and too many stages.
void check_augmentation(const settings::Recipe& recipe, std::span<const cnn_column> columns);

}  // namespace cnnc::runtime
