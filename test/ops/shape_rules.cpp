// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The shape rule of every op of the registry, on its samples and on what differs from them in one place: an operand more or
// less, of another type, rank or size; an attribute of another value or length. Inputs/shape_rules.txt says what comes out.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "harness.h"
#include "ir/layer.h"
#include "ops/shape_rules.h"
#include "support/limits.h"
#include "test/golden.h"

namespace cnnc::test {
namespace {

/// A sample with one change, and what it is called.
struct Variant {
  std::string change;
  Sample sample;
};

/// How far variants go: all of them for an op's first sample, neighbours alone for the others.
enum class Reach { Neighbours, Limits };

/// Other extents and numbers than the given one: its neighbours, and with `Limits` those of windows and sizes.
std::vector<int64_t> others(int64_t value, Reach reach) {
  std::vector<int64_t> result = {value - 1, value + 1};
  if (reach == Reach::Limits)
    for (int64_t limit : {int64_t{-1}, int64_t{0}, int64_t{1} << 24, (int64_t{1} << 24) + 1, int64_t{1} << 31, int64_t{1} << 40})
      if (limit != value && std::find(result.begin(), result.end(), limit) == result.end()) result.push_back(limit);
  return result;
}

/// Lists that differ from `list` in one element or in length.
std::vector<Dims> others(const Dims& list, Reach reach) {
  std::vector<Dims> result;
  for (size_t i = 0; i < list.size(); ++i)
    for (int64_t value : others(list[i], reach)) (result.emplace_back(list))[i] = value;
  result.push_back(list);
  result.back().push_back(1);
  if (!list.empty()) result.emplace_back(list.begin(), list.end() - 1);
  if (list.size() > 1) result.emplace_back(list.rbegin(), list.rend());
  return result;
}

std::vector<Attribute> others(const Attribute& attribute, Reach reach) {
  std::vector<Attribute> result;
  if (const auto* number = std::get_if<int64_t>(&attribute))
    for (int64_t value : others(*number, reach)) result.emplace_back(value);
  if (const auto* list = std::get_if<Dims>(&attribute))
    for (Dims& value : others(*list, reach)) result.emplace_back(std::move(value));
  if (const auto* flag = std::get_if<bool>(&attribute)) result.emplace_back(!*flag);
  if (std::holds_alternative<double>(attribute))
    for (double value : {-1.0, 0.0, 0.5, 1.0, 2.0}) result.emplace_back(value);
  if (std::holds_alternative<std::string>(attribute))
    for (const char* word : {"", "sum", "max", "min", "mean", "f32", "f64", "i32", "other"}) result.emplace_back(std::string(word));
  if (const auto* numbers = std::get_if<Numbers>(&attribute)) {
    Numbers longer = *numbers;
    longer.push_back(1);
    result.emplace_back(std::move(longer));
    result.emplace_back(Numbers{});
  }
  return result;
}

void add_operand_variants(const Sample& sample, std::vector<Variant>& variants) {
  for (size_t i = 0; i < sample.operands.size(); ++i) {
    const auto change = [&](TensorType type) {
      Sample changed = sample;
      changed.operands[i] = std::move(type);
      const std::string text = fmt::format("operand {} {}", i, to_string(changed.operands[i]));
      variants.push_back({text, std::move(changed)});
    };
    const TensorType& type = sample.operands[i];
    if (is_absent(type)) continue;
    for (ElementType element : {ElementType::F32, ElementType::F64, ElementType::I32})
      if (element != type.element) change({element, type.batched, type.dims});
    change({type.element, !type.batched, type.dims});
    for (const Dims& dims : others(type.dims, Reach::Neighbours))
      if (std::all_of(dims.begin(), dims.end(), [](int64_t extent) { return extent > 0; })) change({type.element, type.batched, dims});
    Sample absent = sample;
    absent.operands[i] = absent_type();
    variants.push_back({fmt::format("operand {} absent", i), std::move(absent)});
  }
  Sample fewer = sample, more = sample, all_f64 = sample;
  if (!fewer.operands.empty()) {
    fewer.operands.pop_back();
    variants.push_back({"an operand less", std::move(fewer)});
  }
  more.operands.push_back(sample.operands.empty() ? TensorType{ElementType::F32, true, {2}} : sample.operands[0]);
  variants.push_back({"an operand more", std::move(more)});
  for (TensorType& type : all_f64.operands)
    if (type.element == ElementType::F32) type.element = ElementType::F64;
  variants.push_back({"f64", std::move(all_f64)});
}

void add_attribute_variants(const OpDef& op, const Sample& sample, Reach reach, std::vector<Variant>& variants) {
  for (const AttributeDef& attribute : op.attributes) {
    const auto given = sample.attributes.find(attribute.name);
    for (const Attribute& other : others(given == sample.attributes.end() ? attribute.default_value : given->second, reach)) {
      Sample changed = sample;
      changed.attributes[attribute.name] = other;
      variants.push_back({fmt::format("{} {}", attribute.name, to_string(other)), std::move(changed)});
    }
  }
}

std::string inferred(const OpDef& op, const Sample& sample) {
  const InferResult result = op.infer(sample.attributes, sample.operands);
  if (const auto* complaint = std::get_if<std::string>(&result)) return *complaint;
  std::string text = "->";
  for (const TensorType& type : std::get<std::vector<TensorType>>(result)) text += " " + to_string(type);
  return text;
}

std::string sample_text(const Sample& sample) {
  std::string text;
  for (const TensorType& type : sample.operands) text += (text.empty() ? "" : ", ") + (is_absent(type) ? std::string("absent") : to_string(type));
  for (const auto& [name, value] : sample.attributes) text += fmt::format("; {} {}", name, to_string(value));
  return text;
}

/// A line for each outcome, with the changes that lead to it.
std::string outcomes(const OpDef& op, const std::vector<Variant>& variants) {
  std::vector<std::pair<std::string, std::string>> lines;
  for (const Variant& variant : variants) {
    const std::string outcome = inferred(op, variant.sample);
    const auto known = std::find_if(lines.begin(), lines.end(), [&](const auto& line) { return line.first == outcome; });
    if (known == lines.end()) lines.emplace_back(outcome, variant.change);
    else known->second += " | " + variant.change;
  }
  std::string text;
  for (const auto& [outcome, changes] : lines) text += fmt::format("  {}: {}\n", changes, outcome);
  return text;
}

TEST(ShapeRules, LimitsOfATensor) {
  EXPECT_TRUE(dims_fit(Dims(limits::kMaximumRank, 1)));
  EXPECT_FALSE(check_dims(Dims(limits::kMaximumRank, 1)));
  EXPECT_FALSE(dims_fit(Dims(limits::kMaximumRank + 1, 1)));
  EXPECT_EQ(check_dims(Dims(limits::kMaximumRank + 1, 1)), "there are at most 16 dimensions, but here are 17");
  EXPECT_TRUE(dims_fit({1 << 20, (1 << 20) - 1}));
  EXPECT_FALSE(dims_fit({1 << 20, 1 << 20}));
}

TEST(ShapeRules, MapNeedsAnExpression) {
  const InferResult result = get_op("map").infer({{"f", ScalarExpression()}}, std::vector{TensorType{ElementType::F32, true, {3}}});
  EXPECT_EQ(std::get<std::string>(result), "`f` is empty");
}

TEST(ShapeRules, GradientOfMaxpoolNeedsFeatureMaps) {
  const std::vector<TensorType> numbers = {{ElementType::I32, true, {}}, {ElementType::F32, true, {}}};
  EXPECT_TRUE(std::holds_alternative<std::string>(get_op("maxpool_grad").infer(get_op("maxpool_grad").samples[0].attributes, numbers)));
}

TEST(Registry, HasNoOtherNames) {
  for (const char* name : {"", "a", "con", "convolution", "zz"}) {
    EXPECT_EQ(find_op(name), nullptr) << name;
    EXPECT_EQ(find_layer(name), nullptr) << name;
  }
}

TEST(ShapeRules, AcceptAndRefuseAsWritten) {
  std::string text;
  for (const OpDef& op : all_ops())
    for (const Sample& sample : op.samples) {
      text += fmt::format("\n{}: {} {}\n", op.name, sample_text(sample), inferred(op, sample));
      if (op.multiply_adds) text += fmt::format("  {} multiply-adds an image\n", op.multiply_adds(sample.attributes, sample.operands));
      std::vector<Variant> variants;
      add_operand_variants(sample, variants);
      add_attribute_variants(op, sample, &sample == op.samples.data() ? Reach::Limits : Reach::Neighbours, variants);
      text += outcomes(op, variants);
    }
  expect_as_in_file(SHAPE_RULES, text);
}

}  // namespace
}  // namespace cnnc::test
