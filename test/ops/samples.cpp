// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every op of the registry on every one of its samples: the shape rule, the definition (or expansion), and the gradient
// against central differences in double precision. Step 1e-5, relative error below 1e-6, seeds below.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "harness.h"

namespace cnnc::test {
namespace {

constexpr int64_t kImages = 3;
constexpr double kStep = 1e-5, kTolerance = 1e-6;
/// Elements of each operand whose derivative is measured; spread over the whole operand.
constexpr size_t kElements = 48;

class EveryOp : public testing::TestWithParam<const OpDef*> {
 protected:
  const OpDef& op() const { return *GetParam(); }
};

TEST_P(EveryOp, IsCompletelyDescribed) {
  EXPECT_FALSE(op().doc.empty());
  EXPECT_FALSE(op().samples.empty()) << "no sample: nothing would test it";
  EXPECT_NE(static_cast<bool>(op().define), static_cast<bool>(op().expand)) << "an op has a definition or an expansion";
  for (const OperandDef& operand : op().operands) EXPECT_FALSE(operand.doc.empty()) << operand.name;
  for (const AttributeDef& attribute : op().attributes) EXPECT_FALSE(attribute.doc.empty()) << attribute.name;
}

TEST_P(EveryOp, DefinitionHasTheTypesOfTheShapeRuleAndFiniteValues) {
  for (const Sample& sample : op().samples) {
    const Function function = function_of(op(), sample);
    for (const Mode mode : {Mode::Training, Mode::Inference}) {
      const Function primitive = expanded(function, mode);
      for (size_t i = 0; i < function.results.size(); ++i)
        EXPECT_EQ(to_string(primitive.graph.type(primitive.results[i].value)), to_string(function.graph.type(function.results[i].value)));
      for (const Array& result : interpret(primitive, make_arguments(primitive, kImages, 7), kImages))
        for (const double value : result.values) EXPECT_TRUE(std::isfinite(value));
    }
  }
}

double weighted_sum(const Array& result, const Array& factors) {
  double sum = 0;
  for (size_t i = 0; i < result.values.size(); ++i) sum += result.values[i] * factors.values[i];
  return sum;
}

/// The largest difference between the rule's gradient and the measured one, over elements of one argument, relative to the
/// largest gradient (at least 1e-3).
double gradient_error(const Function& forward, std::vector<Array>& arguments, size_t argument, const Array& dy, const Array& gradient) {
  const size_t count = gradient.values.size(), stride = std::max<size_t>(count / kElements, 1);
  double largest = 1e-3, difference = 0;
  for (size_t i = 0; i < count; i += stride) {
    const auto loss_at = [&](double value) {
      arguments[argument].values[i] = value;
      return weighted_sum(interpret(forward, arguments, kImages)[0], dy);
    };
    const double value = arguments[argument].values[i];
    const double measured = (loss_at(value + kStep) - loss_at(value - kStep)) / (2 * kStep);
    arguments[argument].values[i] = value;
    largest = std::max(largest, std::abs(gradient.values[i]));
    difference = std::max(difference, std::abs(measured - gradient.values[i]));
  }
  return difference / largest;
}

class DifferentiableOp : public EveryOp {};

TEST_P(DifferentiableOp, GradientEqualsCentralDifferences) {
  for (size_t s = 0; s < op().samples.size(); ++s) {
    SCOPED_TRACE(fmt::format("sample {}", s));
    const Function function = function_of(op(), op().samples[s]);
    const Function forward = expanded(function, Mode::Training), backward = gradient_of(function);
    std::vector<Array> arguments = make_arguments(function, kImages, 100 + static_cast<uint32_t>(s));
    std::vector<Array> with_dy = arguments;
    const Array dy = make_array(function.graph.type(function.results[0].value), kImages, 55);
    with_dy.push_back(dy);
    const auto gradients = interpret(backward, with_dy, kImages);
    size_t next = 0;
    for (size_t a = 0; a < arguments.size(); ++a) {
      if (arguments[a].type.element == ElementType::I32) continue;
      EXPECT_LT(gradient_error(forward, arguments, a, dy, gradients.at(next)), kTolerance) << function.arguments[a].name;
      ++next;
    }
  }
}

std::vector<const OpDef*> registry() {
  std::vector<const OpDef*> ops;
  for (const OpDef& op : all_ops()) ops.push_back(&op);
  return ops;
}

/// Ops with a rule, and those that are differentiated through their expansion; `correct` counts, which has no derivative.
std::vector<const OpDef*> differentiable() {
  std::vector<const OpDef*> ops;
  for (const OpDef& op : all_ops())
    if (op.gradient || (op.expand && op.name != "correct")) ops.push_back(&op);
  return ops;
}

std::string name_of(const testing::TestParamInfo<const OpDef*>& info) { return info.param->name; }

INSTANTIATE_TEST_SUITE_P(Registry, EveryOp, testing::ValuesIn(registry()), name_of);
INSTANTIATE_TEST_SUITE_P(Registry, DifferentiableOp, testing::ValuesIn(differentiable()), name_of);

}  // namespace
}  // namespace cnnc::test
