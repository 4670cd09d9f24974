// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A file that `predict` is given → samples of the network's inputs: PNG, JPEG, or .npy (one image or a batch).
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/program/dataset.h"

namespace cnnc::runtime {

/// One picture or array for the network's only input. A picture of another size is an error, unless `resize`.
std::shared_ptr<const DataTable> read_prediction_input(const std::string& path, const DataNeeds& needs, bool resize);

/// `NAME=FILE` pairs → arrays under their names; a text without `=` is unnamed. Throws a usage Failure.
std::pair<std::string, std::string> split_named_file(const std::string& text);

/// An array as samples of a column: an array of the column's own shape is one sample.
void add_sample_dimension(std::vector<uint64_t>& dims, const cnn_column& column);

}  // namespace cnnc::runtime
