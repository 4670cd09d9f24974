// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs `infer` over samples and gathers the outputs. An image's result depends neither on its neighbours nor on the batch.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/program/batch_reader.h"
#include "runtime/program/model.h"
#include "runtime/program/session.h"

namespace cnnc::runtime {

/// One output of all samples, planar, as doubles of the program's numbers.
struct OutputValues {
  const cnn_column* column = nullptr;
  std::vector<double> values;
  std::span<const double> sample(int64_t i) const {
    return std::span(values).subspan(static_cast<size_t>(i * column->elements), static_cast<size_t>(column->elements));
  }
};

class Predictor {
 public:
  /// Takes memory for batches up to `batch` and loads weights (`weights_path` empty: the embedded ones).
  Predictor(const Session& session, int64_t batch, const std::string& weights_path);
  DataNeeds needs() const { return {infer_.columns(), 0}; }
  /// The outputs for all samples of a table.
  std::vector<OutputValues> run(const DataTable& table);

 private:
  const Session& session_;
  Model model_;
  FunctionCall infer_;
  std::unique_ptr<Arena> arena_;
  void* workspace_ = nullptr;
  int64_t batch_;
};

}  // namespace cnnc::runtime
