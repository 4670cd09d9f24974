// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Plans of random functions, in short: which ops form a kernel, in which layout it writes, and the workspace. Fusion may change
// on purpose; Inputs/random_plans.txt shows what else changes with it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "networks.h"
#include "schedule/plan.h"
#include "test/golden.h"

namespace cnnc::test {
namespace {

/// Random ops on random earlier values, mostly late ones: maps of all kinds, windows, reductions, shapes, constants.
class RandomFunction {
 public:
  RandomFunction(FunctionMaker& maker, uint32_t seed) : m_(maker), random_(seed) {
    const auto channels = static_cast<int64_t>(seed % 3 == 0 ? 16 : 3 + seed % 5);
    values_ = {m_.input("x", {channels, 8, 10}), m_.input("z", {channels, 8, 10}), m_.weight("w", {channels, 1, 1})};
  }

  void make() {
    for (int i = 0; i < 18; ++i) add_node();
    for (size_t i = 0; i < 3; ++i) {
      const ValueId value = values_[values_.size() - 1 - i];
      if (m_.build.type(value).batched) m_.result(value);
    }
    m_.result(values_[0]);
  }

 private:
  size_t pick(size_t count) { return static_cast<size_t>(random_() % count); }
  ValueId pick_value() { return values_[pick(3) == 0 ? pick(values_.size()) : values_.size() - 1 - pick(std::min<size_t>(4, values_.size()))]; }
  ValueId weight(Dims dims) { return m_.weight(fmt::format("w{}", weights_++), std::move(dims)); }

  void add_node() {
    const ValueId a = pick_value(), b = pick_value();
    const TensorType type = m_.build.type(a), other = m_.build.type(b);
    const bool is_image = type.dims.size() == 3 && type.batched && type.dims[1] >= 3 && type.dims[2] >= 3;
    const bool fits = broadcast(type.dims, other.dims).has_value();
    GraphBuilder& build = m_.build;
    switch (pick(16)) {
      case 0: values_.push_back(build.map("max(x0, 0)", {a})); break;
      case 1: values_.push_back(build.map("tanh(x0)", {a})); break;
      case 2:
      case 3:
        if (fits) values_.push_back(build.map("x0 * 0.5 + x1", {a, b}));
        break;
      case 4:
        if (fits) values_.push_back(build.map("exp(x0) / (1 + x1 * x1)", {a, b}));
        break;
      case 5:
        if (fits) values_.push_back(build.map("x0 * x1 + x2", {a, b, a}));
        break;
      case 6:
      case 7:
        if (is_image) {
          const int64_t pad = static_cast<int64_t>(pick(2)), stride = 1 + static_cast<int64_t>(pick(2));
          const int64_t filters = pick(2) == 0 ? 16 : static_cast<int64_t>(1 + pick(40));
          values_.push_back(build.add("conv", {a, weight({filters, type.dims[0], 3, 3}), pick(2) == 0 ? ValueId{} : weight({filters})},
                                      {{"pad", Dims{pad, 0, pad, pad}}, {"stride", Dims{stride, 1}}}));
        }
        break;
      case 8:
        if (is_image) values_.push_back(build.add("conv", {a, weight({type.dims[0], 1, 3, 3})}, {{"groups", type.dims[0]}, {"pad", Dims{1, 1, 1, 1}}}));
        break;
      case 9:
        if (is_image) values_.push_back(build.add(pick(2) == 0 ? "maxpool" : "avgpool", {a}));
        break;
      case 10:
        if (type.dims.size() == 3) values_.push_back(build.sum(a, pick(2) == 0 ? Dims{1, 2} : Dims{0}, false));
        break;
      case 11: values_.push_back(build.reshape(a, {element_count(type.dims)})); break;
      case 12:
        if (type.dims.size() == 1 && type.batched) values_.push_back(build.add("dense", {a, weight({12, type.dims[0]})}));
        break;
      case 13:
        if (type.dims.size() == 3 && type == other) values_.push_back(build.add("concat", {a, b}, {{"axis", int64_t{0}}}));
        break;
      case 14: values_.push_back(build.map("x0 - x1", {a, build.constant(3, ElementType::F32)})); break;
      case 15:
        if (type.dims.size() == 3 && element_count(type.dims) == type.dims[0])
          values_.push_back(build.add("broadcast", {a}, {{"dims", Dims{type.dims[0], 4, 5}}, {"batched", true}}));
        break;
    }
  }

  FunctionMaker& m_;
  std::mt19937 random_;
  std::vector<ValueId> values_;
  int weights_ = 0;
};

std::string plan_text(const FunctionPlan& plan) {
  std::string text;
  for (const Kernel& kernel : plan.kernels) {
    text += "  ";
    for (const int32_t node : kernel.nodes) text += plan.function->graph.node(node).op->name + " ";
    text += ">";
    for (const ValueId value : kernel.writes) text += " " + to_string(plan.layouts[static_cast<size_t>(value.index)]);
    text += "\n";
  }
  return text + fmt::format("  workspace {} + {} a group of {}\n", plan.workspace_fixed, plan.workspace_per_group, plan.group);
}

TEST(RandomPlans, AreAsWritten) {
  std::string text;
  for (uint32_t seed = 1; seed <= 48; ++seed)
    for (const char* name : {"infer", "t.gradients"}) {
      FunctionMaker maker(name);
      RandomFunction(maker, seed).make();
      maker.module.functions.push_back(std::move(maker.function));
      const ModulePlan plan = make_plan(maker.module, *find_target(seed % 2 == 0 ? "avx512" : "avx2"), {});
      text += fmt::format("\n---- seed {}, {}\n{}", seed, name, plan_text(plan.functions[0]));
    }
  expect_as_in_file(RANDOM_PLANS, text);
}

}  // namespace
}  // namespace cnnc::test
