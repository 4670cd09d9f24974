// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Chosen schedules are legal for every sample of every op on every target; tiles of convolutions fit the registers; fusion
// joins what it may, and equal kernels have equal signatures.
#include <gtest/gtest.h>

#include "ir/builder.h"
#include "schedule/templates.h"

namespace cnnc {
namespace {

struct Network {
  Module module;
  Function function;
  GraphBuilder build{function.graph};

  explicit Network(std::string name) { function.name = std::move(name); }
  ValueId input(const std::string& name, Dims dims) {
    const ValueId value = function.graph.add_argument({ElementType::F32, true, std::move(dims)});
    function.arguments.push_back({name, Role::Input, value});
    return value;
  }
  ValueId weight(const std::string& name, Dims dims) {
    const TensorType type{ElementType::F32, false, std::move(dims)};
    const ValueId value = function.graph.add_argument(type);
    function.arguments.push_back({name, Role::Weight, value});
    module.parameters.push_back({name, Role::Weight, type, {}, "weight", {}});
    return value;
  }
  ModulePlan plan(ValueId result, const Target& target = *find_target("avx512"), const PlanOptions& options = {}) {
    function.results.push_back({"y", Role::Output, result});
    module.functions.push_back(function);
    return make_plan(module, target, options);
  }
};

TEST(Schedules, AreLegalOnEveryTarget) {
  for (const Target& target : all_targets())
    for (int64_t size : {1, 7, 8, 28, 33})
      for (int64_t channels : {1, 3, 16, 64})
        for (const char* name : {"t.gradients", "infer"}) {
          Network network(name);
          const ValueId x = network.input("x", {channels, size, size}), w = network.weight("w", {channels, channels, 3, 3});
          const ModulePlan plan = network.plan(network.build.add("conv", {x, w}, {{"pad", Dims{1, 1, 1, 1}}}), target);
          for (const Kernel& kernel : plan.functions[0].kernels) {
            const auto complaint = check_schedule(kernel.schedule);
            EXPECT_FALSE(complaint.has_value()) << *complaint;
            if (!kernel.schedule.name.starts_with("conv.")) continue;
            const auto& p = kernel.schedule.parameters;
            EXPECT_LE(tile_registers(p.at("columns"), p.at("filters")), target.vector_registers) << to_string(kernel.schedule);
          }
        }
}

TEST(Schedules, IllegalOnesAreNamed) {
  EXPECT_EQ(check_schedule({"conv.magic", {}}), "there is no template `conv.magic`");
  EXPECT_EQ(check_schedule({"reduce.lanes", {}}), "`reduce.lanes` needs a parameter `partial`");
  EXPECT_EQ(check_schedule({"reduce.lanes", {{"partial", 99}}}), "`partial` of `reduce.lanes` is 99, it may be 1 to 16");
  EXPECT_EQ(check_schedule({"reduce.lanes", {{"partial", 1}, {"speed", 2}}}), "`reduce.lanes` has a parameter that the template lacks");
}

TEST(Fusion, AnActivationJoinsItsConvolution) {
  Network network("infer");
  const ValueId x = network.input("x", {3, 8, 8}), w = network.weight("w", {4, 3, 3, 3}), other = network.input("z", {4, 6, 6});
  const ValueId y = network.build.add("conv", {x, w});
  const ModulePlan plan = network.plan(network.build.map("tanh(x0 + x1)", {y, other}));
  ASSERT_EQ(plan.functions[0].kernels.size(), 1u);
  EXPECT_EQ(plan.functions[0].kernels[0].writes.size(), 1u);
}

TEST(Fusion, WhatComesLaterIsNotReadEarlier) {
  // The second convolution's result is an operand of the first one's epilogue: the epilogue joins the second.
  Network network("infer");
  const ValueId x = network.input("x", {3, 8, 8}), a = network.weight("a", {4, 3, 3, 3}), b = network.weight("b", {4, 3, 3, 3});
  const ValueId first = network.build.add("conv", {x, a}), second = network.build.add("conv", {x, b});
  const ModulePlan plan = network.plan(network.build.map("tanh(x0) * x1", {first, second}));
  ASSERT_EQ(plan.functions[0].kernels.size(), 2u);
  EXPECT_EQ(plan.functions[0].kernels[1].nodes.size(), 2u);
}

TEST(Fusion, PlainKeepsEveryNodeApart) {
  Network network("infer");
  const ValueId x = network.input("x", {3, 8, 8});
  PlanOptions options;
  options.plain = true;
  const ValueId y = network.build.map("tanh(x0)", {network.build.map("exp(x0)", {x})});
  const ModulePlan plan = network.plan(y, *find_target("avx2"), options);
  EXPECT_EQ(plan.functions[0].kernels.size(), 2u);
}

TEST(Signatures, EqualKernelsAreEqual) {
  Network network("infer");
  const ValueId x = network.input("x", {4, 8, 8}), a = network.weight("a", {4, 4, 1, 1}), b = network.weight("b", {4, 4, 1, 1});
  const ValueId c = network.weight("c", {4, 4, 3, 3});
  const ValueId first = network.build.add("conv", {x, a}), second = network.build.add("conv", {first, b}), third = network.build.add("conv", {second, c});
  const ModulePlan plan = network.plan(third);
  const auto& kernels = plan.functions[0].kernels;
  ASSERT_EQ(kernels.size(), 3u);
  EXPECT_EQ(kernels[0].signature, kernels[1].signature);
  EXPECT_NE(kernels[1].signature, kernels[2].signature);
}

}  // namespace
}  // namespace cnnc
