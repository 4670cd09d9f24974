// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Types, broadcasting, and the texts of types and attributes.
#include "ir/types.h"

#include <gtest/gtest.h>

#include <cmath>

#include "ir/attributes.h"
#include "ir/print.h"
#include "ir/random.h"

namespace cnnc::test {
namespace {

TEST(Types, HaveATextOfTheirOwn) {
  EXPECT_EQ(to_string(TensorType{ElementType::F32, true, {6, 28, 28}}), "f32[N, 6, 28, 28]");
  EXPECT_EQ(to_string(TensorType{ElementType::F64, false, {6}}), "f64[6]");
  EXPECT_EQ(to_string(TensorType{ElementType::I32, true, {}}), "i32[N]");
  EXPECT_EQ(to_string(TensorType{ElementType::U8, false, {}}), "u8[]");
  EXPECT_EQ(shape_text({3, 32, 32}), "3x32x32");
  EXPECT_EQ(shape_text({}), "a single number");
}

TEST(Types, ElementsAreFoundByName) {
  for (const ElementType element : {ElementType::F32, ElementType::F64, ElementType::I32, ElementType::U8}) {
    EXPECT_EQ(find_element(element_name(element)), element);
  }
  EXPECT_EQ(find_element("f16"), std::nullopt);
  EXPECT_EQ(element_bytes(ElementType::F64), 8);
  EXPECT_EQ(element_bytes(ElementType::U8), 1);
}

TEST(Types, AbsentIsNoOtherType) {
  EXPECT_TRUE(is_absent(absent_type()));
  EXPECT_FALSE(is_absent(TensorType{}));
}

TEST(Broadcast, AlignsAtTheInnermostDimension) {
  EXPECT_EQ(broadcast({3, 4, 5}, {4, 1}), (Dims{3, 4, 5}));
  EXPECT_EQ(broadcast({4, 1}, {3, 4, 5}), (Dims{3, 4, 5}));
  EXPECT_EQ(broadcast({3, 1, 5}, {1, 4, 1}), (Dims{3, 4, 5}));
  EXPECT_EQ(broadcast({}, {2, 3}), (Dims{2, 3}));
  EXPECT_EQ(broadcast({}, {}), Dims{});
  EXPECT_EQ(broadcast({1}, {1, 1}), (Dims{1, 1}));
}

TEST(Broadcast, RefusesOtherExtents) {
  EXPECT_EQ(broadcast({3}, {4}), std::nullopt);
  EXPECT_EQ(broadcast({3, 4}, {3}), std::nullopt);
  EXPECT_EQ(broadcast({2, 3, 4}, {3, 3, 4}), std::nullopt);
}

TEST(Attributes, HaveATextThatTellsTheirKind) {
  EXPECT_EQ(to_string(Attribute(int64_t{-3})), "-3");
  EXPECT_EQ(to_string(Attribute(3.0)), "3.0");
  EXPECT_EQ(to_string(Attribute(1e300)), "1e+300");
  EXPECT_EQ(to_string(Attribute(-0.0)), "-0.0");
  EXPECT_EQ(to_string(Attribute(std::nan(""))), "nan");
  EXPECT_EQ(to_string(Attribute(-HUGE_VAL)), "-inf");
  EXPECT_EQ(to_string(Attribute(true)), "true");
  EXPECT_EQ(to_string(Attribute(std::string("same"))), "\"same\"");
  EXPECT_EQ(to_string(Attribute(Dims{1, 2})), "[1, 2]");
  EXPECT_EQ(to_string(Attribute(Numbers{1, 0.5, -0.0})), "{1, 0.5, -0}");
  EXPECT_EQ(to_string(Attribute(ScalarExpression::argument(0) + ScalarExpression::constant(1))), "f\"x0 + 1\"");
}

TEST(Attributes, QuotedTextEscapesWhatEndsOrHidesIt) {
  EXPECT_EQ(quoted("a \"b\" \\ c\nd"), R"("a \"b\" \\ c\nd")");
  EXPECT_EQ(quoted(std::string_view("\x1b[0m\0", 5)), R"("\x1b[0m\x00")");
  EXPECT_EQ(quoted("größe"), "\"größe\"");
}

TEST(Attributes, PlainNamesStandWithoutQuotes) {
  for (const char* name : {"x", "conv1.weight", "_a", "A9"}) EXPECT_TRUE(is_plain_name(name)) << name;
  for (const char* name : {"", "9a", ".a", "a b", "a-b", "größe", "a#b"}) EXPECT_FALSE(is_plain_name(name)) << name;
}

TEST(Random, DependsOnEveryIntegerAndTheirOrder) {
  const auto draw = [](std::vector<int64_t> key) { return random_uniform(key); };
  EXPECT_EQ(draw({1, 2, 3}), draw({1, 2, 3}));
  EXPECT_NE(draw({1, 2, 3}), draw({1, 3, 2}));
  EXPECT_NE(draw({1, 2, 3}), draw({0, 2, 3}));
  EXPECT_NE(draw({1, 2}), draw({1, 2, 0}));
  double sum = 0;
  for (int64_t i = 0; i < 10000; ++i) {
    const double u = draw({7, i});
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    ASSERT_EQ(u, static_cast<double>(static_cast<float>(u)));
    sum += u;
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.01);
}

}  // namespace
}  // namespace cnnc::test
