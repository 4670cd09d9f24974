// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Source texts, and byte offsets → lines and columns. A line ends with `\n`; a `\r` before it belongs to the line end.
#include "support/source.h"

#include <algorithm>

#include "support/check.h"

namespace cnnc {

SourceRange cover(SourceRange a, SourceRange b) {
  if (!a.valid()) return b;
  if (!b.valid() || a.file != b.file) return a;
  return {a.file, std::min(a.begin, b.begin), std::max(a.end, b.end)};
}

int32_t SourceManager::add(std::string path, std::string text) {
  CNNC_CHECK(text.size() < UINT32_MAX, "source texts are addressed with 32 bits");
  std::vector<uint32_t> starts{0};
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') starts.push_back(static_cast<uint32_t>(i + 1));
  }
  files_.push_back({std::move(path), std::move(text), std::move(starts)});
  return size() - 1;
}

LineColumn SourceManager::position(int32_t index, uint32_t offset) const {
  const std::vector<uint32_t>& starts = file(index).line_starts;
  const auto after = std::upper_bound(starts.begin(), starts.end(), offset);
  return {static_cast<uint32_t>(after - starts.begin()), offset - *(after - 1) + 1};
}

std::string_view SourceManager::text(SourceRange range) const {
  if (!range.valid()) return {};
  const std::string_view whole = file(range.file).text;
  const size_t begin = std::min<size_t>(range.begin, whole.size());
  return whole.substr(begin, std::max<size_t>(range.end, begin) - begin);
}

std::string_view SourceManager::line(int32_t index, uint32_t line) const {
  const SourceFile& source = file(index);
  if (line == 0 || line > source.line_starts.size()) return {};
  const std::string_view whole = source.text;
  const size_t begin = source.line_starts[line - 1];
  size_t end = line < source.line_starts.size() ? source.line_starts[line] - 1 : whole.size();
  if (end > begin && whole[end - 1] == '\r') --end;
  return whole.substr(begin, end - begin);
}

std::string place_text(const SourceManager& sources, SourceRange range) {
  if (!range.valid()) return {};
  const std::string& path = sources.file(range.file).path;
  const LineColumn at = sources.position(range.file, range.begin);
  return path.substr(path.rfind('/') + 1) + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

}  // namespace cnnc
