// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Measures a network on a part of the data: mean loss and metrics, and for classes the confusion matrix.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/program/batch_reader.h"
#include "runtime/program/model.h"
#include "runtime/program/session.h"

namespace cnnc::runtime {

struct Measurement {
  int64_t samples = 0;
  double loss = 0;                                        // means over the samples
  std::vector<std::pair<std::string, double>> metrics;    // in the order of the program's columns
  int64_t classes = 0;                                    // 0: no confusion matrix
  std::vector<int64_t> confusion;                         // [true class][predicted class]
  /// The mean of that metric, or nothing.
  std::optional<double> metric(const std::string& name) const;
};

class Evaluation {
 public:
  Evaluation(const Session& session, Model& model);
  void reserve(Arena& arena, int64_t batch);
  void connect(void* workspace);
  static uint64_t workspace(const Session& session, int64_t batch);

  /// Prepares the weights and runs over the part; nothing when a signal stopped it.
  std::optional<Measurement> run(const DataPart& part);

 private:
  void count_classes(Measurement& out, int64_t batch) const;

  const Session& session_;
  Model& model_;
  FunctionCall evaluate_;
  int64_t batch_ = 1;
  int32_t output_ = -1, label_ = -1;
  void* workspace_ = nullptr;
};

}  // namespace cnnc::runtime
