// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A seed → a valid random network, from the table of layers: a layer's arguments are drawn from what its table says of their
// kinds and ranges, sema says whether they fit, and the evaluator whether its numbers stay finite and sharp. So a new
// layer is drawn without a line here. Deterministic: equal seeds and sizes give equal texts.
#pragma once
#include <cstdint>
#include <vector>

#include "test/random/program.h"

namespace cnnc::random_programs {

/// How much work a network may be for one image. `Small` is for the IR's slow interpreter.
enum class Size { Small, Large };

RandomProgram generate(uint64_t seed, Size size);

/// Networks in which each layer of the table and each operator stands once, by itself, with drawn arguments: some side by side
/// in each network, their results joined in the output. All work on the first half of the image's channels divided by the second.
std::vector<RandomProgram> generate_each_layer(uint64_t seed);

/// The same below the loss l1, where each layer and operator works on numbers that are scaled, by weights of its own alone.
std::vector<RandomProgram> generate_each_gradient(uint64_t seed);
/// A network for each loss of the table: the same quotients, scaled one by one, and the loss.
std::vector<RandomProgram> generate_each_loss(uint64_t seed);

/// Whether bounds of the results and gradients are tight and everything is finite: what a comparison can see.
bool is_sharp(const Module& module);

}  // namespace cnnc::random_programs
