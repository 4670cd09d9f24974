// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tokens, names, numbers, types and attributes of IR text.
#include "ir/text_reader.h"

#include <fmt/format.h>

#include <charconv>
#include <algorithm>

#include "support/limits.h"
#include "support/text.h"

namespace cnnc {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

std::string dims_problem(const Dims& dims) {
  if (dims.size() > limits::kMaximumRank) return fmt::format("a type has at most {} dimensions, but this one has {}", limits::kMaximumRank, dims.size());
  int64_t count = 1;
  for (const int64_t extent : dims) {
    if (extent < 1) return fmt::format("an extent is at least 1, but this type has {}", extent);
    if (extent >= limits::kMaximumExtent) return fmt::format("an extent is less than {}, but this type has {}", limits::kMaximumExtent, extent);
    if (extent > (limits::kMaximumTensorElements - 1) / count) return "a value has fewer than 2^40 elements for one image";
    count *= extent;
  }
  return "";
}

uint32_t TextReader::place() {
  while (place_ < text_.size()) {
    if (is_blank(text_[place_])) {
      ++place_;
    } else if (text_.substr(place_, 2) == "//") {
      while (place_ < text_.size() && text_[place_] != '\n') ++place_;
    } else {
      break;
    }
  }
  return place_;
}

bool TextReader::at_end() { return place() >= text_.size(); }

void TextReader::resume(uint32_t begin) {
  ok_ = true;
  if (place_ == begin) ++place_;
  while (place_ < text_.size()) {
    if (place_ > 0 && text_[place_ - 1] == '\n' && is_letter(text_[place_])) return;
    ++place_;
  }
}

Diagnostic& TextReader::fail(DiagnosticKind kind, SourceRange range, std::string message) {
  if (!ok_) return discarded_;
  ok_ = false;
  return diagnostics_.error(kind, range, std::move(message));
}

SourceRange TextReader::next_range() {
  const uint32_t begin = place();
  const std::string_view word = peek_word();
  const std::string_view number = peek_number();
  size_t length = std::max(word.size(), number.size());
  if (length == 0 && begin < text_.size()) length = decode_utf8(text_.substr(begin)).bytes;
  return {file_, begin, begin + static_cast<uint32_t>(length)};
}

void TextReader::fail_expected(std::string_view expected) {
  const SourceRange range = next_range();
  const std::string_view found = text_.substr(range.begin, range.end - range.begin);
  fail(DiagnosticKind::IrSyntax, range,
       found.empty() ? fmt::format("expected {}, but the file ends", expected)
                     : fmt::format("expected {}, but found `{}`", expected, abbreviate(found)));
}

std::string_view TextReader::peek_word() {
  size_t end = place();
  if (end < text_.size() && is_letter(text_[end])) {
    while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]) || text_[end] == '.')) ++end;
  }
  return text_.substr(place_, end - place_);
}

std::string_view TextReader::peek_number() {
  size_t end = place();
  if (end < text_.size() && text_[end] == '-') ++end;
  const size_t first = end;
  while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]) || text_[end] == '.' || text_[end] == '+' ||
                                (text_[end] == '-' && text_[end - 1] == 'e'))) {
    ++end;
  }
  return end == first ? std::string_view() : text_.substr(place_, end - place_);
}

bool TextReader::peek(std::string_view symbol) { return ok_ && text_.substr(place(), symbol.size()) == symbol; }

bool TextReader::take(std::string_view symbol) {
  if (!peek(symbol)) return false;
  place_ += static_cast<uint32_t>(symbol.size());
  end_of_last_ = place_;
  return true;
}

bool TextReader::take_word(std::string_view word) { return ok_ && peek_word() == word && take(word); }

void TextReader::expect(std::string_view symbol) {
  if (ok_ && !take(symbol)) fail_expected(fmt::format("`{}`", symbol));
}

std::string TextReader::word(std::string_view what) {
  if (!ok_) return "";
  const std::string result(peek_word());
  if (result.empty()) fail_expected(what);
  take(result);
  return result;
}

std::string TextReader::name(std::string_view what) {
  if (!peek("\"")) return word(what);
  const SourceRange range = next_range();
  std::string result = quoted_text(what);
  if (result.empty()) fail(DiagnosticKind::IrSyntax, range, "a name has at least one letter");
  return result;
}

std::string TextReader::quoted_text(std::string_view what) {
  if (!peek("\"")) {
    if (ok_) fail_expected(what);
    return "";
  }
  const uint32_t begin = place_++;
  std::string result;
  while (place_ < text_.size() && text_[place_] != '"' && text_[place_] != '\n') {
    char c = text_[place_++];
    if (c == '\\') {
      const char escape = place_ < text_.size() ? text_[place_++] : '\0';
      unsigned code = 0;
      const char* digits = text_.data() + place_;
      if (escape == '"' || escape == '\\') {
        c = escape;
      } else if (escape == 'n') {
        c = '\n';
      } else if (escape == 'x' && place_ + 2 <= text_.size() && std::from_chars(digits, digits + 2, code, 16).ptr == digits + 2) {
        c = static_cast<char>(code);
        place_ += 2;
      } else {
        fail(DiagnosticKind::IrSyntax, {file_, begin, place_}, R"(the escapes of a text are `\"`, `\\`, `\n` and `\xNN`)");
        return "";
      }
    }
    result += c;
  }
  if (place_ >= text_.size() || text_[place_] != '"') {
    fail(DiagnosticKind::IrSyntax, {file_, begin, place_}, "the text is not closed: expected `\"` on the same line");
    return "";
  }
  end_of_last_ = ++place_;
  return result;
}

std::string TextReader::value_name(std::string& name) {
  if (!take("%")) {
    if (ok_) fail_expected("a value, such as `%x` or `%0`");
    return "";
  }
  const uint32_t begin = place_;
  if (place_ < text_.size() && text_[place_] == '"') {
    name = this->name("a name");
  } else {
    while (place_ < text_.size() && (is_letter(text_[place_]) || is_digit(text_[place_]) || text_[place_] == '.')) ++place_;
    name = std::string(text_.substr(begin, place_ - begin));
    if (name.empty()) fail_expected("a name after `%`");
  }
  if (ok_ && place_ < text_.size() && text_[place_] == '#') {
    ++place_;
    while (place_ < text_.size() && is_letter(text_[place_])) ++place_;
  }
  end_of_last_ = place_;
  return std::string(text_.substr(begin, place_ - begin));
}

int64_t TextReader::integer(std::string_view what) {
  if (!ok_) return 0;
  const std::string_view token = peek_number();
  int64_t value = 0;
  const auto result = std::from_chars(token.data(), token.data() + token.size(), value);
  if (result.ec == std::errc::result_out_of_range) {
    fail(DiagnosticKind::IrSyntax, next_range(), fmt::format("`{}` does not fit into 64 bits", abbreviate(token)));
  } else if (token.empty() || result.ec != std::errc() || result.ptr != token.data() + token.size()) {
    fail_expected(what);
  } else {
    take(token);
  }
  return value;
}

double TextReader::number(std::string_view what) {
  if (!ok_) return 0;
  const std::string_view token = peek_number();
  double value = 0;
  const auto result = std::from_chars(token.data(), token.data() + token.size(), value);
  if (result.ec == std::errc::result_out_of_range) {
    fail(DiagnosticKind::IrSyntax, next_range(), fmt::format("`{}` does not fit into double precision", abbreviate(token)));
  } else if (token.empty() || result.ec != std::errc() || result.ptr != token.data() + token.size()) {
    fail_expected(what);
  } else {
    take(token);
  }
  return value;
}

Dims TextReader::dims() {
  Dims result;
  expect("[");
  if (take("]")) return result;
  do {
    result.push_back(integer("an integer"));
  } while (ok_ && take(","));
  if (ok_ && !take("]")) fail_expected("`,` or `]`");
  return result;
}

Numbers TextReader::numbers() {
  Numbers result;
  expect("{");
  if (take("}")) return result;
  do {
    result.push_back(number("a number"));
  } while (ok_ && take(","));
  if (ok_ && !take("}")) fail_expected("`,` or `}`");
  return result;
}

TensorType TextReader::type() {
  TensorType result;
  const uint32_t begin = place();
  const SourceRange element_range = next_range();
  const std::string element = word("a type, such as `f32[N, 3]`");
  if (!ok_) return result;
  const auto found = find_element(element);
  if (!found) {
    fail(DiagnosticKind::IrSyntax, element_range, fmt::format("there is no element type `{}`", abbreviate(element)))
        .help("the element types are `f32`, `f64`, `i32` and `u8`");
    return result;
  }
  result.element = *found;
  expect("[");
  if (take_word("N")) {
    result.batched = true;
    if (take("]")) return result;
    if (ok_ && !take(",")) fail_expected("`,` or `]`");
  } else if (take("]")) {
    return result;
  }
  do {
    result.dims.push_back(integer("an extent"));
  } while (ok_ && take(","));
  if (ok_ && !take("]")) fail_expected("`,` or `]`");
  const std::string problem = ok_ ? dims_problem(result.dims) : "";
  if (!problem.empty()) fail(DiagnosticKind::IrSyntax, range_from(begin), problem);
  return result;
}

Attribute TextReader::attribute(const Attribute& expected) {
  const uint32_t begin = place();
  if (peek("[")) return dims();
  if (peek("{")) return numbers();
  if (peek("\"")) return quoted_text("a text");
  if (take("f\"")) {
    place_ = begin + 1;
    const std::string text = quoted_text("an expression");
    if (!ok_) return text;
    std::string error;
    auto expression = parse_scalar_expression(text, {}, error);
    if (expression) return *std::move(expression);
    fail(DiagnosticKind::IrSyntax, range_from(begin), error);
    return text;
  }
  if (take_word("true")) return true;
  if (take_word("false")) return false;
  const bool is_integer = peek_number().find_first_of(".en") == std::string_view::npos;
  if (is_integer && !std::holds_alternative<double>(expected)) return integer("the value of an attribute");
  return number("the value of an attribute");
}

}  // namespace cnnc
