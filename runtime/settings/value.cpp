// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Texts of settings ↔ values, by recursive descent; depth and length are limited.
#include "runtime/settings/value.h"

#include <charconv>

#include "runtime/settings/words.h"

namespace cnnc::settings {
namespace {

constexpr int kMaximumDepth = 32;
constexpr size_t kMaximumText = size_t{1} << 20;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {
    if (text.size() > kMaximumText) refuse("the text of a setting is longer than 1 MB");
  }

  Value whole() {
    Value value = pipe(0);
    blanks();
    if (at_ < text_.size()) unexpected("the end");
    return value;
  }

 private:
  Value pipe(int depth) {
    if (depth > kMaximumDepth) refuse("the setting is nested too deep");
    Value first = item(depth);
    if (!take("->")) return first;
    Value out;
    out.kind = ValueKind::Pipe;
    out.items.push_back(std::move(first));
    do out.items.push_back(item(depth));
    while (take("->"));
    return out;
  }

  Value item(int depth) {
    blanks();
    if (at_ >= text_.size()) refuse("a value is missing");
    const char c = text_[at_];
    if (c == '"') return string();
    if (c == '[') return list(depth);
    if (is_digit(c) || c == '-' || c == '.') return number();
    if (is_letter(c)) return word(depth);
    unexpected("a value");
  }

  Value number() {
    Value out;
    out.kind = ValueKind::Number;
    size_t begin = at_;
    if (text_[begin] == '-') ++begin;
    if (begin >= text_.size() || !(is_digit(text_[begin]) || text_[begin] == '.')) unexpected("a number");
    const auto result = std::from_chars(text_.data() + begin, text_.data() + text_.size(), out.number);
    if (result.ec == std::errc::result_out_of_range) refuse("a number is beyond what a number of 64 bits can hold");
    if (result.ec != std::errc()) unexpected("a number");
    if (begin != at_) out.number = -out.number;
    at_ = static_cast<size_t>(result.ptr - text_.data());
    const size_t after = at_;
    blanks();
    const std::string unit = at_ < text_.size() && is_letter(text_[at_]) ? name() : std::string();
    if (unit.empty()) {
      at_ = after;
      return out;
    }
    const std::vector<std::string> units = {"epochs", "steps", "x", "KB", "MB", "GB"};
    const std::string plural = unit == "epoch" || unit == "step" ? unit + "s" : unit;  // `1 epoch`, as the compiler prints it
    for (const std::string& known : units)
      if (plural == known) {
        out.kind = ValueKind::Quantity;
        out.text = plural;
        return out;
      }
    refuse("`" + unit + "` is no unit", "the units are " + join_choices(units, "and"));
  }

  Value string() {
    Value out;
    out.kind = ValueKind::String;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] != '\\') {
        out.text += text_[at_];
        continue;
      }
      if (++at_ >= text_.size()) break;
      const char c = text_[at_];
      if (c == 'n') out.text += '\n';
      else if (c == 't') out.text += '\t';
      else if (c == '"' || c == '\\') out.text += c;
      else refuse("a string has the escape `\\" + std::string(1, c) + "`", "the escapes are \\n, \\t, \\\" and \\\\");
    }
    if (at_ >= text_.size()) refuse("a string has no end", "it needs a second double quote");
    ++at_;
    if (out.text.find('\0') != std::string::npos) refuse("a string has a zero byte");
    return out;
  }

  Value list(int depth) {
    Value out;
    out.kind = ValueKind::List;
    ++at_;
    while (!take("]")) {
      out.items.push_back(pipe(depth + 1));
      if (take("]")) break;
      if (!take(",")) unexpected("`,` or `]`");
    }
    return out;
  }

  Value word(int depth) {
    Value out;
    out.text = name();
    if (out.text == "true" || out.text == "false") {
      out.kind = ValueKind::Boolean;
      out.boolean = out.text == "true";
      return out;
    }
    if (at_ >= text_.size() || text_[at_] != '(') return out;
    out.kind = ValueKind::Call;
    ++at_;
    while (!take(")")) {
      out.arguments.push_back(argument(depth + 1));
      if (take(")")) break;
      if (!take(",")) unexpected("`,` or `)`");
    }
    return out;
  }

  Argument argument(int depth) {
    blanks();
    const size_t begin = at_;
    if (at_ < text_.size() && is_letter(text_[at_])) {
      std::string label = name();
      if (take(":")) return {label, pipe(depth)};
      blanks();
      if (at_ < text_.size() && text_[at_] == '=') refuse("`" + label + " =` in a call", "arguments are written `" + label + ": …`");
      at_ = begin;
    }
    return {{}, pipe(depth)};
  }

  std::string name() {
    const size_t begin = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  void blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
  }

  bool take(std::string_view token) {
    blanks();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }

  [[noreturn]] void unexpected(const std::string& wanted) {
    constexpr size_t kShown = 20;
    if (at_ >= text_.size()) refuse("the text ends where " + wanted + " should stand");
    std::string found;
    for (char c : text_.substr(at_, kShown)) found += c < ' ' ? '?' : c;
    refuse("`" + found + "` stands where " + wanted + " should stand");
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::string quoted(const std::string& content) {
  std::string out = "\"";
  for (char c : content) {
    if (c == '\n') out += "\\n";
    else if (c == '\t') out += "\\t";
    else if (c == '"' || c == '\\') (out += '\\') += c;
    else out += c;
  }
  return out + "\"";
}

std::string joined(const std::vector<Value>& items, std::string_view separator) {
  std::string out;
  for (const Value& item : items) {
    if (!out.empty()) out += separator;
    out += print_value(item);
  }
  return out;
}

}  // namespace

void refuse(std::string message, std::string help) { throw SettingError{{std::move(message), std::move(help)}}; }

Value parse_value(std::string_view text) { return Parser(text).whole(); }

std::string print_value(const Value& value) {
  switch (value.kind) {
    case ValueKind::Number: return number_text(value.number);
    case ValueKind::Quantity: return number_text(value.number) + (value.text == "x" ? "" : " ") + value.text;
    case ValueKind::String: return quoted(value.text);
    case ValueKind::Boolean: return value.boolean ? "true" : "false";
    case ValueKind::Word: return value.text;
    case ValueKind::List: return "[" + joined(value.items, ", ") + "]";
    case ValueKind::Pipe: return joined(value.items, " -> ");
    case ValueKind::Call: break;
  }
  std::string out;
  for (const Argument& argument : value.arguments) {
    if (!out.empty()) out += ", ";
    out += argument.name.empty() ? print_value(argument.value) : argument.name + ": " + print_value(argument.value);
  }
  return value.text + "(" + out + ")";
}

}  // namespace cnnc::settings
