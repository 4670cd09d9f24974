// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the rules of grammar/cnn.l work on: the place in the text, the comments found, and the reports of what is
// misspelled. A function that returns a TokenKind returns what the text is understood as.
#pragma once
#include <string>
#include <string_view>

#include "syntax/token.h"

namespace cnnc {

class ScanState {
 public:
  ScanState(const SourceManager& sources, int32_t file, Diagnostics& diagnostics)
      : sources_(&sources), diagnostics_(&diagnostics), range_{file, 0, 0} {}

  /// The rule that matches next takes so many bytes.
  void advance(uint32_t bytes) {
    range_.begin = range_.end;
    range_.end += bytes;
  }
  void line_end() { first_on_line_ = true; }
  void comment();
  TokenKind word();
  TokenKind number_with_suffix();
  TokenKind bad_number(std::string help);
  TokenKind unclosed_string();
  TokenKind foreign_quotes();
  /// A sign of another language; `help` says what is right here.
  TokenKind foreign(TokenKind understood, std::string help);
  /// A character that has no meaning. True if it is the first of a run; the others go without a report.
  bool bad_character(std::string help);
  /// Whether `//` stands where a comment would make no sense: inside brackets.
  bool double_slash_divides() const { return open_brackets_ > 0; }

  /// The token of the rule that just returned `kind`.
  Token take(TokenKind kind);
  std::vector<ast::Comment> take_comments() { return std::move(comments_); }

 private:
  std::string_view text() const { return sources_->text(range_); }

  const SourceManager* sources_;
  Diagnostics* diagnostics_;
  SourceRange range_;
  std::vector<ast::Comment> comments_;
  uint32_t bad_until_ = UINT32_MAX;
  int open_brackets_ = 0;
  bool first_on_line_ = true;
  bool broken_ = false;
};

}  // namespace cnnc
