// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the commands that explain things share: lines for a terminal, cells for Markdown.
#pragma once
#include <cstddef>
#include <string>

namespace cnnc {

constexpr size_t kPageWidth = 96;

/// Lines of at most `width` bytes, broken at blanks; each begins with `indent`. Empty lines part paragraphs.
std::string wrap(const std::string& text, size_t width, const std::string& indent);

/// The text as a cell of a Markdown table, which `|` would end.
std::string cell(const std::string& text);

}  // namespace cnnc
