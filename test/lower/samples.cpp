// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every sample of every op that has a definition: as in training, in inference and plainly scheduled, for batches that fill
// groups and that do not, against the definition in double precision. Tasks of parallel loops run in order and backwards:
// the bits are the same. NaN in an operand is NaN in the result.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "plan_runner.h"

namespace cnnc {
namespace {

constexpr double kTolerance = 3e-6;

bool is_possible(const OpDef& op, const Sample& sample) {
  if (!op.define) return false;
  for (const TensorType& type : sample.operands)
    if (type.element == ElementType::F64) return false;
  return true;
}

std::vector<Array> reference(const OpDef& op, const Sample& sample, const Module& module, const std::vector<Array>& arguments, int64_t images) {
  std::vector<const Array*> operands;
  size_t next = 0;
  for (const TensorType& type : sample.operands) operands.push_back(is_absent(type) ? nullptr : &arguments[next++]);
  return interpret_op(op, module.functions[0].graph.node(0).attributes, operands, images);
}

struct Case {
  std::string target, function;
  bool plain = false;
  uint64_t variation = 0;
};

void check_samples(const OpDef& op, const Case& chosen, const std::vector<int64_t>& batches) {
  for (size_t s = 0; s < op.samples.size(); ++s) {
    const Sample& sample = op.samples[s];
    if (!is_possible(op, sample)) continue;
    SCOPED_TRACE(op.name + " sample " + std::to_string(s) + " " + chosen.target + " " + chosen.function + " " + std::to_string(chosen.variation));
    const Target& target = *find_target(chosen.target);
    const Module module = module_of(op, sample, chosen.function);
    PlanOptions options;
    options.plain = chosen.plain;
    options.variation = chosen.variation;
    const ModulePlan plan = make_plan(module, target, options);
    PlanRunner runner(plan, 0, target);
    for (int64_t images : batches) {
      SCOPED_TRACE("batch " + std::to_string(images));
      const auto arguments = random_arrays(sample.operands, images, static_cast<uint32_t>(s + 1));
      const auto expected = reference(op, sample, module, arguments, images);
      const auto actual = runner.run(arguments, images);
      const auto backwards = runner.run(arguments, images, {.tasks_backwards = true});
      ASSERT_EQ(actual.size(), expected.size());
      for (size_t i = 0; i < actual.size(); ++i) {
        EXPECT_LT(difference(actual[i], expected[i]), kTolerance) << to_string(plan, module);
        EXPECT_EQ(difference(actual[i], backwards[i]), 0);
      }
    }
  }
}

/// Takes over NaN of `expected` where `actual` has a number: a template may leave out what padding multiplies by 0. At least one
/// must have come through.
void forgive_padding(const Array& actual, Array& expected) {
  bool shows = false;
  for (double value : actual.values) shows = shows || std::isnan(value);
  for (size_t i = 0; shows && i < actual.values.size(); ++i)
    if (std::isnan(expected.values[i])) expected.values[i] = actual.values[i];
}

/// A NaN in each float operand in turn reaches the result where the definition says so.
void check_nan(const OpDef& op, const Case& chosen) {
  const Target& target = *find_target(chosen.target);
  for (const Sample& sample : op.samples) {
    if (!is_possible(op, sample)) continue;
    const Module module = module_of(op, sample, chosen.function);
    const ModulePlan plan = make_plan(module, target, {});
    PlanRunner runner(plan, 0, target);
    const int64_t images = 5;
    auto arguments = random_arrays(sample.operands, images, 7);
    for (Array& array : arguments) {
      if (array.type.element != ElementType::F32 || array.values.empty()) continue;
      const double before = array.values[array.values.size() / 2];
      array.values[array.values.size() / 2] = std::nan("");
      auto expected = reference(op, sample, module, arguments, images);
      const auto actual = runner.run(arguments, images);
      if (op.name == "conv_grad_input") forgive_padding(actual[0], expected[0]);
      for (size_t i = 0; i < actual.size(); ++i)
        EXPECT_LT(difference(actual[i], expected[i]), kTolerance) << op.name << " " << chosen.function << " with NaN";
      array.values[array.values.size() / 2] = before;
    }
    break;   // the first sample of each op
  }
}

std::string host_name() { return std::string(host_target().name); }

class Samples : public testing::TestWithParam<std::string> {};

TEST_P(Samples, AgreeWithDefinition) {
  const OpDef& op = get_op(GetParam());
  check_samples(op, {host_name(), "t.gradients"}, {1, 5, 16, 33});
  check_samples(op, {host_name(), "infer"}, {1, 5});
}

/// Whether a template other than `elementwise` is made for the op.
bool has_template(const OpDef& op) {
  return std::ranges::any_of(std::array{"conv", "dense", "reduce", "maxpool", "avgpool"}, [&](const char* name) { return op.name.starts_with(name); });
}

TEST_P(Samples, AgreeWithDefinitionOnAvx2) {
  const OpDef& op = get_op(GetParam());
  if (!has_template(op)) GTEST_SKIP();
  if (!runs_here(*find_target("avx2"))) GTEST_SKIP();
  check_samples(op, {"avx2", "t.gradients"}, {1, 9});
}

TEST_P(Samples, PlainAgrees) { check_samples(get_op(GetParam()), {"generic", "infer", true}, {3}); }

/// Templates and parameters drawn from what is legal, also on the other target.
TEST_P(Samples, OtherLegalSchedulesAgree) {
  const OpDef& op = get_op(GetParam());
  if (!has_template(op)) GTEST_SKIP();
  const std::string other = runs_here(*find_target("avx2")) ? "avx2" : host_name();
  check_samples(op, {host_name(), "t.gradients", false, 1}, {5, 33});
  check_samples(op, {other, "t.gradients", false, 2}, {9});
  check_samples(op, {host_name(), "infer", false, 3}, {2});
  check_samples(op, {other, "infer", false, 4}, {2});
}

TEST_P(Samples, NanShows) {
  check_nan(get_op(GetParam()), {host_name(), "t.gradients"});
  check_nan(get_op(GetParam()), {host_name(), "infer"});
}

std::vector<std::string> op_names() {
  std::vector<std::string> names;
  for (const OpDef& op : all_ops())
    if (op.define && !op.samples.empty()) names.push_back(op.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Ops, Samples, testing::ValuesIn(op_names()), [](const auto& info) { return info.param; });

}  // namespace
}  // namespace cnnc
