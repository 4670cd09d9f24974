// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A range of a source text → its first line with the range underlined. The line is taken apart into characters with their
// width on a terminal; then a window of at most kMaximumColumns around the range is printed.
#include "support/source_excerpt.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/text.h"

namespace cnnc {
namespace {

constexpr size_t kMaximumColumns = 160;
constexpr size_t kColumnsBeforeRange = 60;
constexpr size_t kTabWidth = 4;

/// One character of the line: what is printed, where it stands in the line, and on the terminal.
struct Cell {
  std::string text;
  size_t columns = 1;
  size_t offset = 0;
};

/// The cells of a line. Only the part near the range is needed, so that a line of many megabytes costs nothing.
std::vector<Cell> cells_of(std::string_view line, size_t begin, size_t end) {
  std::vector<Cell> cells;
  size_t column = 0;
  while (begin < end) {
    const std::string_view rest = line.substr(begin);
    if (rest.front() == '\t') {
      const size_t width = kTabWidth - column % kTabWidth;
      cells.push_back({std::string(width, ' '), width, begin++});
      column += width;
      continue;
    }
    const Utf8Character character = decode_utf8(rest);
    ShownCharacter shown = show_character(rest, character);
    column += shown.columns;
    cells.push_back({std::move(shown.text), shown.columns, begin});
    begin += character.bytes;
  }
  return cells;
}

bool starts_character(std::string_view line, size_t offset) {
  return offset == 0 || offset >= line.size() || (static_cast<unsigned char>(line[offset]) & 0xc0) != 0x80;
}

}  // namespace

std::string source_excerpt(const SourceManager& sources, SourceRange range, const std::string& colour_begin,
                           const std::string& colour_end) {
  const LineColumn place = sources.position(range.file, range.begin);
  const std::string_view line = sources.line(range.file, place.line);
  const size_t first = std::min<size_t>(place.column - 1, line.size());
  const size_t length = std::max<uint32_t>(range.end, range.begin) - range.begin;
  const size_t last = std::min(first + length, line.size());

  size_t window_begin = 0;
  if (line.size() > kMaximumColumns && last > kMaximumColumns) {
    window_begin = first - std::min(first, kColumnsBeforeRange);
    while (!starts_character(line, window_begin)) --window_begin;
  }
  // Bytes bound columns from above except for escapes and tabs, which the loop below cuts.
  size_t window_end = std::min(line.size(), window_begin + 4 * kMaximumColumns);
  while (!starts_character(line, window_end)) --window_end;

  std::string text = window_begin > 0 ? "…" : "";
  std::string underline = window_begin > 0 ? " " : "";
  size_t column = 0;
  bool cut = window_end < line.size();
  for (const Cell& cell : cells_of(line, window_begin, window_end)) {
    if (column + cell.columns > kMaximumColumns) {
      cut = true;
      break;
    }
    text += cell.text;
    if (cell.offset < std::max(first, last)) underline.append(cell.columns, cell.offset < first ? ' ' : '^');
    column += cell.columns;
  }
  if (cut) text += "…";
  if (first == last) underline += '^';  // an empty range: a place between characters, or the end of the line
  return fmt::format("{:>5} | {}\n      | {}{}{}\n", place.line, text, colour_begin, underline, colour_end);
}

}  // namespace cnnc
