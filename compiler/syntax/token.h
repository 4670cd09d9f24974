// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tokens of a file, as a plain list: scanned once, then rewritten by the passes that match brackets and find where
// statements end, then handed to the parser one by one. Their kinds are those of grammar/cnn.y.
#pragma once
#include <vector>

#include "grammar/cnn_parser.h"
#include "support/diagnostic.h"
#include "support/source.h"
#include "syntax/ast.h"

namespace cnnc {

using TokenKind = grammar::Parser::token_kind_type;
using Tokens = grammar::Parser::token;

namespace grammar {
/// How a kind of token is called in messages, in backticks if it is always written the same.
const char* token_text(TokenKind kind);
}  // namespace grammar

struct Token {
  TokenKind kind = Tokens::END;
  SourceRange range;
  bool first_on_line = false;
  bool broken = false;  // misspelled, and reported: an unclosed string may have swallowed a bracket
};

struct TokenList {
  std::vector<Token> tokens;  // ends with one END
  std::vector<ast::Comment> comments;
};

inline bool is_opener(TokenKind kind) {
  return kind == Tokens::LEFT_PARENTHESIS || kind == Tokens::LEFT_BRACKET || kind == Tokens::LEFT_BRACE;
}
inline bool is_closer(TokenKind kind) {
  return kind == Tokens::RIGHT_PARENTHESIS || kind == Tokens::RIGHT_BRACKET || kind == Tokens::RIGHT_BRACE;
}

/// Text → tokens and comments. What is misspelled is reported and understood where it is clear what was meant.
TokenList scan(const SourceManager& sources, int32_t file, Diagnostics& diagnostics);

/// Reports brackets that do not match, and makes them match by adding or dropping some, so that one missing bracket is
/// one error; also refuses nesting beyond limits::kMaximumNesting.
std::vector<Token> match_brackets(std::vector<Token> tokens, const SourceManager& sources, Diagnostics& diagnostics);

/// Puts a STATEMENT_END where a line end or `;` ends a statement, joins numbers with their units, and checks the blanks
/// around minus signs. Brackets match.
std::vector<Token> end_statements(std::vector<Token> tokens, const SourceManager& sources, Diagnostics& diagnostics);

}  // namespace cnnc
