// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// .npy files of NumPy are read whatever their type, byte order and axis order; damage and code are refused.
#include "runtime/formats/npy.h"

#include <numeric>

#include "helpers.h"

namespace cnnc::formats {
namespace {

using Shape = std::vector<std::uint64_t>;

std::vector<double> counting(std::size_t count) {
  std::vector<double> values(count);
  std::iota(values.begin(), values.end(), 0.0);
  return values;
}

class NpyCounting : public testing::TestWithParam<const char*> {};

/// Each of these files of NumPy's holds 0, 1, 2, … in C order, shape [2, 3, 4].
TEST_P(NpyCounting, reads_in_c_order) {
  const NpyArray array = read_npy(data_file(std::string("array_") + GetParam() + ".npy"));
  EXPECT_EQ(array.shape, (Shape{2, 3, 4}));
  EXPECT_EQ(array.doubles(), counting(24));
  EXPECT_EQ(array.floats()[23], 23.0f);
}

INSTANTIATE_TEST_SUITE_P(Files, NpyCounting,
                         testing::Values("u1", "i1", "little_u2", "little_i2", "little_u4", "little_i4", "little_u8", "little_i8",
                                         "little_f2", "little_f4", "little_f8", "big_i4", "big_f4", "big_f8", "big_u2", "fortran",
                                         "fortran_big", "version_2", "version_3"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Npy, reads_booleans_and_scalars) {
  const NpyArray booleans = read_npy(data_file("array_bool.npy"));
  EXPECT_EQ(booleans.type, ElementType::BOOL);
  EXPECT_EQ(booleans.doubles()[0], 1);
  EXPECT_EQ(booleans.doubles()[1], 0);
  const NpyArray scalar = read_npy(data_file("array_scalar.npy"));
  EXPECT_TRUE(scalar.shape.empty());
  EXPECT_EQ(scalar.floats(), std::vector<float>{2.5f});
}

TEST(Npy, refuses_objects_records_and_text) {
  const auto refuse = [](const std::string& name) {
    const std::string path = data_file(name);
    Refusal refusal = refusal_of([&] { read_npy(path); });
    refusal.message = refusal.message.substr(path.size() + 2);
    return refusal;
  };
  EXPECT_EQ(refuse("array_objects.npy"),
            (Refusal{ErrorKind::kUnsupported, "holds Python objects, which are never loaded; expected plain numbers"}));
  EXPECT_EQ(refuse("array_records.npy"),
            (Refusal{ErrorKind::kUnsupported, "holds records (a structured array), expected plain numbers"}));
  EXPECT_EQ(refuse("array_text.npy"),
            (Refusal{ErrorKind::kUnsupported, "holds elements of type `<U3`, expected b1, i1..i8, u1..u8, f2, f4 or f8"}));
}

TEST(Npy, round_trip_and_same_bytes_as_numpy) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.npy");
  const NpyArray numpy_made = read_npy(data_file("array_little_f4.npy"));
  write_npy(path, numpy_made.shape, numpy_made.floats());
  EXPECT_EQ(read_text(path), read_text(data_file("array_little_f4.npy")));
  const NpyArray integers = read_npy(data_file("array_little_i8.npy"));
  write_npy(path, integers.type, integers.shape, integers.bytes);
  EXPECT_EQ(read_text(path), read_text(data_file("array_little_i8.npy")));
  for (const char* name : {"array_u1.npy", "array_little_f2.npy"}) {      // of one byte and two: `|u1`, `<f2`
    const NpyArray array = read_npy(data_file(name));
    write_npy(path, array.type, array.shape, array.bytes);
    EXPECT_EQ(read_text(path), read_text(data_file(name)));
  }
  const std::vector<double> one = {0.1};
  write_npy(path, Shape{1}, one);
  EXPECT_EQ(read_npy(path).shape, Shape{1});
  EXPECT_EQ(read_npy(path).doubles(), one);
  write_npy(path, Shape{}, one);
  EXPECT_EQ(read_npy(path).shape, Shape{});
  write_npy(path, Shape{3, 0}, std::span<const float>());
  EXPECT_EQ(read_npy(path).shape, (Shape{3, 0}));
}

TEST(Npy, refuses_to_write_what_does_not_fit) {
  const std::vector<float> values = {1, 2};
  EXPECT_EQ(refusal_of([&] { write_npy("x.npy", Shape{3}, values); }),
            (Refusal{ErrorKind::kDamaged, "x.npy: an array of shape [3] is to be written from 8 bytes"}));
  Shape many(33, 1);
  many[0] = 2;
  EXPECT_EQ(refusal_of([&] { write_npy("x.npy", many, values); }).message.substr(0, 30), "x.npy: an array of shape [2, 1");
  EXPECT_EQ(refusal_of([&] { write_npy("x.npy", ElementType::BF16, Shape{4}, std::as_bytes(std::span(values))); }),
            (Refusal{ErrorKind::kUnsupported, "x.npy: a .npy file cannot hold BF16"}));
}

std::string file_with(const std::string& header, std::size_t data_bytes) {
  const auto length = static_cast<std::uint16_t>(header.size());
  return std::string("\x93NUMPY\x01\x00", 8) + std::string(reinterpret_cast<const char*>(&length), 2) + header +
         std::string(data_bytes, '\0');
}

Refusal refuse(const std::string& content) { return refusal_of([&] { parse_npy(bytes_of(content), "f"); }); }

TEST(Npy, refuses_lying_shapes) {
  EXPECT_EQ(refuse(file_with("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 20)),
            (Refusal{ErrorKind::kDamaged, "f: declares shape [2, 3] of F32, which takes 24 bytes, but holds 20 (truncated?)"}));
  EXPECT_EQ(refuse(file_with("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 25)),
            (Refusal{ErrorKind::kDamaged, "f: declares shape [2, 3] of F32, which takes 24 bytes, but holds 25"}));
  EXPECT_EQ(refuse(file_with("{'descr': '<f4', 'fortran_order': True, 'shape': (4294967296, 4294967296)}", 0)),
            (Refusal{ErrorKind::kDamaged, "f: declares shape [4294967296, 4294967296] of F32, which is too large for any file"}));
}

TEST(Npy, refuses_damaged_headers) {
  EXPECT_EQ(refuse(""), (Refusal{ErrorKind::kDamaged, "f: is not a .npy file (0 bytes, other first bytes)"}));
  EXPECT_EQ(refuse("\x93NUMPY"), (Refusal{ErrorKind::kDamaged, "f: ends within its header, after 6 bytes"}));
  EXPECT_EQ(refuse(std::string("\x93NUMPY\x04\x00\x01\x00\x00\x00 ", 13)),
            (Refusal{ErrorKind::kUnsupported, "f: has .npy version 4, expected 1, 2 or 3"}));
  EXPECT_EQ(refuse(std::string("\x93NUMPY\x02\x00\x00\x00\x01\x00 ", 13)),
            (Refusal{ErrorKind::kLimit, "f: declares a header of 65536 bytes, more than the limit of 64000"}));
  EXPECT_EQ(refuse(std::string("\x93NUMPY\x00\x00\x01\x00\x00\x00 ", 13)),
            (Refusal{ErrorKind::kUnsupported, "f: has .npy version 0, expected 1, 2 or 3"}));
  EXPECT_EQ(refuse(file_with("{'descr': '', 'fortran_order': False, 'shape': (1,)}", 4)),
            (Refusal{ErrorKind::kUnsupported, "f: holds elements of type ``, expected b1, i1..i8, u1..u8, f2, f4 or f8"}));
  const auto at = [](int character, const std::string& what) {
    return Refusal{ErrorKind::kDamaged, "f: header is not valid at character " + std::to_string(character) + ": " + what};
  };
  EXPECT_EQ(refuse(file_with("{'shape': (1,)}", 0)), at(15, "expected `descr`, `fortran_order` and `shape`"));
  EXPECT_EQ(refuse(file_with("{'shape': (1,), 'shape': (1,)}", 0)), at(24, "unexpected key `shape`"));
  EXPECT_EQ(refuse(file_with("{'shape': (-1,)}", 0)), at(11, "expected a whole number"));
  EXPECT_EQ(refuse(file_with("{'shape': __import__('os')}", 0)), at(10, "expected `(`"));
  EXPECT_EQ(refuse(file_with("{'shape': (99999999999999999999,)}", 0)), at(30, "the number is too large"));
  EXPECT_EQ(refuse(file_with("{'descr", 0)), at(1, "the string does not end"));
  EXPECT_EQ(refuse(file_with("{} x", 0)), at(3, "expected the end"));
  EXPECT_EQ(refuse(file_with("{'descr': ", 0)), at(10, "expected a string"));
}

TEST(Npy, spaces_of_the_header_do_not_matter) {
  const std::string with_spaces = " { 'descr' : '<f4' ,\n'fortran_order' :\tFalse , 'shape' : ( 2 , 3 ) , } ";
  EXPECT_EQ(parse_npy(bytes_of(file_with(with_spaces, 24)), "f").shape, (Shape{2, 3}));
  std::string largest = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}";
  largest.resize(kMaxNpyHeaderBytes, ' ');
  EXPECT_EQ(parse_npy(bytes_of(file_with(largest, 4)), "f").shape, Shape{1});
}

/// Messages name the place of a bad element; a file whose order is another has none.
TEST(Npy, tells_where_the_first_element_lies) {
  const auto first_byte = [](const std::string& order, const std::string& shape) {
    const std::string header = "{'descr': '<f4', 'fortran_order': " + order + ", 'shape': " + shape + "}";
    return parse_npy(bytes_of(file_with(header, 24)), "f").first_byte;
  };
  EXPECT_EQ(first_byte("False", "(2, 3)"), 67);
  EXPECT_EQ(first_byte("True", "(6,)"), 64);
  EXPECT_EQ(first_byte("True", "(2, 3)"), std::nullopt);
}

TEST(Npy, every_truncation_is_refused) {
  const std::string whole = read_text(data_file("array_fortran.npy"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(refuse(whole.substr(0, size)).kind, ErrorKind::kDamaged) << size;
  }
}

}  // namespace
}  // namespace cnnc::formats
