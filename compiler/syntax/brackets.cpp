// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tokens → tokens whose brackets match. A bracket that is not closed is reported where it opens, and closed where the text
// shows that it should have been: before a `}` that belongs to an outer body, before an item that starts a line, or at the
// end. So the parser never sees the same mistake again.
#include <fmt/format.h>

#include <algorithm>

#include "support/check.h"
#include "support/limits.h"
#include "syntax/token.h"

namespace cnnc {
namespace {

TokenKind closer_of(TokenKind opener) {
  if (opener == Tokens::LEFT_PARENTHESIS) return Tokens::RIGHT_PARENTHESIS;
  if (opener == Tokens::LEFT_BRACKET) return Tokens::RIGHT_BRACKET;
  CNNC_CHECK(opener == Tokens::LEFT_BRACE, "not an opening bracket");
  return Tokens::RIGHT_BRACE;
}

/// Whether an item starts here: at the start of a line, one of its words and what must follow it.
bool starts_item(const Token& token, const Token& next) {
  if (!token.first_on_line) return false;
  switch (token.kind) {
    case Tokens::NETWORK:
    case Tokens::BLOCK:
    case Tokens::LAYER:
    case Tokens::TRAIN:
    case Tokens::CONST: return next.kind == Tokens::NAME;
    case Tokens::TEST: return next.kind == Tokens::STRING;
    case Tokens::IMPORT: return next.kind == Tokens::STRING || next.kind == Tokens::NAME;
    default: return false;
  }
}

class BracketMatcher {
 public:
  BracketMatcher(std::vector<Token> tokens, const SourceManager& sources, Diagnostics& diagnostics)
      : tokens_(std::move(tokens)), sources_(sources), diagnostics_(diagnostics) {}

  std::vector<Token> run() {
    result_.reserve(tokens_.size());
    for (size_t i = 0; i < tokens_.size(); ++i) {
      const Token& token = tokens_[i];
      string_broken_ = string_broken_ || token.broken;
      if (token.first_on_line && !result_.empty() && result_.back().kind == Tokens::STRING && result_.back().broken) close_line(token);
      if (token.kind == Tokens::END || (!open_.empty() && starts_item(token, tokens_[i + 1]))) {
        close_all(token, 0);
      } else if (is_closer(token.kind)) {
        if (close(token)) {
          result_.push_back(token);
        } else {
          result_.push_back({Tokens::INVALID, token.range, token.first_on_line, false});
        }
        continue;
      } else if (is_opener(token.kind)) {
        if (open_.size() == static_cast<size_t>(limits::kMaximumNesting)) return refuse_depth(token);
        open_.push_back(result_.size());
      }
      result_.push_back(token);
    }
    return std::move(result_);
  }

 private:
  /// Closes the brackets above `depth`, reporting those that `before` leaves open.
  void close_all(const Token& before, size_t depth) {
    while (open_.size() > depth) {
      report_unclosed(open_.back(), before);
      insert_closer(before);
    }
  }

  /// A string that was not closed may have swallowed the brackets that close on its line.
  void close_line(const Token& next) {
    size_t depth = open_.size();
    while (depth > 0 && result_[open_[depth - 1]].kind != Tokens::LEFT_BRACE) --depth;
    while (open_.size() > depth) insert_closer(next);
  }

  void insert_closer(const Token& before) {
    const Token& last = result_.back();
    const SourceRange place{before.range.file, last.range.end, last.range.end};
    result_.push_back({closer_of(result_[open_.back()].kind), place, false, false});
    open_.pop_back();
  }

  /// What a broken string swallowed was reported with it.
  void report_unclosed(size_t opener, const Token& before) {
    const bool swallowed = std::any_of(result_.begin() + static_cast<std::ptrdiff_t>(opener), result_.end(),
                                       [](const Token& t) { return t.broken; });
    if (swallowed) return;
    Diagnostic& error = diagnostics_.error(DiagnosticKind::UnclosedBracket, result_[opener].range,
                                           fmt::format("this `{}` is not closed", sources_.text(result_[opener].range)));
    const char* missing = grammar::token_text(closer_of(result_[opener].kind));
    if (before.kind == Tokens::END) {
      error.help(fmt::format("a {} is missing before the end of the file", missing));
    } else {
      error.help(fmt::format("a {} is missing before this", missing), before.range);
    }
  }

  /// Whether the closing bracket closes something.
  bool close(const Token& closer) {
    size_t depth = open_.size();
    while (depth > 0 && closer_of(result_[open_[depth - 1]].kind) != closer.kind) {
      // A `)` or `]` closes nothing outside the braces that it stands in.
      if (result_[open_[depth - 1]].kind == Tokens::LEFT_BRACE) depth = 1;
      --depth;
    }
    if (depth == 0) {
      if (!string_broken_) {
        Diagnostic& error = diagnostics_.error(DiagnosticKind::UnclosedBracket, closer.range,
                                               fmt::format("this `{}` closes nothing", sources_.text(closer.range)));
        if (!open_.empty()) error.note("the bracket that is open here", result_[open_.back()].range);
      }
      return false;
    }
    close_all(closer, depth);
    open_.pop_back();
    return true;
  }

  /// Nothing else is said about such a file: what remains is one unreadable token.
  std::vector<Token> refuse_depth(const Token& token) {
    diagnostics_.error(DiagnosticKind::LimitExceeded, token.range,
                       fmt::format("brackets are nested at most {} deep", limits::kMaximumNesting))
        .help("give the inner parts names, or move them into blocks");
    return {{Tokens::INVALID, token.range, true, true}, tokens_.back()};
  }

  std::vector<Token> tokens_;
  const SourceManager& sources_;
  Diagnostics& diagnostics_;
  std::vector<Token> result_;
  std::vector<size_t> open_;  // indices into result_
  bool string_broken_ = false;  // one may have swallowed an opening bracket
};

}  // namespace

std::vector<Token> match_brackets(std::vector<Token> tokens, const SourceManager& sources, Diagnostics& diagnostics) {
  return BracketMatcher(std::move(tokens), sources, diagnostics).run();
}

}  // namespace cnnc
