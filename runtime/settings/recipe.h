// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The settings of a `train` block as typed values, defaults filled in: what the trainer reads. Tests: test/runtime/settings.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/settings/value.h"

namespace cnnc::settings {

enum class DataKind { None, Idx, Cifar, Arrays };

/// `idx("folder")`, `cifar("folder")`, `arrays("x.npy", "y.npy")`, `arrays(sound: "x.npy", label: "y.npy")`.
struct DataSource {
  DataKind kind = DataKind::None;
  std::string folder;
  /// Of arrays: column and file; an empty column is the only input (the first file) or the label (the second).
  std::vector<std::pair<std::string, std::string>> files;
};

struct OptimizerSetting {
  std::string name = "sgd";
  double rate = 0.01;
  double decay = 0;
  std::vector<std::string> no_decay;                        // groups of weights: "bias", "norm", "weight"
  std::vector<std::pair<std::string, double>> arguments;    // all of the optimizer's, in the order of its table
};

/// A length of time in training: `500 steps`, `3 epochs`.
struct Duration {
  double amount = 0;
  bool in_steps = false;
};

enum class ScheduleKind { Constant, Step, Cosine, Multistep, Exponential };

struct ScheduleSetting {
  ScheduleKind kind = ScheduleKind::Constant;
  Duration every;                   // Step
  double factor = 0.1;              // Step, Multistep, Exponential (a factor an epoch)
  double minimum = 0;               // Cosine
  std::vector<Duration> at;         // Multistep
};

enum class AugmentationKind { Flip, Crop };

struct Augmentation {
  AugmentationKind kind{};
  int64_t pad = 0;                  // Crop
};

struct Recipe {
  DataSource data;
  std::vector<std::string> classes;
  double validation_share = 0;
  DataSource validation_data;
  std::string loss;                 // its text; empty: cross_entropy where the only output is one vector
  OptimizerSetting optimizer;
  ScheduleSetting schedule;
  Duration warmup{0, true};
  int64_t batch = 32;
  int64_t epochs = 10;
  int64_t seed = 0;
  std::vector<Augmentation> augment;
  std::vector<double> mean, deviation;   // normalize: one number, or one a channel; empty: none
  std::vector<std::string> metrics;
  std::optional<double> clip;            // the largest norm of all gradients together
  std::string weights;                   // a file to start from; empty: none
  bool precise = false;                  // without Winograd's algorithm
  int64_t skip_limit = 0;                // of `bad`: how many samples of a part may be left out; 0: the first stops
};

/// A setting as the file or the command line gives it.
struct NamedText {
  std::string name;
  std::string text;
};

/// Typed values; later settings of one name replace earlier ones, missing ones have their defaults.
std::variant<Recipe, Problem> parse_recipe(const std::vector<NamedText>& settings);

}  // namespace cnnc::settings
