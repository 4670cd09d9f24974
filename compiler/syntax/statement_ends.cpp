// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tokens with matching brackets → tokens with a STATEMENT_END where a statement ends. A line end means nothing inside ( ) and
// [ ], after a token that cannot end a statement, and before one that cannot begin one; `;` always ends one. Here also
// numbers meet their units (`10 epochs`), and minus signs are checked: `[1 -2]` and a line `-y` would both be understood as
// a difference that was not meant.
#include <fmt/format.h>

#include "syntax/token.h"

namespace cnnc {
namespace {

bool can_end_statement(TokenKind kind) {
  switch (kind) {
    case Tokens::NAME:
    case Tokens::NUMBER:
    case Tokens::QUANTITY:
    case Tokens::STRING:
    case Tokens::TRUE:
    case Tokens::FALSE:
    case Tokens::INVALID:
    case Tokens::RIGHT_PARENTHESIS:
    case Tokens::RIGHT_BRACKET:
    case Tokens::RIGHT_BRACE: return true;
    // Names where only a name can stand: `code.state`.
    case Tokens::WEIGHT:
    case Tokens::BLOCK:
    case Tokens::LAYER:
    case Tokens::NETWORK:
    case Tokens::STATE:
    case Tokens::TEST: return true;
    default: return false;
  }
}

bool can_begin_statement(TokenKind kind) {
  switch (kind) {
    case Tokens::NAME:
    case Tokens::NUMBER:
    case Tokens::QUANTITY:
    case Tokens::STRING:
    case Tokens::TRUE:
    case Tokens::FALSE:
    case Tokens::INVALID:
    case Tokens::IF:
    case Tokens::NOT:
    case Tokens::RETURN:
    case Tokens::REPEAT:
    case Tokens::SHARE:
    case Tokens::LEFT_PARENTHESIS:
    case Tokens::LEFT_BRACKET:
    case Tokens::WEIGHT:
    case Tokens::STATE:
    case Tokens::UPDATE:
    case Tokens::NETWORK:
    case Tokens::BLOCK:
    case Tokens::LAYER:
    case Tokens::TRAIN:
    case Tokens::TEST:
    case Tokens::CONST:
    case Tokens::IMPORT:
    case Tokens::LANGUAGE: return true;
    default: return false;
  }
}

/// Whether a minus after this token takes something away from a value.
bool ends_value(TokenKind kind) {
  switch (kind) {
    case Tokens::NAME:
    case Tokens::NUMBER:
    case Tokens::QUANTITY:
    case Tokens::RIGHT_PARENTHESIS:
    case Tokens::RIGHT_BRACKET:
    case Tokens::RIGHT_BRACE: return true;
    default: return false;
  }
}

bool is_unit(std::string_view text) {
  return text == "epoch" || text == "epochs" || text == "step" || text == "steps" || text == "KB" || text == "MB" || text == "GB";
}

class StatementEnds {
 public:
  StatementEnds(std::vector<Token> tokens, const SourceManager& sources, Diagnostics& diagnostics)
      : tokens_(std::move(tokens)), sources_(sources), diagnostics_(diagnostics) {}

  std::vector<Token> run() {
    result_.reserve(tokens_.size() + tokens_.size() / 8);
    for (size_t i = 0; i < tokens_.size(); ++i) {
      Token token = tokens_[i];
      if (token.kind == Tokens::STATEMENT_END) {
        if (semicolon(token)) continue;
        token.kind = Tokens::INVALID;
      }
      if (token.kind == Tokens::MINUS) check_minus(token, tokens_[i + 1]);
      if (token.first_on_line) line_start(token);
      if (end_pending_) flush_end(token);
      if (token.kind == Tokens::NUMBER && is_quantity(i)) {
        token.kind = Tokens::QUANTITY;
        token.range.end = tokens_[++i].range.end;
      }
      follow_brackets(token);
      result_.push_back(token);
    }
    return std::move(result_);
  }

 private:
  bool lines_count() const { return open_.empty() || open_.back().kind == Tokens::LEFT_BRACE; }
  bool at_start() const {
    return result_.empty() || result_.back().kind == Tokens::LEFT_BRACE || result_.back().kind == Tokens::STATEMENT_END;
  }

  /// Whether the sign ends a statement; inside brackets it is a mistake.
  bool semicolon(const Token& token) {
    if (!lines_count()) {
      diagnostics_.error(DiagnosticKind::SyntaxError, token.range, "`;` ends a statement, but a bracket is still open")
          .note("the open bracket", open_.back().range);
      return false;
    }
    end_pending_ = true;
    pending_ = token.range;
    return true;
  }

  void line_start(const Token& token) {
    if (!lines_count() || at_start() || end_pending_) return;
    if (!can_end_statement(result_.back().kind) || !can_begin_statement(token.kind)) return;
    end_pending_ = true;
    pending_ = {token.range.file, result_.back().range.end, result_.back().range.end};
  }

  /// Ends the statement before `next`, unless there is none, or a bracket or the file ends anyway.
  void flush_end(const Token& next) {
    end_pending_ = false;
    if (at_start() || next.kind == Tokens::RIGHT_BRACE || next.kind == Tokens::END) return;
    result_.push_back({Tokens::STATEMENT_END, pending_, false, false});
  }

  void check_minus(const Token& minus, const Token& next) {
    if (end_pending_ || result_.empty() || !ends_value(result_.back().kind)) return;
    const bool touches_next = minus.range.end == next.range.begin;
    if (touches_next == (minus.range.begin == result_.back().range.end)) return;
    if (touches_next && minus.first_on_line && lines_count()) {
      diagnostics_.error(DiagnosticKind::SyntaxError, minus.range, "a line does not start with a minus sign")
          .help("to go on with the line above put a blank after `-`; for a negative value write `0 - …` or `(-…)`");
      end_pending_ = true;
      pending_ = {minus.range.file, result_.back().range.end, result_.back().range.end};
      return;
    }
    diagnostics_.error(DiagnosticKind::SyntaxError, minus.range, "a minus sign between two values has a blank on both sides, or on none")
        .help(lines_count() ? "write `a - b`" : "write `a - b`, or `a, -b` if a comma is missing");
  }

  bool is_quantity(size_t i) const {
    const Token& unit = tokens_[i + 1];
    if (unit.kind != Tokens::NAME || unit.first_on_line || !is_unit(sources_.text(unit.range))) return false;
    const TokenKind after = tokens_[i + 2].kind;  // a NAME is never the last: END is
    return after != Tokens::ASSIGN && after != Tokens::LEFT_PARENTHESIS && after != Tokens::DOT;
  }

  void follow_brackets(const Token& token) {
    if (is_opener(token.kind)) open_.push_back(token);
    if (is_closer(token.kind)) open_.pop_back();
  }

  std::vector<Token> tokens_;
  const SourceManager& sources_;
  Diagnostics& diagnostics_;
  std::vector<Token> result_;
  std::vector<Token> open_;
  bool end_pending_ = false;
  SourceRange pending_;
};

}  // namespace

std::vector<Token> end_statements(std::vector<Token> tokens, const SourceManager& sources, Diagnostics& diagnostics) {
  return StatementEnds(std::move(tokens), sources, diagnostics).run();
}

}  // namespace cnnc
