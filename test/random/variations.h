// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A seed → how a network is built once more: for another machine or with other schedules than the compiler chooses for this one.
#pragma once
#include <string>
#include <vector>

#include "ir/types.h"
#include "test/random/random.h"

namespace cnnc::random_programs {

struct Variation {
  std::string name;
  ElementType element = ElementType::F32;
  std::vector<std::string> options;      // of `cnnc build`, without --type
};

/// Another target that this machine can run, or this one in double precision.
Variation choose_target(Random& random);
/// Other legal schedules: templates, parameters and layouts drawn at random, `plain`, or those for another batch.
Variation choose_schedule(Random& random);

}  // namespace cnnc::random_programs
