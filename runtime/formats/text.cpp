// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Escapes for terminals, JSON and CSV, on top of a strict UTF-8 decoder.
#include "runtime/formats/text.h"

#include <cstdint>
#include <cstdio>

namespace cnnc::formats {
namespace {

constexpr std::size_t kLongestQuotedName = 200;

/// Code points that act on what surrounds them instead of showing themselves.
bool is_unsafe(char32_t c) {
  const auto within = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  return c < 0x20 || within(0x7f, 0x9f)                   // control characters, C0 and C1
         || c == 0xad || c == 0x61c || c == 0x180e        // soft hyphen, Arabic letter mark, Mongolian vowel separator
         || within(0x200b, 0x200f)                        // zero width, left-to-right and right-to-left marks
         || within(0x2028, 0x202e)                        // line separators, embeddings and overrides
         || within(0x2060, 0x206f)                        // joiners, isolates, deprecated format characters
         || c == 0xfeff || within(0xfff9, 0xfffb)         // byte order mark, interlinear annotation
         || within(0xe0000, 0xe007f);                     // tags
}

void append_hex(std::string& text, const char* format, unsigned value) {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, format, value);
  text += buffer;
}

/// The start of the last code point at or before `position` in valid UTF-8.
std::size_t code_point_start(std::string_view text, std::size_t position) {
  while (position > 0 && (static_cast<unsigned char>(text[position]) & 0xc0) == 0x80) --position;
  return position;
}

void append_json_escape(std::string& text, char32_t c) {
  if (c == '\n') {
    text += "\\n";
  } else if (c == '\t') {
    text += "\\t";
  } else if (c < 0x10000) {
    append_hex(text, "\\u%04x", c);
  } else {
    append_hex(text, "\\u%04x", 0xd800 + ((c - 0x10000) >> 10));
    append_hex(text, "\\u%04x", 0xdc00 + ((c - 0x10000) & 0x3ff));
  }
}

}  // namespace

std::optional<char32_t> decode_utf8(std::string_view text, std::size_t& position) {
  const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (position >= text.size()) return std::nullopt;
  const unsigned char first = byte_at(position);
  if (first < 0x80) {
    ++position;
    return first;
  }
  std::size_t length = 0;
  char32_t code_point = 0;
  char32_t smallest = 0;
  if ((first & 0xe0) == 0xc0) {
    length = 2, code_point = first & 0x1f, smallest = 0x80;
  } else if ((first & 0xf0) == 0xe0) {
    length = 3, code_point = first & 0x0f, smallest = 0x800;
  } else if ((first & 0xf8) == 0xf0) {
    length = 4, code_point = first & 0x07, smallest = 0x10000;
  } else {
    return std::nullopt;
  }
  if (text.size() - position < length) return std::nullopt;
  for (std::size_t i = 1; i < length; ++i) {
    const unsigned char next = byte_at(position + i);
    if ((next & 0xc0) != 0x80) return std::nullopt;
    code_point = (code_point << 6) | (next & 0x3f);
  }
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  if (code_point < smallest || surrogate || code_point > 0x10ffff) return std::nullopt;
  position += length;
  return code_point;
}

void append_utf8(std::string& text, char32_t c) {
  const auto append = [&text](char32_t byte) { text += static_cast<char>(byte); };
  if (c < 0x80) {
    append(c);
  } else if (c < 0x800) {
    append(0xc0 | (c >> 6));
    append(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    append(0xe0 | (c >> 12));
    append(0x80 | ((c >> 6) & 0x3f));
    append(0x80 | (c & 0x3f));
  } else {
    append(0xf0 | (c >> 18));
    append(0x80 | ((c >> 12) & 0x3f));
    append(0x80 | ((c >> 6) & 0x3f));
    append(0x80 | (c & 0x3f));
  }
}

std::string escape_terminal(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (std::size_t position = 0; position < text.size();) {
    const std::size_t start = position;
    const std::optional<char32_t> c = decode_utf8(text, position);
    if (!c) {
      append_hex(escaped, "\\x%02x", static_cast<unsigned char>(text[position++]));
    } else if (is_unsafe(*c)) {
      append_hex(escaped, "\\u{%x}", *c);
    } else {
      escaped += text.substr(start, position - start);
    }
  }
  return escaped;
}

std::string escape_json(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (std::size_t position = 0; position < text.size();) {
    const std::size_t start = position;
    const std::optional<char32_t> c = decode_utf8(text, position);
    if (!c) {
      append_utf8(escaped, 0xfffd);
      ++position;
    } else if (*c == '"' || *c == '\\') {
      escaped += '\\';
      escaped += static_cast<char>(*c);
    } else if (is_unsafe(*c)) {
      append_json_escape(escaped, *c);
    } else {
      escaped += text.substr(start, position - start);
    }
  }
  return escaped;
}

std::string quote_json(std::string_view text) { return '"' + escape_json(text) + '"'; }

std::string escape_csv(std::string_view text) {
  std::string field = escape_terminal(text);
  if (field.empty()) return field;
  if (std::string_view("=+-@").find(field.front()) != std::string_view::npos) field.insert(field.begin(), '\'');
  const bool quoted = field.find_first_of(",\"") != std::string::npos || field.front() == ' ' || field.back() == ' ';
  if (!quoted) return field;
  std::string result = "\"";
  for (const char c : field) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

std::string quote_name(std::string_view text) {
  std::string name = escape_terminal(text);
  if (name.size() > kLongestQuotedName) {
    const std::size_t half = kLongestQuotedName / 2;
    const std::size_t end_of_first = code_point_start(name, half);
    const std::size_t start_of_last = code_point_start(name, name.size() - half);
    name = name.substr(0, end_of_first) + "…" + name.substr(start_of_last);
  }
  return '`' + name + '`';
}

}  // namespace cnnc::formats
