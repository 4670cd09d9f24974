// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A parser for exactly the JSON that a .safetensors header may hold, without recursion, and its printer.
#include "runtime/formats/safetensors_header.h"

#include <algorithm>
#include <optional>

#include "runtime/formats/error.h"
#include "runtime/formats/limits.h"
#include "runtime/formats/text.h"

namespace cnnc::formats {
namespace {

constexpr std::string_view kMetadataName = "__metadata__";

/// Reads tokens of JSON and knows where it is, for messages.
class Cursor {
 public:
  Cursor(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  [[noreturn]] void fail_here(const std::string& what) const {
    fail(ErrorKind::kDamaged, file_, "header is not valid at byte " + std::to_string(position_) + ": " + what);
  }

  void skip_space() {
    while (position_ < text_.size() && std::string_view(" \t\r\n").find(text_[position_]) != std::string_view::npos) ++position_;
  }

  /// Takes this character if it comes next.
  bool accept(char c) {
    skip_space();
    if (position_ == text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) fail_here(std::string("expected `") + c + "`" + found());
  }

  void expect_end() {
    skip_space();
    if (position_ != text_.size()) fail_here("expected the end" + found());
  }

  /// After one element of a list: true if another follows, false after the closing bracket.
  bool expect_next_or(char closing) {
    if (accept(',')) return true;
    if (accept(closing)) return false;
    fail_here(std::string("expected `,` or `") + closing + "`" + found());
  }

  std::uint64_t unsigned_number() {
    skip_space();
    const std::size_t start = position_;
    std::optional<std::uint64_t> value = 0;
    for (; position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9'; ++position_) {
      value = checked_multiply(*value, 10);
      if (value) value = checked_add(*value, static_cast<std::uint64_t>(text_[position_] - '0'));
      if (!value) fail_here("the number is too large");
    }
    if (position_ == start) fail_here("expected a whole number" + found());
    if (text_[start] == '0' && position_ - start > 1) fail_here("the number has a leading zero");
    return *value;
  }

  std::string string() {
    expect('"');
    std::string value;
    for (;;) {
      const std::size_t start = position_;
      const std::optional<char32_t> c = decode_utf8(text_, position_);
      if (!c) fail_here(start == text_.size() ? "the string does not end" : "the string is not UTF-8");
      if (*c == '"') return value;
      if (*c < 0x20) fail_here("the string holds a control character");
      if (*c == '\\') {
        append_utf8(value, escaped_character());
      } else {
        value += text_.substr(start, position_ - start);
      }
    }
  }

 private:
  std::string found() const {
    if (position_ >= text_.size()) return ", found the end of the header";
    return ", found " + quote_name(text_.substr(position_, 1));
  }

  char32_t escaped_character() {
    static constexpr std::string_view kNames = "\"\\/bfnrt";
    static constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
    if (position_ == text_.size()) fail_here("the string does not end");
    const char name = text_[position_++];
    const std::size_t index = kNames.find(name);
    if (index != std::string_view::npos) return static_cast<unsigned char>(kValues[index]);
    if (name != 'u') fail_here("the string holds an unknown escape");
    const char32_t first = four_hex_digits();
    if (first >= 0xdc00 && first <= 0xdfff) fail_here("the string holds half a surrogate pair");
    if (first < 0xd800 || first > 0xdbff) return first;
    if (text_.substr(position_, 2) != "\\u") fail_here("the string holds half a surrogate pair");
    position_ += 2;
    const char32_t second = four_hex_digits();
    if (second < 0xdc00 || second > 0xdfff) fail_here("the string holds half a surrogate pair");
    return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
  }

  char32_t four_hex_digits() {
    char32_t value = 0;
    for (int i = 0; i < 4; ++i, ++position_) {
      const char c = position_ < text_.size() ? text_[position_] : '\0';
      if (c >= '0' && c <= '9') {
        value = value * 16 + static_cast<char32_t>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        value = value * 16 + static_cast<char32_t>(c - 'a' + 10);
      } else if (c >= 'A' && c <= 'F') {
        value = value * 16 + static_cast<char32_t>(c - 'A' + 10);
      } else {
        fail_here("expected four hexadecimal digits");
      }
    }
    return value;
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t position_ = 0;
};

Metadata parse_metadata(Cursor& cursor) {
  Metadata metadata;
  cursor.expect('{');
  if (cursor.accept('}')) return metadata;
  do {
    std::string key = cursor.string();
    cursor.expect(':');
    std::string value = cursor.string();
    const std::string shown = quote_name(key);
    if (!metadata.emplace(std::move(key), std::move(value)).second) cursor.fail_here("metadata " + shown + " is there twice");
    if (metadata.size() > kMaxMetadataEntries) {
      cursor.fail_here("more metadata than the limit of " + std::to_string(kMaxMetadataEntries));
    }
  } while (cursor.expect_next_or('}'));
  return metadata;
}

std::vector<std::uint64_t> parse_numbers(Cursor& cursor) {
  std::vector<std::uint64_t> numbers;
  cursor.expect('[');
  if (cursor.accept(']')) return numbers;
  do {
    if (numbers.size() == kMaxDimensions) cursor.fail_here("more than " + std::to_string(kMaxDimensions) + " numbers in a list");
    numbers.push_back(cursor.unsigned_number());
  } while (cursor.expect_next_or(']'));
  return numbers;
}

/// Checks a tensor by itself: type known, offsets in order, bytes equal to what the shape takes, aligned.
Tensor check_tensor(std::string name, const std::string& type_name, std::vector<std::uint64_t> shape,
                    const std::vector<std::uint64_t>& offsets, const std::string& file) {
  const std::string shown = "tensor " + quote_name(name);
  const std::optional<ElementType> type = element_type_named(type_name);
  if (!type) {
    fail(ErrorKind::kUnsupported, file, shown + " has the element type " + quote_name(type_name) + ", which is not read");
  }
  const std::string range = std::to_string(offsets[0]) + ".." + std::to_string(offsets[1]);
  if (offsets[1] < offsets[0]) fail(ErrorKind::kDamaged, file, shown + " has offsets " + range + ", which run backwards");
  const std::uint64_t size = offsets[1] - offsets[0];
  const std::string shape_text = "shape " + print_shape(shape) + " of " + std::string(element_name(*type));
  const std::optional<std::uint64_t> needed = checked_size(shape, element_size(*type));
  if (!needed) fail(ErrorKind::kDamaged, file, shown + " has " + shape_text + ", which is too large for any file");
  if (*needed != size) {
    fail(ErrorKind::kDamaged, file,
         shown + " has " + shape_text + ", which takes " + std::to_string(*needed) + " bytes, but its offsets " + range +
             " hold " + std::to_string(size));
  }
  if (offsets[0] % element_size(*type) != 0) {
    fail(ErrorKind::kDamaged, file,
         shown + " starts at offset " + std::to_string(offsets[0]) + ", which is no multiple of its element size " +
             std::to_string(element_size(*type)));
  }
  return {std::move(name), *type, std::move(shape), offsets[0], size};
}

Tensor parse_tensor(Cursor& cursor, std::string name, const std::string& file) {
  const std::string shown = "tensor " + quote_name(name);
  std::optional<std::string> type_name;
  std::optional<std::vector<std::uint64_t>> shape;
  std::optional<std::vector<std::uint64_t>> offsets;
  cursor.expect('{');
  do {
    const std::string key = cursor.string();
    cursor.expect(':');
    const bool twice = (key == "dtype" && type_name) || (key == "shape" && shape) || (key == "data_offsets" && offsets);
    if (twice) cursor.fail_here(shown + " has " + quote_name(key) + " twice");
    if (key == "dtype") {
      type_name = cursor.string();
    } else if (key == "shape") {
      shape = parse_numbers(cursor);
    } else if (key == "data_offsets") {
      offsets = parse_numbers(cursor);
    } else {
      cursor.fail_here(shown + " has " + quote_name(key) + ", expected `dtype`, `shape` or `data_offsets`");
    }
  } while (cursor.expect_next_or('}'));
  if (!type_name) cursor.fail_here(shown + " has no `dtype`");
  if (!shape) cursor.fail_here(shown + " has no `shape`");
  if (!offsets) cursor.fail_here(shown + " has no `data_offsets`");
  if (offsets->size() != 2) {
    cursor.fail_here(shown + " has " + std::to_string(offsets->size()) + " numbers in `data_offsets`, expected 2");
  }
  return check_tensor(std::move(name), *type_name, std::move(*shape), *offsets, file);
}

void refuse_equal_names(const std::vector<Tensor>& tensors, const std::string& file) {
  std::vector<std::string_view> names;
  names.reserve(tensors.size());
  for (const Tensor& tensor : tensors) names.push_back(tensor.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) fail(ErrorKind::kDamaged, file, "tensor " + quote_name(*twice) + " is there twice");
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& file) {
  SafetensorsHeader header;
  bool has_metadata = false;
  Cursor cursor(text, file);
  cursor.expect('{');
  if (!cursor.accept('}')) {
    do {
      std::string name = cursor.string();
      cursor.expect(':');
      if (name == kMetadataName) {
        if (has_metadata) cursor.fail_here("`__metadata__` is there twice");
        has_metadata = true;
        header.metadata = parse_metadata(cursor);
      } else {
        if (header.tensors.size() == kMaxTensors) {
          cursor.fail_here("more tensors than the limit of " + std::to_string(kMaxTensors));
        }
        header.tensors.push_back(parse_tensor(cursor, std::move(name), file));
      }
    } while (cursor.expect_next_or('}'));
  }
  cursor.expect_end();
  refuse_equal_names(header.tensors, file);
  return header;
}

std::string print_safetensors_header(std::span<const Tensor> tensors, const Metadata& metadata) {
  std::string text = "{";
  const auto separate = [&text] {
    if (text.back() != '{') text += ',';
  };
  if (!metadata.empty()) {
    text += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata) {
      separate();
      text += quote_json(key) + ":" + quote_json(value);
    }
    text += '}';
  }
  for (const Tensor& tensor : tensors) {
    separate();
    text += quote_json(tensor.name) + ":{\"dtype\":\"";
    text += element_name(tensor.type);
    text += "\",\"shape\":[";
    for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
      if (i != 0) text += ',';
      text += std::to_string(tensor.shape[i]);
    }
    text += "],\"data_offsets\":[" + std::to_string(tensor.offset) + ',' + std::to_string(tensor.offset + tensor.size) + "]}";
  }
  return text + '}';
}

}  // namespace cnnc::formats
