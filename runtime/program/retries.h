// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the system fails once may work a moment later: a few tries with pauses between them.
#pragma once
#include <chrono>
#include <thread>

#include "runtime/formats/error.h"

namespace cnnc::runtime {

inline constexpr int kTries = 3;
inline constexpr std::chrono::milliseconds kBetweenTries{200};

/// The action's result; where the system fails a call (kInputOutput), the action is repeated. Throws what its last try throws.
template <typename Action>
auto with_retries(const Action& action) {
  for (int attempt = 1;; ++attempt) {
    try {
      return action();
    } catch (const formats::FormatError& error) {
      if (attempt == kTries || error.kind() != formats::ErrorKind::kInputOutput) throw;
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
}

/// The same for an action that says whether it worked.
template <typename Action>
bool works_in_time(const Action& action) {
  for (int attempt = 1; attempt < kTries; ++attempt) {
    if (action()) return true;
    std::this_thread::sleep_for(kBetweenTries);
  }
  return action();
}

}  // namespace cnnc::runtime
