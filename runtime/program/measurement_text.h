// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Measurements as text and as JSON: what `eval` and the end of `train` print.
#pragma once
#include <string>

#include "runtime/program/evaluation.h"

namespace cnnc::runtime {

/// `test loss 0.2991` and `test accuracy 0.8912`, a line each.
std::string summary_text(const std::string& part, const Measurement& measurement);
/// The accuracy of each class and the confusion matrix; empty where there are no classes.
std::string classes_text(const Session& session, const Measurement& measurement);
/// {"part", "samples", "loss", "metrics": {…}, "classes": [{"name", "accuracy", "count"}], "confusion": [[…]]}
std::string measurement_json(const Session& session, const std::string& part, const Measurement& measurement);

}  // namespace cnnc::runtime
