// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Whole functions: fusion, layouts and memory together. Random networks of convolutions, pools, dense layers, reductions and
// elementwise ops on random earlier values, as scheduled for training and for inference, against the interpreter.
#include <gtest/gtest.h>

#include <random>

#include "ir/builder.h"
#include "plan_runner.h"

namespace cnnc {
namespace {

class NetworkMaker {
 public:
  NetworkMaker(uint32_t seed, const std::string& name) : random_(seed), wide_(seed % 2 == 1), build_(function_.graph) {
    function_.name = name;
    module_.network = "random";
    values_ = {input("x", {3, 10, 10}), input("z", {3, 10, 10})};
  }

  Module make() {
    for (int i = 0; i < 14; ++i) add_node();
    const size_t count = values_.size();
    for (size_t i = 0; i < 3; ++i) function_.results.push_back({"y" + std::to_string(i), Role::Output, values_[count - 1 - i]});
    const ValueId total = build_.sum(values_.back(), all_axes(values_.back()), true);
    module_.parameters.push_back({"total", Role::Weight, build_.type(total), {}, "weight", {}});
    function_.results.push_back({"total", Role::Gradient, total});
    module_.functions.push_back(function_);
    return module_;
  }

 private:
  size_t pick(size_t count) { return std::uniform_int_distribution<size_t>(0, count - 1)(random_); }
  /// Mostly a late value, so that chains grow.
  ValueId pick_value() { return values_[pick(3) == 0 ? pick(values_.size()) : values_.size() - 1 - pick(std::min<size_t>(3, values_.size()))]; }

  Dims all_axes(ValueId value) const {
    Dims axes(build_.type(value).dims.size());
    for (size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<int64_t>(i);
    return axes;
  }
  ValueId input(const std::string& name, Dims dims) {
    const ValueId value = function_.graph.add_argument({ElementType::F32, true, std::move(dims)});
    function_.arguments.push_back({name, Role::Input, value});
    return value;
  }
  ValueId weight(Dims dims) {
    const std::string name = "w" + std::to_string(module_.parameters.size());
    const TensorType type{ElementType::F32, false, std::move(dims)};
    module_.parameters.push_back({name, Role::Weight, type, {}, "weight", {}});
    const ValueId value = function_.graph.add_argument(type);
    function_.arguments.push_back({name, Role::Weight, value});
    return value;
  }

  void add_node() {
    const ValueId a = pick_value(), b = pick_value();
    const Dims dims = build_.type(a).dims;
    const bool is_map = dims.size() == 3;
    switch (pick(10)) {
      case 0: values_.push_back(build_.map("max(x0, 0)", {a})); break;
      case 1: values_.push_back(build_.map("tanh(x0)", {a})); break;
      case 2:
        if (broadcast(dims, build_.type(b).dims)) values_.push_back(build_.map("0.5 * x0 + x1 / 3", {a, b}));
        break;
      case 3:
      case 4:
        if (is_map && dims[1] >= 3 && dims[2] >= 3) {
          // Every other network has enough channels for blocks of them.
          const auto filters = static_cast<int64_t>(!wide_ ? 1 + pick(6) : pick(2) == 0 ? 10 + pick(30) : 16);
          const int64_t pad = static_cast<int64_t>(pick(2));
          values_.push_back(build_.map("x0 * 0.2", {build_.add("conv", {a, weight({filters, dims[0], 3, 3}), weight({filters})},
                                                               {{"pad", Dims{pad, pad, pad, pad}}})}));
        }
        break;
      case 5:
        if (is_map && dims[1] >= 2 && dims[2] >= 2) values_.push_back(build_.add("maxpool", {a}));
        break;
      case 6:
        if (is_map) values_.push_back(build_.map("x0 * 0.1", {build_.sum(a, {1, 2}, false)}));
        break;
      case 7:
        if (is_map && dims.size() == build_.type(b).dims.size() && std::equal(dims.begin() + 1, dims.end(), build_.type(b).dims.begin() + 1))
          values_.push_back(build_.add("concat", {a, b}, {{"axis", int64_t{0}}}));
        break;
      case 8: {
        const int64_t count = element_count(dims);
        const ValueId flat = build_.reshape(a, {count});
        values_.push_back(build_.map("x0 / 5", {build_.add("dense", {flat, weight({7, count})})}));
        break;
      }
      case 9:
        if (dims[0] >= 2) values_.push_back(build_.add("slice", {a}, {{"axis", int64_t{0}}, {"begin", dims[0] >= 32 ? int64_t{16} : int64_t{1}}, {"end", dims[0]}}));
        break;
    }
  }

  std::mt19937 random_;
  const bool wide_;
  Module module_;
  Function function_;
  GraphBuilder build_;
  std::vector<ValueId> values_;
};

class Networks : public testing::TestWithParam<uint32_t> {};

/// The module's only function, for a single image and for groups of which the last is not full.
void compare_with_interpreter(const Module& module, const PlanOptions& options, uint32_t seed) {
  const Target& target = host_target();
  const ModulePlan plan = make_plan(module, target, options);
  PlanRunner runner(plan, 0, target);
  for (int64_t images : {1, 18}) {
    std::vector<TensorType> types;
    for (const Port& port : module.functions[0].arguments) types.push_back(module.functions[0].graph.type(port.value));
    const auto arguments = random_arrays(types, images, seed);
    const auto expected = interpret(module.functions[0], arguments, images);
    const auto actual = runner.run(arguments, images);
    const auto backwards = runner.run(arguments, images, {.tasks_backwards = true});
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < actual.size(); ++i) {
      EXPECT_LT(difference(actual[i], expected[i]), 5e-5) << "result " << i << ", batch " << images << "\n" << to_string(plan, module);
      EXPECT_EQ(difference(actual[i], backwards[i]), 0);
    }
  }
}

void check(uint32_t seed, const PlanOptions& options) {
  for (const char* name : {"t.gradients", "infer"}) compare_with_interpreter(NetworkMaker(seed, name).make(), options, seed);
}

TEST_P(Networks, AgreeWithTheInterpreter) { check(GetParam(), {}); }

class OtherSchedules : public testing::TestWithParam<uint32_t> {};

TEST_P(OtherSchedules, AgreeWithTheInterpreter) { check(GetParam(), {.train_batch = {}, .variation = GetParam() + 1}); }

/// Sums of a value that is the same in the whole domain, so that no loop variable occurs in their terms.
TEST(Reductions, CountEveryTermOfABroadcastValue) {
  for (const bool plain : {false, true}) {
    Module module;
    module.network = "constant_sums";
    Function function;
    function.name = "t.gradients";
    GraphBuilder build(function.graph);
    const ValueId x = function.graph.add_argument({ElementType::F32, true, {3, 1, 1}});
    function.arguments.push_back({"x", Role::Input, x});
    const auto spread = [&](ValueId value, Dims dims) {
      return build.add("broadcast", {value}, {{"dims", std::move(dims)}, {"batched", true}});
    };
    const ValueId of_pixels = build.sum(spread(x, {3, 5, 7}), {1, 2}, false);
    const ValueId again = build.sum(spread(of_pixels, {3, 4, 9}), {1, 2}, false);
    const ValueId of_batch = build.sum(spread(again, {3, 5, 5}), {0, 1, 2}, true);
    const ValueId images = build.sum(spread(of_batch, {1, 1, 1}), {0, 1, 2}, true);
    function.results = {{"y", Role::Output, of_pixels}, {"z", Role::Output, again}};
    for (const auto& [name, value] : {std::pair{"a", of_batch}, std::pair{"b", images}}) {
      module.parameters.push_back({name, Role::Weight, build.type(value), {}, "weight", {}});
      function.results.push_back({name, Role::Gradient, value});
    }
    module.functions.push_back(function);
    PlanOptions options;
    options.plain = plain;
    compare_with_interpreter(module, options, 1);
  }
}

/// Momentum over flat buffers, new values in the memory of the old ones, as the runtime calls it.
TEST(Update, WorksInPlace) {
  Module module;
  module.network = "flat";
  Function function;
  function.name = "t.update";
  GraphBuilder build(function.graph);
  std::vector<ValueId> values;
  const Role roles[] = {Role::Weight, Role::Gradient, Role::Moment};
  for (int i = 0; i < 3; ++i) {
    values.push_back(function.graph.add_argument({ElementType::F32, true, {}}));
    function.arguments.push_back({"a" + std::to_string(i), roles[i], values.back()});
  }
  const ValueId velocity = build.map("0.5 * x0 + x1", {values[2], values[1]});
  function.results.push_back({"a0", Role::Weight, build.map("x0 - 0.25 * x1", {values[0], velocity})});
  function.results.push_back({"a2", Role::Moment, velocity});
  module.functions.push_back(function);
  const ModulePlan plan = make_plan(module, host_target(), {});
  ASSERT_EQ(plan.functions[0].kernels.size(), 1u);
  PlanRunner runner(plan, 0, host_target());
  const int64_t elements = 40000 / 16 * 16 + 16;
  const auto arguments = random_arrays(std::vector<TensorType>(3, {ElementType::F32, true, {}}), elements, 1);
  const auto expected = interpret(function, arguments, elements);
  const auto actual = runner.run(arguments, elements, {.results_over = {{3, 0}, {4, 2}}});
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_LT(difference(actual[i], expected[i]), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Random, Networks, testing::Range(uint32_t{0}, uint32_t{12}));
INSTANTIATE_TEST_SUITE_P(Random, OtherSchedules, testing::Range(uint32_t{0}, uint32_t{4}));

}  // namespace
}  // namespace cnnc
