// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Source texts and places in them. Every AST node, graph node and diagnostic carries a SourceRange.
#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace cnnc {

/// A half-open range of bytes [begin, end) of one source file. `file < 0` means "no place" (generated code).
struct SourceRange {
  int32_t file = -1;
  uint32_t begin = 0;
  uint32_t end = 0;
  bool valid() const { return file >= 0; }
  bool operator==(const SourceRange&) const = default;
};

/// The smallest range that covers both; a range without a place leaves the other unchanged.
SourceRange cover(SourceRange a, SourceRange b);

/// Line and column, both from 1; columns count bytes (tabs and UTF-8 bytes are one each).
struct LineColumn {
  uint32_t line = 1;
  uint32_t column = 1;
};

/// One source text. `path` is printed in diagnostics as the user wrote it.
struct SourceFile {
  std::string path;
  std::string text;
  std::vector<uint32_t> line_starts;
};

class SourceManager;
/// "lenet.cnn:8:8": the file's name without its folder (equal for equal builds in different folders), line and column of the
/// range's begin. Empty for no place.
std::string place_text(const SourceManager& sources, SourceRange range);

/// Owns the source texts of one compilation. Texts never move, so views into them stay valid.
class SourceManager {
 public:
  /// Adds a text and returns its number, the `file` of ranges in it.
  int32_t add(std::string path, std::string text);
  const SourceFile& file(int32_t index) const { return files_.at(static_cast<size_t>(index)); }
  int32_t size() const { return static_cast<int32_t>(files_.size()); }
  LineColumn position(int32_t file, uint32_t offset) const;
  std::string_view text(SourceRange range) const;
  /// The line (from 1) without its line end.
  std::string_view line(int32_t file, uint32_t line) const;

 private:
  std::deque<SourceFile> files_;
};

}  // namespace cnnc
