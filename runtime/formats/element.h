// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The element types of arrays in files, and their conversion to float and double. Bytes are little-endian and need not be
// aligned. Integers beyond 2^24 (2^53) are rounded to the nearest float (double); BOOL is 0 or 1.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cnnc::formats {

enum class ElementType : std::uint8_t { F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL };

/// Bytes of one element: 8, 4, 2 or 1.
std::size_t element_size(ElementType type);

/// The name, as in .safetensors: "F32".
std::string_view element_name(ElementType type);

/// The type of that name, or nothing.
std::optional<ElementType> element_type_named(std::string_view name);

/// F64, F32, F16, BF16.
bool is_floating(ElementType type);

/// A shape for messages: `[2, 3]`.
std::string print_shape(std::span<const std::uint64_t> shape);

/// Converts as many elements as `out` holds; `bytes` must be out.size() * element_size(type) long.
void convert_to_floats(ElementType type, std::span<const std::byte> bytes, std::span<float> out);
void convert_to_doubles(ElementType type, std::span<const std::byte> bytes, std::span<double> out);

/// The values of IEEE binary16 and of bfloat16, given as bits.
float float_from_half(std::uint16_t bits);
float float_from_bfloat16(std::uint16_t bits);

}  // namespace cnnc::formats
