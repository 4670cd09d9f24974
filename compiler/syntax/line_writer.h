// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The lines that the printer writes, with the comments of the file put between them where they stood: those that followed
// something on its line after it, those on a line of their own before what comes next.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/source.h"
#include "syntax/ast.h"

namespace cnnc {

/// Columns that a text takes, counting characters.
size_t text_width(std::string_view text);

class LineWriter {
 public:
  /// `file` may be null: then there are no comments, and everything stays on one line.
  LineWriter(const ast::File* file, const SourceManager* sources) : file_(file), sources_(sources) {}

  void write(std::string_view text) {
    line_ += text;
    column_ += text_width(text);
  }
  size_t column() const { return column_; }
  /// Blanks at the start of the line that is being written.
  size_t indentation() const;

  /// Starts a new line for what stands at `offset` of the source, after the comments before it, which may be indented more.
  void next_line(uint32_t offset, size_t indentation, std::optional<size_t> comment_indentation = {});
  /// The same between statements, settings and items, where one empty line of the source is kept, unless it is the `first`.
  void next_element(uint32_t offset, size_t indentation, bool first);
  /// The line of a closing brace, after the comments before it, which are indented as what it closes.
  void close_block(uint32_t offset, size_t indentation, bool empty);
  /// What ends at `offset` has been written: an empty line is one after this.
  void element_written(uint32_t offset) { last_line_ = line_of(offset); }
  /// The remaining comments, and the whole text.
  std::string finish();

  /// The source's line of an offset; 0 without a source.
  uint32_t line_of(uint32_t offset) const;
  bool same_line(uint32_t a, uint32_t b) const { return line_of(a) == line_of(b); }
  /// Whether a comment stands in the range.
  bool has_comment(SourceRange range) const;
  const SourceManager* sources() const { return sources_; }
  int32_t source() const { return file_ ? file_->source : -1; }

 private:
  struct Line {
    std::string text;
    std::string comment;
  };
  void write_comments(uint32_t before, size_t indentation, bool keep_empty_lines, bool first);
  void start_line(size_t indentation);
  void end_line();
  void align_comments();

  const ast::File* file_;
  const SourceManager* sources_;
  std::vector<Line> lines_;
  std::string line_;
  std::string line_comment_;
  size_t column_ = 0;  // the width of line_
  size_t next_comment_ = 0;
  uint32_t last_line_ = 0;
};

}  // namespace cnnc
