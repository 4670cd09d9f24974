// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What `cnnc build --emit=KIND` can make: one table, from which the help text is printed too.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "driver/pipeline.h"

namespace cnnc {

/// How far the pipeline must have run.
enum class Phase { Source, Analysed, Functions, Scheduled, Compiled };

struct Artifact {
  std::string_view name, doc;
  std::string_view suffix;          // of its file: ".o"
  bool is_text = false;             // goes to standard output without a path
  Phase phase{};
  /// Writes it to `path` (empty: standard output), whole or not at all. Returns an error's text, empty when all went well.
  std::string (*write)(Compilation& compilation, const std::string& path);
};

/// Runs the phases up to `last`; false where one reported errors.
bool run_phases(Compilation& compilation, Phase last, const KernelOptions& kernels);

std::span<const Artifact> all_artifacts();
const Artifact* find_artifact(std::string_view name);

}  // namespace cnnc
