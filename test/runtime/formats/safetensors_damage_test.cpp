// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every damaged or hostile .safetensors file is refused, with a message that says what is wrong.
#include <cstring>

#include "helpers.h"
#include "runtime/formats/safetensors.h"

namespace cnnc::formats {
namespace {

std::vector<std::byte> file_with(const std::string& header, std::size_t data_bytes, std::uint64_t declared_length) {
  std::string text(reinterpret_cast<const char*>(&declared_length), sizeof declared_length);
  return bytes_of(text + header + std::string(data_bytes, '\1'));
}

Refusal refuse(const std::string& header, std::size_t data_bytes) {
  return refusal_of([&] { parse_safetensors(file_with(header, data_bytes, header.size()), "f"); });
}

/// One tensor's entry in the header.
std::string entry(const std::string& name, const std::string& type, const std::string& shape, const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + type + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

Refusal damaged(const std::string& message) { return {ErrorKind::kDamaged, "f: " + message}; }

TEST(SafetensorsDamage, length_of_the_header) {
  const auto parse = [](std::vector<std::byte> content) { return refusal_of([&] { parse_safetensors(content, "f"); }); };
  EXPECT_EQ(parse({}), damaged("has 0 bytes, too few for a .safetensors file"));
  EXPECT_EQ(parse(bytes_of("1234567")), damaged("has 7 bytes, too few for a .safetensors file"));
  EXPECT_EQ(parse(file_with("{}", 0, 3)), damaged("declares a header of 3 bytes, but only 2 follow"));
  EXPECT_EQ(parse(file_with("{}", 0, 100'000'001)),
            damaged("declares a header of 100000001 bytes, more than the limit of 100000000; not a .safetensors file?"));
  EXPECT_EQ(parse(file_with("{}", 0, ~0ull)),
            damaged("declares a header of 18446744073709551615 bytes, more than the limit of 100000000; "
                    "not a .safetensors file?"));
  EXPECT_EQ(parse(bytes_of("PK\x03\x04 and so on")),
            (Refusal{ErrorKind::kUnsupported, "f: is a zip archive (written by torch.save?), expected a .safetensors file"}));
}

TEST(SafetensorsDamage, holes_overlaps_and_ends) {
  const std::string first = entry("a", "F32", "[2]", "[0,8]");
  EXPECT_EQ(refuse("{" + first + "," + entry("b", "F32", "[1]", "[12,16]") + "}", 16),
            damaged("has a hole in its data: nothing covers the offsets 8..12 before tensor `b`"));
  EXPECT_EQ(refuse("{" + entry("b", "F32", "[1]", "[4,8]") + "}", 8),
            damaged("has a hole in its data: nothing covers the offsets 0..4 before tensor `b`"));
  EXPECT_EQ(refuse("{" + first + "," + entry("b", "F32", "[2]", "[4,12]") + "}", 12),
            damaged("tensor `b` starts at offset 4, inside another one that ends at 8"));
  EXPECT_EQ(refuse("{" + first + "," + entry("b", "F32", "[2]", "[0,8]") + "}", 8),
            damaged("tensor `b` starts at offset 0, inside another one that ends at 8"));
  EXPECT_EQ(refuse("{" + first + "}", 7),
            damaged("tensor `a` ends at offset 8, but the file holds only 7 bytes of data (truncated?)"));
  EXPECT_EQ(refuse("{" + first + "}", 9), damaged("holds 9 bytes of data, but its tensors end at offset 8"));
  EXPECT_EQ(refuse("{}", 1), damaged("holds 1 bytes of data, but its tensors end at offset 0"));
}

TEST(SafetensorsDamage, any_order_of_the_entries_is_good) {
  const std::string header = "{" + entry("a", "F32", "[1]", "[8,12]") + "," + entry("b", "F32", "[2]", "[0,8]") + "}";
  EXPECT_EQ(parse_safetensors(file_with(header, 12, header.size()), "f").tensors.size(), 2u);
}

TEST(SafetensorsDamage, shapes_types_and_offsets) {
  EXPECT_EQ(refuse("{" + entry("a", "F32", "[2, 3]", "[0,20]") + "}", 20),
            damaged("tensor `a` has shape [2, 3] of F32, which takes 24 bytes, but its offsets 0..20 hold 20"));
  EXPECT_EQ(refuse("{" + entry("a", "F32", "[4294967296,4294967296]", "[0,0]") + "}", 0),
            damaged("tensor `a` has shape [4294967296, 4294967296] of F32, which is too large for any file"));
  EXPECT_EQ(refuse("{" + entry("a", "U8", "[4294967296,4294967296,0]", "[0,0]") + "}", 0),
            damaged("tensor `a` has shape [4294967296, 4294967296, 0] of U8, which is too large for any file"));
  EXPECT_EQ(refuse("{" + entry("a", "F32", "[1]", "[8,4]") + "}", 8),
            damaged("tensor `a` has offsets 8..4, which run backwards"));
  EXPECT_EQ(refuse("{" + entry("a", "U8", "[1]", "[0,1]") + "," + entry("b", "F32", "[1]", "[1,5]") + "}", 5),
            damaged("tensor `b` starts at offset 1, which is no multiple of its element size 4"));
  EXPECT_EQ(refuse("{" + entry("a\\u001b", "F8_E4M3", "[1]", "[0,1]") + "}", 1),
            (Refusal{ErrorKind::kUnsupported, "f: tensor `a\\u{1b}` has the element type `F8_E4M3`, which is not read"}));
}

TEST(SafetensorsDamage, duplicate_keys) {
  const std::string first = entry("a", "F32", "[0]", "[0,0]");
  EXPECT_EQ(refuse("{" + first + "," + first + "}", 0), damaged("tensor `a` is there twice"));
  EXPECT_EQ(refuse("{" + first + "," + entry("b", "F32", "[0]", "[0,0]") + "," + first + "}", 0), damaged("tensor `a` is there twice"));
  EXPECT_EQ(refuse("{" + first + "," + entry("\\u0061", "F32", "[0]", "[0,0]") + "}", 0), damaged("tensor `a` is there twice"));
  EXPECT_EQ(refuse(R"({"__metadata__":{"k":"1","k":"2"}})", 0),
            damaged("header is not valid at byte 32: metadata `k` is there twice"));
  EXPECT_EQ(refuse(R"({"__metadata__":{},"__metadata__":{}})", 0),
            damaged("header is not valid at byte 34: `__metadata__` is there twice"));
  EXPECT_EQ(refuse(R"({"a":{"dtype":"F32","dtype":"F32"}})", 0),
            damaged("header is not valid at byte 28: tensor `a` has `dtype` twice"));
}

TEST(SafetensorsDamage, text_that_is_not_the_header) {
  const auto at = [](int byte, const std::string& what) {
    return damaged("header is not valid at byte " + std::to_string(byte) + ": " + what);
  };
  EXPECT_EQ(refuse("", 0), at(0, "expected `{`, found the end of the header"));
  EXPECT_EQ(refuse("[]", 0), at(0, "expected `{`, found `[`"));
  EXPECT_EQ(refuse("{} x", 0), at(3, "expected the end, found `x`"));
  EXPECT_EQ(refuse("{\"a\"", 0), at(4, "expected `:`, found the end of the header"));
  EXPECT_EQ(refuse("{\"a", 0), at(3, "the string does not end"));
  EXPECT_EQ(refuse("{\"a\n", 0), at(4, "the string holds a control character"));
  EXPECT_EQ(refuse("{\"\xff\"", 0), at(2, "the string is not UTF-8"));
  EXPECT_EQ(refuse("{\"\\x\"", 0), at(4, "the string holds an unknown escape"));
  EXPECT_EQ(refuse("{\"\\u12g4\"", 0), at(6, "expected four hexadecimal digits"));
  EXPECT_EQ(refuse("{\"\\ud800x\"", 0), at(8, "the string holds half a surrogate pair"));
  EXPECT_EQ(refuse("{\"\\ud800\\u0041\"", 0), at(14, "the string holds half a surrogate pair"));
  EXPECT_EQ(refuse("{\"\\ud800\\uffff\"", 0), at(14, "the string holds half a surrogate pair"));
  EXPECT_EQ(refuse("{\"\\udc00\"", 0), at(8, "the string holds half a surrogate pair"));
  EXPECT_EQ(refuse(R"({"a":[]})", 0), at(5, "expected `{`, found `[`"));
  EXPECT_EQ(refuse(R"({"a":{"more":1}})", 0),
            at(13, "tensor `a` has `more`, expected `dtype`, `shape` or `data_offsets`"));
  EXPECT_EQ(refuse(R"({"a":{"dtype":"F32","shape":[]}})", 0), at(31, "tensor `a` has no `data_offsets`"));
  EXPECT_EQ(refuse("{" + entry("a", "F32", "[]", "[0]") + "}", 0),
            at(50, "tensor `a` has 1 numbers in `data_offsets`, expected 2"));
  EXPECT_EQ(refuse("{" + entry("a", "F32", "[-1]", "[0,4]") + "}", 4), at(29, "expected a whole number, found `-`"));
  EXPECT_EQ(refuse("{" + entry("a", "F32", "[01]", "[0,4]") + "}", 4), at(31, "the number has a leading zero"));
  EXPECT_EQ(refuse("{" + entry("a", "F32", "[1.0]", "[0,4]") + "}", 4), at(30, "expected `,` or `]`, found `.`"));
  EXPECT_EQ(refuse("{" + entry("a", "F32", "[18446744073709551616]", "[0,4]") + "}", 4), at(48, "the number is too large"));
  EXPECT_EQ(refuse(R"({"__metadata__":{"k":1}})", 0), at(21, "expected `\"`, found `1`"));
  std::string shape = "[1";
  for (int i = 0; i < 32; ++i) shape += ",1";
  EXPECT_EQ(refuse("{" + entry("a", "F32", shape + "]", "[0,4]") + "}", 4), at(93, "more than 32 numbers in a list"));
}

TEST(SafetensorsDamage, deep_nesting_is_no_recursion) {
  EXPECT_EQ(refuse("{\"a\":" + std::string(1'000'000, '['), 0),
            damaged("header is not valid at byte 5: expected `{`, found `[`"));
}

std::vector<std::byte> checkpoint() {
  const TemporaryFolder folder;
  const std::vector<float> values = {1, 2, 3};
  const std::vector<double> moments = {4};
  const std::vector<TensorView> views = {view_of("conv.weight", {3}, values), view_of("optimizer.v", {1}, moments)};
  write_safetensors(folder.file("a"), views, {{"step", "12"}, {"seed", "0"}}, {.rotation = Rotation::kReplace, .checksum = true});
  return read_file(folder.file("a"), 10'000);
}

TEST(SafetensorsDamage, every_truncation_is_refused) {
  const std::vector<std::byte> whole = checkpoint();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::byte> part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(refusal_of([&] { parse_safetensors(part, "f"); }).kind, ErrorKind::kDamaged) << size;
  }
}

TEST(SafetensorsDamage, every_flipped_bit_of_a_checkpoint_is_found) {
  const std::vector<std::byte> whole = checkpoint();
  verify_checksum(parse_safetensors(whole, "f"));
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::vector<std::byte> flipped = whole;
    flipped[bit / 8] ^= std::byte{1} << (bit % 8);
    const Refusal refusal = refusal_of([&] { verify_checksum(parse_safetensors(flipped, "f")); });
    EXPECT_NE(refusal.message, "(nothing was refused)") << "bit " << bit;
  }
}

TEST(SafetensorsDamage, wrong_checksum_names_both) {
  std::vector<std::byte> content = checkpoint();
  const std::string sum = parse_safetensors(content, "f").metadata.at("checksum");
  content.back() ^= std::byte{1};
  const Refusal refusal = refusal_of([&] { verify_checksum(parse_safetensors(content, "f")); });
  EXPECT_EQ(refusal.message.substr(0, 36), "f: is damaged: its checksum is crc32");
  EXPECT_NE(refusal.message.find(", expected `" + sum + "`"), std::string::npos) << refusal.message;
}

}  // namespace
}  // namespace cnnc::formats
