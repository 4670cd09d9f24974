// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Hands the list of tokens to the parser, with their values, and skips the rest of a statement after an error in it.
#pragma once
#include <vector>

#include "syntax/token.h"

namespace cnnc {

class TokenStream {
 public:
  /// `start` is FILE_START or EXPRESSION_START; it is handed out first.
  TokenStream(const SourceManager& sources, std::vector<Token> tokens, TokenKind start, Diagnostics& diagnostics);

  grammar::Parser::symbol_type next();
  /// After an error at the token handed out last: the next one will be the end of its statement (maybe itself).
  void skip_statement();

  /// The token handed out last, as an index into tokens().
  size_t index() const { return next_ - 1; }
  const std::vector<Token>& tokens() const { return tokens_; }
  const SourceManager& sources() const { return *sources_; }

 private:
  double value_of(std::string_view digits, SourceRange range);
  ast::Number number(const Token& token);
  ast::Quantity quantity(const Token& token);
  ast::String string(const Token& token);

  const SourceManager* sources_;
  std::vector<Token> tokens_;
  Diagnostics* diagnostics_;
  size_t next_ = 0;
};

}  // namespace cnnc
