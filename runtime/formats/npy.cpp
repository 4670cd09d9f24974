// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// .npy: a parser for exactly the Python dictionary that the header may hold, byte order and axis order, and the writer.
#include "runtime/formats/npy.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include "runtime/formats/error.h"
#include "runtime/formats/limits.h"
#include "runtime/formats/text.h"
#include "runtime/formats/whole_file.h"

namespace cnnc::formats {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kVersionBytes = 2;
constexpr std::size_t kDataAlignment = 64;

struct TypeName {
  std::string_view code;  ///< Kind and size, as in NumPy's "<f4".
  ElementType type;
};

constexpr TypeName kTypeNames[] = {
    {"f8", ElementType::F64}, {"f4", ElementType::F32}, {"f2", ElementType::F16}, {"i8", ElementType::I64},
    {"i4", ElementType::I32}, {"i2", ElementType::I16}, {"i1", ElementType::I8},  {"u8", ElementType::U64},
    {"u4", ElementType::U32}, {"u2", ElementType::U16}, {"u1", ElementType::U8},  {"b1", ElementType::BOOL},
};

struct Header {
  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::uint64_t>> shape;
};

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`; keys in any order.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  Header parse() {
    Header header;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr" && !header.descr) {
        header.descr = descr();
      } else if (key == "fortran_order" && !header.fortran_order) {
        header.fortran_order = boolean();
      } else if (key == "shape" && !header.shape) {
        header.shape = tuple();
      } else {
        fail_here("unexpected key " + quote_name(key));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (position_ != text_.size()) fail_here("expected the end");
    if (!header.descr || !header.fortran_order || !header.shape) fail_here("expected `descr`, `fortran_order` and `shape`");
    return header;
  }

 private:
  [[noreturn]] void fail_here(const std::string& what) const {
    fail(ErrorKind::kDamaged, file_, "header is not valid at character " + std::to_string(position_) + ": " + what);
  }

  void skip_space() {
    while (position_ < text_.size() && std::string_view(" \t\n").find(text_[position_]) != std::string_view::npos) ++position_;
  }

  bool accept(char c) {
    skip_space();
    if (position_ == text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) fail_here(std::string("expected `") + c + "`");
  }

  bool accept_word(std::string_view word) {
    skip_space();
    if (text_.substr(position_, word.size()) != word) return false;
    position_ += word.size();
    return true;
  }

  std::string string() {
    skip_space();
    const char quote = position_ < text_.size() ? text_[position_] : '\0';
    if (quote != '\'' && quote != '"') fail_here("expected a string");
    const std::size_t end = text_.find(quote, position_ + 1);
    if (end == std::string_view::npos) fail_here("the string does not end");
    const std::string value(text_.substr(position_ + 1, end - position_ - 1));
    position_ = end + 1;
    return value;
  }

  std::string descr() {
    skip_space();
    if (position_ < text_.size() && text_[position_] == '[') {
      fail(ErrorKind::kUnsupported, file_, "holds records (a structured array), expected plain numbers");
    }
    return string();
  }

  bool boolean() {
    if (accept_word("True")) return true;
    if (accept_word("False")) return false;
    fail_here("expected `True` or `False`");
  }

  std::vector<std::uint64_t> tuple() {
    std::vector<std::uint64_t> values;
    expect('(');
    while (!accept(')')) {
      if (values.size() == kMaxDimensions) fail_here("more than " + std::to_string(kMaxDimensions) + " dimensions");
      values.push_back(number());
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return values;
  }

  std::uint64_t number() {
    skip_space();
    const std::size_t start = position_;
    std::optional<std::uint64_t> value = 0;
    for (; position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9'; ++position_) {
      value = checked_multiply(*value, 10);
      if (value) value = checked_add(*value, static_cast<std::uint64_t>(text_[position_] - '0'));
      if (!value) fail_here("the number is too large");
    }
    if (position_ == start) fail_here("expected a whole number");
    return *value;
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t position_ = 0;
};

/// The header's text and where the data begin.
std::string_view header_text(std::span<const std::byte> content, const std::string& file, std::size_t& data_start) {
  const std::string_view text(reinterpret_cast<const char*>(content.data()), content.size());
  if (text.substr(0, kMagic.size()) != kMagic) {
    fail(ErrorKind::kDamaged, file, "is not a .npy file (" + std::to_string(content.size()) + " bytes, other first bytes)");
  }
  const std::size_t length_start = kMagic.size() + kVersionBytes;
  const unsigned version = text.size() > kMagic.size() ? static_cast<unsigned char>(text[kMagic.size()]) : 0;
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  if (text.size() < length_start + length_bytes) {
    fail(ErrorKind::kDamaged, file, "ends within its header, after " + std::to_string(text.size()) + " bytes");
  }
  if (version < 1 || version > 3) {
    fail(ErrorKind::kUnsupported, file, "has .npy version " + std::to_string(version) + ", expected 1, 2 or 3");
  }
  std::uint32_t length = 0;
  std::memcpy(&length, text.data() + length_start, length_bytes);
  if (length > kMaxNpyHeaderBytes) {
    fail(ErrorKind::kLimit, file,
         "declares a header of " + std::to_string(length) + " bytes, more than the limit of " +
             std::to_string(kMaxNpyHeaderBytes));
  }
  data_start = length_start + length_bytes + length;
  if (text.size() < data_start) {
    fail(ErrorKind::kDamaged, file, "ends within its header, after " + std::to_string(text.size()) + " bytes");
  }
  return text.substr(length_start + length_bytes, length);
}

ElementType element_type(std::string_view descr, const std::string& file) {
  const bool has_order = !descr.empty() && std::string_view("<>|=").find(descr.front()) != std::string_view::npos;
  const std::string_view code = has_order ? descr.substr(1) : descr;
  for (const TypeName& name : kTypeNames) {
    if (name.code == code) return name.type;
  }
  if (!code.empty() && code.front() == 'O') {
    fail(ErrorKind::kUnsupported, file, "holds Python objects, which are never loaded; expected plain numbers");
  }
  fail(ErrorKind::kUnsupported, file,
       "holds elements of type " + quote_name(descr) + ", expected b1, i1..i8, u1..u8, f2, f4 or f8");
}

void swap_byte_order(std::vector<std::byte>& bytes, std::size_t size) {
  for (std::size_t start = 0; start < bytes.size(); start += size) {
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(start), bytes.begin() + static_cast<std::ptrdiff_t>(start + size));
  }
}

/// From first index fastest to last index fastest.
std::vector<std::byte> fortran_to_c(std::span<const std::byte> bytes, std::span<const std::uint64_t> shape, std::size_t size) {
  std::vector<std::uint64_t> strides(shape.size());
  std::uint64_t stride = size;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  std::vector<std::byte> result(bytes.size());
  std::vector<std::uint64_t> index(shape.size(), 0);
  std::uint64_t source = 0;
  for (std::size_t target = 0; target < result.size(); target += size) {
    std::memcpy(result.data() + target, bytes.data() + source, size);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      source += strides[axis];
      if (++index[axis] < shape[axis]) break;
      source -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}

}  // namespace

std::vector<float> NpyArray::floats() const {
  std::vector<float> values(elements());
  convert_to_floats(type, bytes, values);
  return values;
}

std::vector<double> NpyArray::doubles() const {
  std::vector<double> values(elements());
  convert_to_doubles(type, bytes, values);
  return values;
}

NpyArray read_npy(const std::string& path) { return parse_npy(read_file(path, kMaxArrayFileBytes), path); }

NpyArray parse_npy(std::span<const std::byte> content, const std::string& file) {
  std::size_t data_start = 0;
  const Header header = HeaderParser(header_text(content, file, data_start), file).parse();
  NpyArray array;
  array.type = element_type(*header.descr, file);
  array.shape = *header.shape;
  const std::size_t size = element_size(array.type);
  const std::optional<std::uint64_t> needed = checked_size(array.shape, size);
  const std::span<const std::byte> data = content.subspan(data_start);
  const std::string shape_text = "shape " + print_shape(array.shape) + " of " + std::string(element_name(array.type));
  if (!needed) fail(ErrorKind::kDamaged, file, "declares " + shape_text + ", which is too large for any file");
  if (*needed != data.size()) {
    fail(ErrorKind::kDamaged, file,
         "declares " + shape_text + ", which takes " + std::to_string(*needed) + " bytes, but holds " +
             std::to_string(data.size()) + (data.size() < *needed ? " (truncated?)" : ""));
  }
  array.bytes.assign(data.begin(), data.end());
  if (header.descr->front() == '>') swap_byte_order(array.bytes, size);
  if (*header.fortran_order && array.shape.size() > 1) array.bytes = fortran_to_c(array.bytes, array.shape, size);
  else array.first_byte = data_start;
  return array;
}

void write_npy(const std::string& path, ElementType type, std::span<const std::uint64_t> shape,
               std::span<const std::byte> bytes) {
  const auto name = std::find_if(std::begin(kTypeNames), std::end(kTypeNames),
                                 [type](const TypeName& candidate) { return candidate.type == type; });
  if (name == std::end(kTypeNames)) {
    fail(ErrorKind::kUnsupported, path, "a .npy file cannot hold " + std::string(element_name(type)));
  }
  if (shape.size() > kMaxDimensions || checked_size(shape, element_size(type)) != bytes.size()) {
    fail(ErrorKind::kDamaged, path,
         "an array of shape " + print_shape(shape) + " is to be written from " + std::to_string(bytes.size()) + " bytes");
  }
  std::string header = "{'descr': '";
  header += element_size(type) == 1 ? '|' : '<';
  header += name->code;
  header += "', 'fortran_order': False, 'shape': (";
  for (const std::uint64_t extent : shape) header += std::to_string(extent) + (shape.size() == 1 ? "," : ", ");
  if (shape.size() > 1) header.resize(header.size() - 2);
  header += "), }";
  const std::size_t before = kMagic.size() + kVersionBytes + 2;
  const std::size_t unpadded = before + header.size() + 1;
  header.append((kDataAlignment - unpadded % kDataAlignment) % kDataAlignment, ' ');
  header += '\n';
  std::string start(kMagic);
  start += {'\x01', '\x00', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  WholeFileWriter writer(path);
  writer.write(start + header);
  writer.write(bytes);
  writer.commit();
}

void write_npy(const std::string& path, std::span<const std::uint64_t> shape, std::span<const float> values) {
  write_npy(path, ElementType::F32, shape, std::as_bytes(values));
}

void write_npy(const std::string& path, std::span<const std::uint64_t> shape, std::span<const double> values) {
  write_npy(path, ElementType::F64, shape, std::as_bytes(values));
}

}  // namespace cnnc::formats
