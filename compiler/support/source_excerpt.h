// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A range of a source text → its first line with the range underlined, as diagnostics show it. Tests: test/support.
#pragma once
#include <string>

#include "support/source.h"

namespace cnnc {

/// Two lines, each with its end: `    8 |     -> conv(16)` and `      |        ^^^^^^^^`. Tabs are expanded, long lines
/// are cut around the range, and what a terminal would obey is escaped. `colour_begin` and `colour_end` enclose the underline.
std::string source_excerpt(const SourceManager& sources, SourceRange range, const std::string& colour_begin = {},
                           const std::string& colour_end = {});

}  // namespace cnnc
