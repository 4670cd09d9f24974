// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A network's graph at every stage of the compiler, run by the compiler's interpreter, against the tests' evaluator.
#pragma once
#include <cstdint>
#include <string>

#include "test/random/compare.h"

namespace cnnc::random_programs {

/// What is wrong with what the compiler makes of the text, in words; empty when nothing is. `variation` chooses the element
/// type, the pass that is switched off, and the order of those that clean up.
std::string check_ir(const std::string& text, uint64_t variation, Tally& tally);

}  // namespace cnnc::random_programs
