// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// For readers of the compiler, which refuse by diagnostics.
#pragma once
#include "support/diagnostic.h"
#include "target.h"

namespace cnnc::fuzz {

/// Whether errors were reported; every diagnostic must say something, lie inside its source text, and print.
inline bool refused(const Diagnostics& diagnostics) {
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    const SourceRange range = diagnostic.range;
    require(!diagnostic.message.empty(), "a diagnostic says something");
    if (!range.valid()) continue;
    require(range.begin <= range.end, "a range does not end before it begins");
    require(range.end <= diagnostics.sources().file(range.file).text.size(), "a range lies inside the text");
  }
  require(!diagnostics.has_errors() || !diagnostics.render(false).empty(), "errors are printed");
  return diagnostics.has_errors();
}

}  // namespace cnnc::fuzz
