// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a person would want to know of data before training: counts of classes, classes without samples, samples that training
// and measuring share. Reads loaded data, prints nothing. Tests: test/runtime/program/check_data.test.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

#include "runtime/program/dataset.h"

namespace cnnc::runtime {

/// Samples of each class; empty where the labels are no classes.
std::vector<int64_t> count_classes(const DataPart& part, int64_t classes);

/// Two samples whose inputs are equal byte for byte: one that is trained on, one that is measured.
struct SharedSample {
  uint32_t training = 0, measured = 0;
};

/// All samples of `measured` whose inputs are in `training` too, each with the first such sample.
std::vector<SharedSample> find_shared_samples(const DataPart& training, const DataPart& measured);

/// The column that stands for a sample in messages: the first input.
const DataColumn& first_input(const DataTable& table);

}  // namespace cnnc::runtime
