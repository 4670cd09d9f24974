// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// For readers of runtime/formats, which refuse by FormatError.
#pragma once
#include "runtime/formats/error.h"

namespace cnnc::fuzz {

/// Runs the action; whether nothing was refused.
template <class Action>
bool accepted(Action action) {
  try {
    action();
    return true;
  } catch (const formats::FormatError&) {
    return false;
  }
}

}  // namespace cnnc::fuzz
