// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Attributes → text. The reader is ir/parse.cpp.
#include "ir/attributes.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "support/check.h"
#include "support/text.h"

namespace cnnc {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace

std::string number_text(double number) {
  if (std::isnan(number)) return "nan";
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  CNNC_CHECK(end.ec == std::errc(), "a number has a text of at most 32 characters");
  return std::string(buffer.data(), end.ptr);
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  while (!text.empty()) {
    const Utf8Character character = decode_utf8(text);
    const std::string_view bytes = text.substr(0, character.bytes);
    text.remove_prefix(character.bytes);
    if (bytes == "\"" || bytes == "\\") {
      result += '\\';
      result += bytes;
    } else if (bytes == "\n") {
      result += "\\n";
    } else if (show_character(bytes, character).text != bytes) {
      for (const char c : bytes) result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      result += bytes;
    }
  }
  return result + "\"";
}

std::string to_string(const Attribute& attribute) {
  const auto real = [](double number) {
    std::string text = number_text(number);
    // Without a point it would read back as an integer; `inf` and `nan` contain an n.
    if (text.find_first_of(".en") == std::string::npos) text += ".0";
    return text;
  };
  return std::visit(Overloaded{[](int64_t value) { return std::to_string(value); },
                               [&](double value) { return real(value); },
                               [](bool value) { return std::string(value ? "true" : "false"); },
                               [](const std::string& value) { return quoted(value); },
                               [](const Dims& value) { return to_string(value); },
                               [](const Numbers& value) {
                                 std::string text = "{";
                                 for (size_t i = 0; i < value.size(); ++i) text += (i > 0 ? ", " : "") + number_text(value[i]);
                                 return text + "}";
                               },
                               [](const ScalarExpression& value) { return "f" + quoted(to_string(value)); }},
                    attribute);
}

std::string_view attribute_kind(const Attribute& attribute) {
  return std::visit(Overloaded{[](int64_t) { return std::string_view("an integer"); },
                               [](double) { return std::string_view("a number"); },
                               [](bool) { return std::string_view("`true` or `false`"); },
                               [](const std::string&) { return std::string_view("a text in double quotes"); },
                               [](const Dims&) { return std::string_view("a list of integers in [ ]"); },
                               [](const Numbers&) { return std::string_view("a list of numbers in { }"); },
                               [](const ScalarExpression&) { return std::string_view("an expression f\"…\""); }},
                    attribute);
}

}  // namespace cnnc
