// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Element types: sizes, names, conversion. Bytes are little-endian, as is every machine that this project builds for.
#include "runtime/formats/element.h"

#include <array>
#include <bit>
#include <cstring>

namespace cnnc::formats {
namespace {

static_assert(std::endian::native == std::endian::little, "the readers copy little-endian values as they are");

struct ElementTraits {
  ElementType type;
  std::string_view name;
  std::size_t size;
};

// In the order of the enumeration.
constexpr std::array<ElementTraits, 13> kElements = {{
    {ElementType::F64, "F64", 8},
    {ElementType::F32, "F32", 4},
    {ElementType::F16, "F16", 2},
    {ElementType::BF16, "BF16", 2},
    {ElementType::I64, "I64", 8},
    {ElementType::I32, "I32", 4},
    {ElementType::I16, "I16", 2},
    {ElementType::I8, "I8", 1},
    {ElementType::U64, "U64", 8},
    {ElementType::U32, "U32", 4},
    {ElementType::U16, "U16", 2},
    {ElementType::U8, "U8", 1},
    {ElementType::BOOL, "BOOL", 1},
}};

const ElementTraits& traits(ElementType type) { return kElements[static_cast<std::size_t>(type)]; }

/// Reads values of type Stored, which need not be aligned, and converts each.
template <class Stored, class Out, class Convert>
void convert_each(const std::byte* bytes, std::span<Out> out, Convert convert) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    Stored value;
    std::memcpy(&value, bytes + i * sizeof(Stored), sizeof(Stored));
    out[i] = static_cast<Out>(convert(value));
  }
}

template <class Out>
void convert(ElementType type, const std::byte* bytes, std::span<Out> out) {
  const auto as_it_is = [](auto value) { return value; };
  switch (type) {
    case ElementType::F64: return convert_each<double>(bytes, out, as_it_is);
    case ElementType::F32: return convert_each<float>(bytes, out, as_it_is);
    case ElementType::F16: return convert_each<std::uint16_t>(bytes, out, float_from_half);
    case ElementType::BF16: return convert_each<std::uint16_t>(bytes, out, float_from_bfloat16);
    case ElementType::I64: return convert_each<std::int64_t>(bytes, out, as_it_is);
    case ElementType::I32: return convert_each<std::int32_t>(bytes, out, as_it_is);
    case ElementType::I16: return convert_each<std::int16_t>(bytes, out, as_it_is);
    case ElementType::I8: return convert_each<std::int8_t>(bytes, out, as_it_is);
    case ElementType::U64: return convert_each<std::uint64_t>(bytes, out, as_it_is);
    case ElementType::U32: return convert_each<std::uint32_t>(bytes, out, as_it_is);
    case ElementType::U16: return convert_each<std::uint16_t>(bytes, out, as_it_is);
    case ElementType::U8: return convert_each<std::uint8_t>(bytes, out, as_it_is);
    case ElementType::BOOL: return convert_each<std::uint8_t>(bytes, out, [](std::uint8_t value) { return value != 0 ? 1 : 0; });
  }
}

}  // namespace

std::size_t element_size(ElementType type) { return traits(type).size; }

std::string_view element_name(ElementType type) { return traits(type).name; }

std::optional<ElementType> element_type_named(std::string_view name) {
  for (const ElementTraits& element : kElements) {
    if (element.name == name) return element.type;
  }
  return std::nullopt;
}

bool is_floating(ElementType type) {
  return type == ElementType::F64 || type == ElementType::F32 || type == ElementType::F16 || type == ElementType::BF16;
}

std::string print_shape(std::span<const std::uint64_t> shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i != 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + ']';
}

void convert_to_floats(ElementType type, std::span<const std::byte> bytes, std::span<float> out) {
  convert(type, bytes.data(), out);
}

void convert_to_doubles(ElementType type, std::span<const std::byte> bytes, std::span<double> out) {
  convert(type, bytes.data(), out);
}

float float_from_half(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1f;
  const std::uint32_t fraction = bits & 0x3ff;
  if (exponent == 0) {  // Zero or subnormal: fraction * 2^-24, exact in float.
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t wide_exponent = exponent == 0x1f ? 0xff : exponent + (127 - 15);
  return std::bit_cast<float>(sign | (wide_exponent << 23) | (fraction << 13));
}

float float_from_bfloat16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

}  // namespace cnnc::formats
