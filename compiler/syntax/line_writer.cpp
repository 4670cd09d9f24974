// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Lines and comments of the printer.
#include "syntax/line_writer.h"

#include <algorithm>

namespace cnnc {

size_t text_width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

size_t LineWriter::indentation() const {
  const size_t first = line_.find_first_not_of(' ');
  return first == std::string::npos ? line_.size() : first;
}

uint32_t LineWriter::line_of(uint32_t offset) const {
  return sources_ ? sources_->position(file_->source, offset).line : 0;
}

bool LineWriter::has_comment(SourceRange range) const {
  if (!file_) return false;
  const auto first = std::lower_bound(file_->comments.begin(), file_->comments.end(), range.begin,
                                      [](const ast::Comment& c, uint32_t offset) { return c.range.begin < offset; });
  return first != file_->comments.end() && first->range.begin < range.end;
}

void LineWriter::start_line(size_t indentation) {
  line_.assign(indentation, ' ');
  column_ = indentation;
}

void LineWriter::end_line() {
  if (!line_.empty()) {
    while (!line_.empty() && line_.back() == ' ') line_.pop_back();
    lines_.push_back({std::move(line_), std::move(line_comment_)});
  }
  start_line(0);
  line_comment_.clear();
}

void LineWriter::write_comments(uint32_t before, size_t indentation, bool keep_empty_lines, bool first) {
  if (!file_) return;
  for (; next_comment_ < file_->comments.size() && file_->comments[next_comment_].range.begin < before; ++next_comment_) {
    const ast::Comment& comment = file_->comments[next_comment_];
    const uint32_t line = line_of(comment.range.begin);
    if (!comment.own_line && !line_.empty() && line_comment_.empty()) {
      line_comment_ = comment.text;
      last_line_ = std::max(last_line_, line);
      continue;
    }
    end_line();
    if (keep_empty_lines && !first && line > last_line_ + 1) lines_.push_back({});
    lines_.push_back({std::string(indentation, ' ') + comment.text, {}});
    last_line_ = line;
    first = false;
  }
}

void LineWriter::next_line(uint32_t offset, size_t indentation, std::optional<size_t> comment_indentation) {
  write_comments(offset, comment_indentation.value_or(indentation), false, false);
  end_line();
  start_line(indentation);
}

void LineWriter::next_element(uint32_t offset, size_t indentation, bool first) {
  const size_t comments_before = next_comment_;
  const size_t lines_before = lines_.size() + (line_.empty() ? 0 : 1);
  write_comments(offset, indentation, true, first);
  end_line();
  // Comments on lines of their own make what follows not the first any more.
  if (next_comment_ > comments_before && lines_.size() > lines_before) first = false;
  if (!first && line_of(offset) > last_line_ + 1) lines_.push_back({});
  start_line(indentation);
}

void LineWriter::close_block(uint32_t offset, size_t indentation, bool empty) {
  write_comments(offset, indentation + 4, true, empty);
  end_line();
  start_line(indentation);
}

/// Comments of one paragraph stand below each other. A paragraph is what no empty line and no brace interrupts.
void LineWriter::align_comments() {
  // Padding beyond this pushes comments out of sight.
  constexpr size_t kMaximumPadding = 40;
  const auto interrupts = [](const Line& line) { return line.text.empty() || line.text.ends_with('{') || line.text.ends_with('}'); };
  for (size_t first = 0, last = 0; first < lines_.size(); first = last) {
    size_t narrow = SIZE_MAX, wide = 0;
    for (last = first; last < lines_.size(); ++last) {
      if (last > first && (interrupts(lines_[last]) || interrupts(lines_[last - 1]))) break;
      if (lines_[last].comment.empty()) continue;
      narrow = std::min(narrow, text_width(lines_[last].text));
      wide = std::max(wide, text_width(lines_[last].text));
    }
    for (size_t i = first; i < last; ++i) {
      Line& line = lines_[i];
      if (line.comment.empty()) continue;
      const size_t padding = wide - narrow <= kMaximumPadding ? wide - text_width(line.text) : 0;
      line.text += std::string(padding + 2, ' ') + line.comment;
    }
  }
}

std::string LineWriter::finish() {
  write_comments(UINT32_MAX, 0, true, lines_.empty() && line_.empty());
  end_line();
  align_comments();
  std::string result;
  for (const Line& line : lines_) result += line.text + '\n';
  return result;
}

}  // namespace cnnc
