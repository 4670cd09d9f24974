// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Lines for a terminal, cells for Markdown.
#include "driver/page_text.h"

#include <algorithm>

namespace cnnc {

std::string wrap(const std::string& text, size_t width, const std::string& indent) {
  std::string result, line;
  const auto flush = [&] {
    result += (line.empty() ? "" : indent + line) + "\n";
    line.clear();
  };
  size_t place = 0;
  while (place < text.size()) {
    const size_t end = std::min(text.find_first_of(" \n", place), text.size());
    const std::string word = text.substr(place, end - place);
    if (!line.empty() && indent.size() + line.size() + 1 + word.size() > width) flush();
    if (!word.empty()) line += (line.empty() ? "" : " ") + word;
    if (end < text.size() && text[end] == '\n') flush();
    place = end + 1;
  }
  if (!line.empty()) flush();
  return result;
}

std::string cell(const std::string& text) {
  std::string result;
  for (const char c : text) result += c == '|' ? std::string("\\|") : std::string(1, c);
  return result;
}

}  // namespace cnnc
