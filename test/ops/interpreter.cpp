// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the interpreter takes for a number and what for a whole number: of two whole numbers the quotient is rounded down.
#include "ops/interpreter.h"

#include <gtest/gtest.h>

#include "harness.h"
#include "ir/body.h"

namespace cnnc::test {
namespace {

using Define = Scalar (*)(const OpCall<NoAttributes>&, Body&, int, const Point&);

InferResult infer_number(const OpCall<NoAttributes>& call) { return std::vector{TensorType{ElementType::F64, call.in[0].batched, {}}}; }

/// One number, defined from an operand of this type that holds `value`.
double defined(Define define, ElementType element, double value) {
  const OpDef op = Op<>{.name = "test", .doc = "", .operands = {}, .attributes = {}, .infer = infer_number, .gradient = not_differentiable,
                        .define = define, .samples = {}};
  const Array operand{{element, true, {}}, {value}};
  const std::vector<const Array*> operands = {&operand};
  return interpret_op(op, {}, operands, 1).at(0).values.at(0);
}

TEST(Interpreter, RoundsQuotientsOfWholeNumbersAlone) {
  const Define half = [](const OpCall<NoAttributes>&, Body& body, int, const Point& point) { return body.at(0, point) / body.integer(2); };
  EXPECT_EQ(defined(half, ElementType::I32, 7), 3);
  EXPECT_EQ(defined(half, ElementType::I32, -7), -4);
  EXPECT_EQ(defined(half, ElementType::F32, 7), 3.5);
  EXPECT_EQ(defined(half, ElementType::F64, 7), 3.5);
}

TEST(Interpreter, ChoosesWholeNumbersByAComparisonOfNumbers) {
  const Define half = [](const OpCall<NoAttributes>&, Body& body, int, const Point& point) {
    return select(less(body.at(0, point), body.number(1)), body.integer(3), body.integer(5)) / body.integer(2);
  };
  EXPECT_EQ(defined(half, ElementType::F32, 0), 1);
  EXPECT_EQ(defined(half, ElementType::F32, 2), 2);
  const Define half_number = [](const OpCall<NoAttributes>&, Body& body, int, const Point& point) {
    return select(less(body.at(0, point), body.number(1)), body.number(3), body.number(5)) / body.integer(2);
  };
  EXPECT_EQ(defined(half_number, ElementType::F32, 0), 1.5);
}

TEST(Interpreter, ARandomNumberIsNoWholeNumber) {
  const Define half = [](const OpCall<NoAttributes>&, Body& body, int, const Point& point) {
    return body.random(std::vector{body.at(0, point)}) / body.integer(2);
  };
  const double drawn = defined(half, ElementType::I32, 1);
  EXPECT_GT(drawn, 0);
  EXPECT_LT(drawn, 0.5);
}

TEST(Interpreter, KnowsWhichOperandsThereAre) {
  const Define operands = [](const OpCall<NoAttributes>&, Body& body, int, const Point&) {
    return body.number((body.has_operand(0) ? 1 : 0) + (body.has_operand(1) ? 2 : 0));
  };
  EXPECT_EQ(defined(operands, ElementType::F32, 0), 1);
}

}  // namespace
}  // namespace cnnc::test
