// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The generators: a growing list of values, from which each new node takes its operands.
#include "random_graphs.h"

#include <fmt/format.h>

#include "ir/builder.h"

namespace cnnc::test {
namespace {

size_t below(std::mt19937& random, size_t count) { return random() % count; }

template <class T, size_t count>
T one_of(std::mt19937& random, const T (&choices)[count]) {
  return choices[below(random, count)];
}

ScalarExpression random_leaf(std::mt19937& random, int arguments) {
  constexpr double kNumbers[] = {0, 1, -1, 2, 0.5, -0.25, 3, 1e-3};
  if (arguments > 0 && below(random, 3) > 0) return ScalarExpression::argument(static_cast<int>(below(random, static_cast<size_t>(arguments))));
  return ScalarExpression::constant(one_of(random, kNumbers));
}

/// Builds the function value by value.
class ModuleMaker {
 public:
  explicit ModuleMaker(uint32_t seed) : random_(seed), build_(function_.graph) { function_.name = "infer"; }

  Module make() {
    channels_ = 1 + static_cast<int64_t>(below(random_, 3));
    argument("image", Role::Input, {ElementType::F64, true, {channels_, 4, 3}});
    images_.push_back(function_.arguments[0].value);
    const size_t steps = 3 + below(random_, 6);
    for (size_t i = 0; i < steps; ++i) {
      build_.set_origin(fmt::format("block.layer{}", i), {});
      images_.push_back(next_image());
    }
    function_.results.push_back({"map", Role::Output, images_.back()});
    function_.results.push_back({"score", Role::Output, head(images_[below(random_, images_.size())])});
    module_.network = "sample";
    module_.inputs.push_back({"image", Role::Input, function_.graph.type(function_.arguments[0].value)});
    module_.functions.push_back(std::move(function_));
    return std::move(module_);
  }

 private:
  ValueId argument(const std::string& name, Role role, TensorType type) {
    const ValueId value = function_.graph.add_argument(type);
    function_.arguments.push_back({name, role, value});
    if (role != Role::Input) module_.parameters.push_back({name, role, std::move(type), {}, "weight", {}});
    return value;
  }
  ValueId parameter(Dims dims, Role role = Role::Weight) {
    const std::string name = fmt::format("p{}{}", module_.parameters.size(), role == Role::State ? ".var" : "");
    return argument(name, role, {ElementType::F64, false, std::move(dims)});
  }

  ValueId some_image() { return images_[below(random_, images_.size())]; }
  const Dims& dims(ValueId value) { return build_.type(value).dims; }

  ValueId conv(ValueId x) {
    const int64_t filters = 1 + static_cast<int64_t>(below(random_, 3));
    std::vector<ValueId> operands{x, parameter({filters, dims(x)[0], 3, 3})};
    if (below(random_, 2) == 0) operands.push_back(parameter({filters}));
    return build_.add("conv", operands, {{"pad", Dims{1, 1, 1, 1}}});
  }
  ValueId batchnorm(ValueId x) {
    const Dims each{dims(x)[0]};
    return build_.add("batchnorm", {x, parameter(each), parameter(each), parameter(each, Role::State), parameter(each, Role::State)});
  }
  /// All images have the same height and width, so that any two can be combined after their channels are.
  ValueId with_channels(ValueId x, int64_t channels) {
    return build_.add("conv", {x, parameter({channels, dims(x)[0], 1, 1})});
  }
  ValueId sum_of_two() {
    const ValueId a = some_image(), b = some_image();
    const ValueId right = dims(a) == dims(b) ? b : with_channels(b, dims(a)[0]);
    return build_.map(random_tame_expression(random_, 2, 2) + ScalarExpression::argument(0) * ScalarExpression::argument(1), {a, right});
  }
  ValueId scaled_channels() {
    const ValueId x = some_image();
    const ValueId factor = build_.map("x0 * x1", {parameter({dims(x)[0], 1, 1}), build_.constant(0.75, ElementType::F64)});
    return build_.map("x0 * x1", {x, factor});
  }
  ValueId chain() {
    ValueId x = some_image();
    for (int i = 0; i < 3; ++i) x = build_.map(random_tame_expression(random_, 1, 2) + ScalarExpression::argument(0), {x});
    return x;
  }
  /// The same node twice, a map of numbers alone, and something that nothing uses.
  ValueId repeated() {
    const ValueId x = some_image();
    const ValueId three = build_.map("x0 + x1", {build_.constant(1, ElementType::F64), build_.constant(2, ElementType::F64)});
    const ValueId a = build_.map("tanh(x0)", {x}), b = build_.map("tanh(x0)", {x});
    build_.map("exp(x0)", {x});
    return build_.map("(x0 - x1) * x2 + x0", {a, b, three});
  }
  ValueId pooled() {
    return build_.add(one_of(random_, {"maxpool", "avgpool"}), {some_image()},
                      {{"kernel", Dims{3, 3}}, {"stride", Dims{1, 1}}, {"pad", Dims{1, 1, 1, 1}}});
  }
  ValueId joined() {
    const ValueId both = build_.add("concat", {some_image(), some_image()});
    return build_.add("slice", {both}, {{"begin", int64_t{1}}, {"end", dims(both)[0]}});
  }
  ValueId reduced() {
    const ValueId x = some_image();
    const ValueId sums = build_.sum(x, {1, 2}, false);
    return build_.map("x0 / (1 + x1 * x1)", {x, sums});
  }

  ValueId next_image() {
    switch (below(random_, 10)) {
      case 0: return conv(some_image());
      case 1: return batchnorm(conv(some_image()));
      case 2: return sum_of_two();
      case 3: return scaled_channels();
      case 4: return chain();
      case 5: return repeated();
      case 6: return pooled();
      case 7: return joined();
      case 8: return reduced();
      default: return build_.add("dropout", {batchnorm(some_image())}, {{"stream", int64_t{1}}});
    }
  }

  ValueId head(ValueId x) {
    build_.set_origin("head", {});
    const ValueId flat = build_.reshape(x, {element_count(dims(x))});
    const ValueId y = build_.add("dense", {flat, parameter({4, dims(flat)[0]}), parameter({4})});
    const ValueId normed = below(random_, 2) == 0 ? batchnorm(y) : y;
    return build_.add(one_of(random_, {"softmax", "log_softmax"}), {normed});
  }

  std::mt19937 random_;
  Module module_;
  Function function_;
  GraphBuilder build_;
  std::vector<ValueId> images_;
  int64_t channels_ = 1;
};

}  // namespace

ScalarExpression random_condition(std::mt19937& random, int arguments, int depth) {
  constexpr ScalarOp kComparisons[] = {ScalarOp::Less, ScalarOp::LessEqual, ScalarOp::Equal, ScalarOp::NotEqual};
  const size_t kind = depth > 1 ? below(random, 4) : 0;
  if (kind == 1) return ScalarExpression::apply(ScalarOp::Not, {random_condition(random, arguments, depth - 1)});
  if (kind > 1) {
    const ScalarExpression a = random_condition(random, arguments, depth - 1), b = random_condition(random, arguments, depth - 1);
    return ScalarExpression::apply(kind == 2 ? ScalarOp::And : ScalarOp::Or, {a, b});
  }
  const ScalarExpression a = random_expression(random, arguments, depth - 1), b = random_expression(random, arguments, depth - 1);
  return ScalarExpression::apply(one_of(random, kComparisons), {a, b});
}

ScalarExpression random_expression(std::mt19937& random, int arguments, int depth) {
  if (depth <= 0) return random_leaf(random, arguments);
  // Negate … Cos and Add … Maximum are neighbours in the list of operations.
  const auto between = [&](ScalarOp first, ScalarOp last) {
    const auto count = static_cast<size_t>(last) - static_cast<size_t>(first) + 1;
    return static_cast<ScalarOp>(static_cast<size_t>(first) + below(random, count));
  };
  const size_t kind = below(random, 10);
  const ScalarExpression a = random_expression(random, arguments, depth - 1);
  if (kind < 4) return ScalarExpression::apply(between(ScalarOp::Negate, ScalarOp::Cos), {a});
  const ScalarExpression b = random_expression(random, arguments, depth - 1);
  if (kind < 9) return ScalarExpression::apply(between(ScalarOp::Add, ScalarOp::Maximum), {a, b});
  return ScalarExpression::apply(ScalarOp::Select, {random_condition(random, arguments, depth - 1), a, b});
}

ScalarExpression random_tame_expression(std::mt19937& random, int arguments, int depth) {
  if (depth <= 0) return random_leaf(random, arguments);
  const ScalarExpression a = random_tame_expression(random, arguments, depth - 1);
  if (below(random, 2) == 0) {
    return ScalarExpression::apply(one_of(random, {ScalarOp::Tanh, ScalarOp::Sigmoid, ScalarOp::Erf, ScalarOp::Sin, ScalarOp::Negate}), {a});
  }
  const ScalarExpression b = random_tame_expression(random, arguments, depth - 1);
  return ScalarExpression::apply(one_of(random, {ScalarOp::Add, ScalarOp::Subtract, ScalarOp::Multiply, ScalarOp::Maximum}), {a, b});
}

Module random_module(uint32_t seed) { return ModuleMaker(seed).make(); }

}  // namespace cnnc::test
