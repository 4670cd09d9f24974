// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Element types convert exactly; sizes that files declare cannot overflow.
#include "runtime/formats/element.h"

#include <cmath>
#include <cstring>

#include "helpers.h"

namespace cnnc::formats {
namespace {

TEST(Half, known_values) {
  EXPECT_EQ(float_from_half(0x3c00), 1.0f);
  EXPECT_EQ(float_from_half(0xc000), -2.0f);
  EXPECT_EQ(float_from_half(0x7bff), 65504.0f);
  EXPECT_EQ(float_from_half(0x0001), 0x1p-24f);
  EXPECT_EQ(float_from_half(0x03ff), 1023 * 0x1p-24f);
  EXPECT_EQ(float_from_half(0x0400), 0x1p-14f);
  EXPECT_TRUE(std::signbit(float_from_half(0x8000)));
  EXPECT_EQ(float_from_half(0xfc00), -INFINITY);
  EXPECT_TRUE(std::isnan(float_from_half(0x7e00)));
}

TEST(Bfloat16, known_values) {
  EXPECT_EQ(float_from_bfloat16(0x3f80), 1.0f);
  EXPECT_EQ(float_from_bfloat16(0xc040), -3.0f);
  EXPECT_TRUE(std::isnan(float_from_bfloat16(0x7fc0)));
}

TEST(Element, names_and_sizes) {
  for (const char* name : {"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"}) {
    const auto type = element_type_named(name);
    ASSERT_TRUE(type.has_value()) << name;
    EXPECT_EQ(element_name(*type), name);
  }
  EXPECT_EQ(element_size(ElementType::BF16), 2u);
  EXPECT_EQ(element_size(ElementType::U64), 8u);
  EXPECT_FALSE(element_type_named("F8_E4M3").has_value());
  EXPECT_FALSE(element_type_named("f32").has_value());
}

TEST(Element, converts_unaligned_bytes) {
  std::vector<std::byte> bytes(1 + sizeof(double));
  const double value = -0.1;
  std::memcpy(bytes.data() + 1, &value, sizeof value);
  double wide = 0;
  float narrow = 0;
  convert_to_doubles(ElementType::F64, std::span(bytes).subspan(1), std::span(&wide, 1));
  convert_to_floats(ElementType::F64, std::span(bytes).subspan(1), std::span(&narrow, 1));
  EXPECT_EQ(wide, -0.1);
  EXPECT_EQ(narrow, -0.1f);
}

TEST(CheckedSize, overflow_is_seen_even_beside_a_zero) {
  const std::uint64_t huge = 1ull << 63;
  using Shape = std::vector<std::uint64_t>;
  EXPECT_EQ(checked_size(Shape{}, 4), 4u);
  EXPECT_EQ(checked_size(Shape{3, 5}, 4), 60u);
  EXPECT_EQ(checked_size(Shape{3, 0}, 4), 0u);
  EXPECT_EQ(checked_size(Shape{huge, 2}, 1), std::nullopt);
  EXPECT_EQ(checked_size(Shape{huge}, 4), std::nullopt);
  EXPECT_EQ(checked_size(Shape{huge, huge, 0}, 1), std::nullopt);
  EXPECT_EQ(checked_size(Shape{0, huge, huge}, 1), std::nullopt);
  EXPECT_EQ(checked_add(huge, huge), std::nullopt);
}

}  // namespace
}  // namespace cnnc::formats
