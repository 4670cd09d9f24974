// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checkpoints: everything that the next step depends on, in one .safetensors file with a checksum; the one before stays as
// FILE.previous. A checkpoint is also valid as a weights file. Tests: test/runtime/program.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/formats/whole_file.h"
#include "runtime/program/model.h"
#include "runtime/settings/recipe.h"

namespace cnnc::runtime {

/// Where training stands between two steps.
struct TrainingPosition {
  int64_t step = 0;         // steps done
  int64_t epoch = 0;        // epochs done
  int64_t batch = 0;        // batches done of the epoch that is going on
  // Of this epoch, for its line.
  int64_t samples = 0;
  double loss_sum = 0;
  double accuracy_sum = 0;
};

/// What must not change between saving and resuming.
struct TrainingIdentity {
  std::vector<settings::NamedText> settings;   // without epochs, data and weights, which may change
  int64_t samples = 0;                         // of the training part
  uint64_t seed = 0;
};

/// Writes; retries where the system fails. Throws FormatError when that does not help either.
void write_checkpoint(const std::string& path, const Model& model, const cnn_recipe& recipe, const TrainingPosition& position,
                      const TrainingIdentity& identity, formats::Rotation rotation);

/// What was read.
struct ResumedCheckpoint {
  TrainingPosition position;
  bool from_previous = false;   // FILE is damaged or gone: the next write replaces it, and FILE.previous, the good one, stays
};

/// Reads a checkpoint into the model (weights, statistics, moments). A file that is damaged, or cannot be read after some tries, is
/// named on standard error, and FILE.previous is read; no file changes. Changed settings, another network: Failure that names them.
ResumedCheckpoint read_checkpoint(const std::string& path, Model& model, const cnn_recipe& recipe, const TrainingIdentity& identity);

}  // namespace cnnc::runtime
