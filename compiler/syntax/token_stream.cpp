// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tokens → the parser's symbols: names, the values of numbers and strings.
#include "syntax/token_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "support/text.h"

namespace cnnc {
namespace {

ast::Unit unit_of(std::string_view text) {
  if (text.starts_with("epoch")) return ast::Unit::Epochs;
  if (text.starts_with("step")) return ast::Unit::Steps;
  if (text == "KB") return ast::Unit::KB;
  if (text == "MB") return ast::Unit::MB;
  if (text == "GB") return ast::Unit::GB;
  return ast::Unit::Times;
}

}  // namespace

TokenStream::TokenStream(const SourceManager& sources, std::vector<Token> tokens, TokenKind start, Diagnostics& diagnostics)
    : sources_(&sources), tokens_(std::move(tokens)), diagnostics_(&diagnostics) {
  const SourceRange begin{tokens_.back().range.file, 0, 0};
  tokens_.insert(tokens_.begin(), {start, begin, false, false});
}

grammar::Parser::symbol_type TokenStream::next() {
  using Symbol = grammar::Parser::symbol_type;
  const Token& token = tokens_[std::min(next_, tokens_.size() - 1)];
  next_ = std::min(next_ + 1, tokens_.size());
  switch (token.kind) {
    case Tokens::NAME: return Symbol(token.kind, ast::Name{std::string(sources_->text(token.range)), token.range}, token.range);
    case Tokens::NUMBER: return Symbol(token.kind, number(token), token.range);
    case Tokens::QUANTITY: return Symbol(token.kind, quantity(token), token.range);
    case Tokens::STRING: return Symbol(token.kind, string(token), token.range);
    default: return Symbol(token.kind, token.range);
  }
}

void TokenStream::skip_statement() {
  size_t i = index();
  int open_braces = 0;
  for (; tokens_[i].kind != Tokens::END; ++i) {
    const TokenKind kind = tokens_[i].kind;
    if (open_braces == 0 && (kind == Tokens::STATEMENT_END || kind == Tokens::RIGHT_BRACE)) break;
    if (kind == Tokens::LEFT_BRACE) ++open_braces;
    if (kind == Tokens::RIGHT_BRACE) --open_braces;
  }
  next_ = i;
}

double TokenStream::value_of(std::string_view digits, SourceRange range) {
  double value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (problem == std::errc::result_out_of_range) {
    diagnostics_->error(DiagnosticKind::BadNumber, range, fmt::format("`{}` is out of range", abbreviate(digits)))
        .help("numbers are 64-bit floating point: from about 1e-307 to 1e308");
  }
  return value;
}

ast::Number TokenStream::number(const Token& token) {
  const std::string_view text = sources_->text(token.range);
  return {value_of(text, token.range), std::string(text)};
}

ast::Quantity TokenStream::quantity(const Token& token) {
  const std::string_view text = sources_->text(token.range);
  // The exponent's letter is followed by a digit or a sign, a unit's first letter never is.
  size_t digits = text.find_first_of("esxKMG \t\r\f");
  while (digits + 1 < text.size() && text[digits] == 'e' && std::string_view("0123456789+-").find(text[digits + 1]) != std::string_view::npos) {
    digits = text.find_first_of("esxKMG \t\r\f", digits + 1);
  }
  const std::string_view number = text.substr(0, digits);
  const std::string_view rest = text.substr(digits);
  return {value_of(number, token.range), std::string(number), unit_of(rest.substr(rest.find_first_not_of(" \t\r\f")))};
}

ast::String TokenStream::string(const Token& token) {
  std::string_view text = sources_->text(token.range);
  if (text.starts_with('"')) {
    text.remove_prefix(1);
    if (!token.broken) text.remove_suffix(1);
  } else {
    return {};  // foreign quotes, reported
  }
  std::string value;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      value += text[i];
      continue;
    }
    const char escape = text[++i];
    switch (escape) {
      case '"':
      case '\\': value += escape; break;
      case 'n': value += '\n'; break;
      case 't': value += '\t'; break;
      default: {
        const auto at = static_cast<uint32_t>(token.range.begin + i);
        diagnostics_->error(DiagnosticKind::BadString, {token.range.file, at, at + 2}, "a `\\` in a string begins an escape")
            .help("the escapes are `\\\"`, `\\\\`, `\\n` and `\\t`; paths are written with `/`");
        value += escape;
      }
    }
  }
  return {std::move(value)};
}

}  // namespace cnnc
