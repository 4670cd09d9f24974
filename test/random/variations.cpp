// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From the table of targets, and the options of `cnnc build` that change schedules.
#include "test/random/variations.h"

#include <fmt/format.h>

#include "schedule/target.h"

namespace cnnc::random_programs {

Variation choose_target(Random& random) {
  std::vector<Variation> variations;
  for (const Target& target : all_targets()) {
    if (target.vector_bytes > host_target().vector_bytes) continue;
    for (const ElementType element : {ElementType::F32, ElementType::F64}) {
      if (&target == &host_target() && element == ElementType::F32) continue;      // what every network is built with
      variations.push_back({fmt::format("{} {}", target.name, element_name(element)), element, {"--target", std::string(target.name)}});
    }
  }
  return random.one_of(variations);
}

Variation choose_schedule(Random& random) {
  if (random.one_in(2)) {
    const std::string drawn = fmt::format("random:{}", 1 + random.below(1 << 20));
    return {drawn, ElementType::F32, {"--schedule", drawn}};
  }
  if (random.one_in(2)) return {"plain", ElementType::F32, {"--schedule", "plain"}};
  const std::string batch = fmt::format("{}", 2 + random.below(63));
  return {"batch " + batch, ElementType::F32, {"--batch", batch}};
}

}  // namespace cnnc::random_programs
