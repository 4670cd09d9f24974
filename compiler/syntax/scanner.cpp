// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Drives the flex scanner over a whole text: text → list of tokens and comments.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "support/check.h"
#include "support/limits.h"
#include "support/text.h"
#include "syntax/scan_state.h"

// What flex generates for a reentrant scanner with the prefix of grammar/cnn.l.
using yyscan_t = void*;
struct yy_buffer_state;
int cnnc_scan_lex_init_extra(cnnc::ScanState* state, yyscan_t* scanner);
int cnnc_scan_lex_destroy(yyscan_t scanner);
yy_buffer_state* cnnc_scan__scan_bytes(const char* bytes, int length, yyscan_t scanner);
int cnnc_scan_lex(yyscan_t scanner);

namespace cnnc {
namespace {

struct Keyword {
  std::string_view text;
  TokenKind kind;
};
constexpr std::array<Keyword, 23> kKeywords{{
    {"network", Tokens::NETWORK}, {"block", Tokens::BLOCK},   {"layer", Tokens::LAYER},   {"train", Tokens::TRAIN},
    {"test", Tokens::TEST},       {"const", Tokens::CONST},   {"import", Tokens::IMPORT}, {"language", Tokens::LANGUAGE},
    {"weight", Tokens::WEIGHT},   {"state", Tokens::STATE},   {"update", Tokens::UPDATE}, {"if", Tokens::IF},
    {"else", Tokens::ELSE},       {"return", Tokens::RETURN}, {"repeat", Tokens::REPEAT}, {"share", Tokens::SHARE},
    {"in", Tokens::IN},           {"as", Tokens::AS},         {"and", Tokens::AND},       {"or", Tokens::OR},
    {"not", Tokens::NOT},         {"true", Tokens::TRUE},     {"false", Tokens::FALSE},
}};

constexpr std::array<std::string_view, 8> kUnits{"epoch", "epochs", "step", "steps", "x", "KB", "MB", "GB"};

/// The first byte that is not UTF-8.
std::optional<uint32_t> first_invalid_byte(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const Utf8Character character = decode_utf8(text.substr(i));
    if (!character.valid) return static_cast<uint32_t>(i);
    i += character.bytes;
  }
  return std::nullopt;
}

}  // namespace

Token ScanState::take(TokenKind kind) {
  if (kind == Tokens::LEFT_PARENTHESIS || kind == Tokens::LEFT_BRACKET) ++open_brackets_;
  if (kind == Tokens::RIGHT_PARENTHESIS || kind == Tokens::RIGHT_BRACKET) open_brackets_ = std::max(0, open_brackets_ - 1);
  if (kind == Tokens::LEFT_BRACE || kind == Tokens::RIGHT_BRACE) open_brackets_ = 0;
  const Token token{kind, range_, first_on_line_, broken_};
  first_on_line_ = false;
  broken_ = false;
  return token;
}

void ScanState::comment() {
  SourceRange range = range_;
  std::string_view comment = text();
  while (comment.ends_with('\r') || comment.ends_with(' ') || comment.ends_with('\t')) {
    comment.remove_suffix(1);
    --range.end;
  }
  comments_.push_back({std::string(comment), range, first_on_line_});
}

TokenKind ScanState::word() {
  const std::string_view word = text();
  for (const Keyword& keyword : kKeywords) {
    if (keyword.text == word) return keyword.kind;
  }
  if (word.size() > limits::kMaximumNameBytes) {
    diagnostics_->error(DiagnosticKind::LimitExceeded, range_,
                        fmt::format("a name has at most {} letters, this one has {}", limits::kMaximumNameBytes, word.size()));
  }
  return Tokens::NAME;
}

TokenKind ScanState::number_with_suffix() {
  const std::string_view whole = text();
  const size_t digits = std::min(whole.find_first_not_of("0123456789.eE+-"), whole.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"));
  for (const std::string_view unit : kUnits) {
    const std::string_view number = whole.substr(0, whole.size() - std::min(whole.size(), unit.size()));
    const bool only_digits = !number.empty() && number.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
    if (whole.ends_with(unit) && only_digits && number.back() >= '0' && number.back() <= '9') return Tokens::QUANTITY;
  }
  Diagnostic& error = diagnostics_->error(DiagnosticKind::BadNumber, range_,
                                          fmt::format("`{}` is neither a number nor a name", abbreviate(whole)));
  if (whole.starts_with("0x")) {
    error.help("numbers are written in decimal");
  } else if (whole.find('_') != std::string_view::npos) {
    error.help("a number is written without `_`");
  } else {
    error.help(fmt::format("for a product write `{} * {}`; the units are epochs, steps, KB, MB, GB and x",
                           abbreviate(whole.substr(0, digits), 20), abbreviate(whole.substr(digits), 20)));
  }
  return Tokens::NUMBER;
}

TokenKind ScanState::bad_number(std::string help) {
  diagnostics_->error(DiagnosticKind::BadNumber, range_, fmt::format("`{}` is not a number", abbreviate(text())))
      .help(std::move(help));
  return Tokens::NUMBER;
}

TokenKind ScanState::unclosed_string() {
  broken_ = true;
  diagnostics_->error(DiagnosticKind::BadString, range_, "this string is not closed on its line")
      .help("a string stands in \"double quotes\"; a quote inside is `\\\"`, a line end `\\n`");
  return Tokens::STRING;
}

TokenKind ScanState::foreign_quotes() {
  const std::string_view whole = text();
  const bool closed = whole.size() > 1 && (whole.front() != '\'' || whole.back() == '\'');
  broken_ = !closed;
  diagnostics_->error(DiagnosticKind::BadString, range_, "a string stands in double quotes")
      .help("write `\"…\"`");
  return Tokens::STRING;
}

TokenKind ScanState::foreign(TokenKind understood, std::string help) {
  diagnostics_->error(DiagnosticKind::SyntaxError, range_, fmt::format("`{}` has no meaning here", text()))
      .help(std::move(help));
  return understood;
}

bool ScanState::bad_character(std::string help) {
  const bool goes_on = bad_until_ == range_.begin;
  bad_until_ = range_.end;
  if (goes_on) return false;
  // Text that is not UTF-8 was reported once for the file.
  if (!decode_utf8(text()).valid) return true;
  Diagnostic& error = diagnostics_->error(DiagnosticKind::BadCharacter, range_,
                                          fmt::format("`{}` has no meaning here", abbreviate(text())));
  if (!help.empty()) error.help(std::move(help));
  return true;
}

TokenList scan(const SourceManager& sources, int32_t file, Diagnostics& diagnostics) {
  const std::string& text = sources.file(file).text;
  TokenList result;
  ScanState state(sources, file, diagnostics);
  if (text.size() > limits::kMaximumSourceBytes) {
    diagnostics.error(DiagnosticKind::LimitExceeded, {file, 0, 0},
                      fmt::format("a source file has at most {} MB", limits::kMaximumSourceBytes >> 20));
    result.tokens.push_back({Tokens::END, {file, 0, 0}, true, false});
    return result;
  }
  if (const std::optional<uint32_t> invalid = first_invalid_byte(text)) {
    diagnostics.error(DiagnosticKind::BadCharacter, {file, *invalid, *invalid + 1}, "the file is not UTF-8 text");
  }

  yyscan_t scanner = nullptr;
  CNNC_CHECK(cnnc_scan_lex_init_extra(&state, &scanner) == 0, "the scanner has no memory");
  const std::unique_ptr<void, int (*)(yyscan_t)> owner(scanner, cnnc_scan_lex_destroy);
  const std::string_view mark = "\xEF\xBB\xBF";
  const size_t start = text.starts_with(mark) ? mark.size() : 0;
  state.advance(static_cast<uint32_t>(start));
  cnnc_scan__scan_bytes(text.data() + start, static_cast<int>(text.size() - start), scanner);
  while (const int kind = cnnc_scan_lex(scanner)) result.tokens.push_back(state.take(static_cast<TokenKind>(kind)));
  const auto end = static_cast<uint32_t>(text.size());
  result.tokens.push_back({Tokens::END, {file, end, end}, true, false});
  result.comments = state.take_comments();
  return result;
}

}  // namespace cnnc
