// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A network's built program against the tests' evaluator, and against itself.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "test/random/compare.h"

namespace cnnc::random_programs {

struct CompiledOptions {
  std::string cnnc;                          // the compiler's path
  std::string folder;                        // scratch
  std::vector<std::string> build_options;    // further options of every `cnnc build`
};

/// What is wrong with the program that the compiler makes of the text; empty when nothing is. Compares predictions, loss and
/// all gradients with the evaluator, for the batch of the recipe and for several groups of images; then 1, 2 and 3 threads and
/// other neighbours in the batch bit by bit. `variation` chooses two more builds (variations.h), compared with the evaluator.
std::string check_compiled(const std::string& text, uint64_t variation, const CompiledOptions& options, Tally& tally);

}  // namespace cnnc::random_programs
