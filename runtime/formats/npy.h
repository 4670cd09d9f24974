// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// NumPy's .npy: one array. Reads versions 1 to 3, both byte orders, C and Fortran order, types b1 i1..i8 u1..u8 f2 f4 f8;
// the result is always in C order and little-endian. Objects and records are refused (they could run code). Trailing bytes
// are refused. Writes version 1.0, little-endian, C order, whole or not at all. Tests: test/runtime/formats/npy_test.cpp.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/formats/element.h"

namespace cnnc::formats {

struct NpyArray {
  ElementType type = ElementType::F32;
  std::vector<std::uint64_t> shape;
  std::vector<std::byte> bytes;
  /// Where the first element lies in the file, the others behind it in order; nothing where the file has another order.
  std::optional<std::uint64_t> first_byte;

  std::uint64_t elements() const { return bytes.size() / element_size(type); }
  std::vector<float> floats() const;
  std::vector<double> doubles() const;
};

/// Reads a file.
NpyArray read_npy(const std::string& path);

/// Reads a file's content; `file` is the name for messages.
NpyArray parse_npy(std::span<const std::byte> content, const std::string& file);

/// Writes one array. Types that NumPy lacks (BF16) and bytes that do not fit the shape are refused.
void write_npy(const std::string& path, ElementType type, std::span<const std::uint64_t> shape,
               std::span<const std::byte> bytes);
void write_npy(const std::string& path, std::span<const std::uint64_t> shape, std::span<const float> values);
void write_npy(const std::string& path, std::span<const std::uint64_t> shape, std::span<const double> values);

}  // namespace cnnc::formats
