// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which schedules of one kernel are tried next: neighbours of the best, the ones that the rules expect to be fast, and some drawn at
// random. Nothing is tried twice; the order is a function of the kernel and of what was found. Tests: test/tune/tuner.cpp
#pragma once
#include <set>
#include <string>
#include <vector>

#include "support/random.h"
#include "tune/bench.h"

namespace cnnc {

class KernelSearch {
 public:
  KernelSearch(const KernelSpace& space, uint64_t key, const Schedule& best);

  /// At most `count` schedules that were not given out before; fewer, or none, once the space is exhausted.
  std::vector<Schedule> next(size_t count);
  /// The best schedule is another one now.
  void moved_to(const Schedule& best);

 private:
  bool take(const Schedule& schedule, std::vector<Schedule>& taken);

  const KernelSpace& space_;
  std::vector<Schedule> near_, all_;    // still to try: neighbours of the best; the space, both by expected cost
  std::set<std::string> tried_;
  SplitMix64 random_;
  size_t given_ = 0;
};

}  // namespace cnnc
