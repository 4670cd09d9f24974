// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pools in the kernel of the convolution before them: their windows are whole parts of its tiles, of sums in registers or of Winograd's
// algorithm, in prediction and in training, where the place of each winner is stored too.
#include <gtest/gtest.h>

#include <algorithm>

#include "ir/builder.h"
#include "plan_runner.h"

namespace cnnc {
namespace {

struct PooledConvolution {
  int64_t channels, filters, height, width;
  Dims window;
  std::string pool = "maxpool";
};

Module pooled_module(const PooledConvolution& c, const std::string& name) {
  FunctionMaker m(name);
  GraphBuilder& build = m.build;
  const ValueId x = m.input("x", {2, c.height, c.width});
  const ValueId first = build.map("max(x0, 0)", {build.add("conv", {x, m.weight("a", {c.channels, 2, 1, 1}), m.weight("b", {c.channels})})});
  const ValueId second = build.add("conv", {first, m.weight("c", {c.filters, c.channels, 3, 3}), m.weight("d", {c.filters})}, {{"pad", Dims{1, 1, 1, 1}}});
  const auto pooled = build.add_all(c.pool, {build.map("max(x0, 0.1 * x0)", {second})}, {{"kernel", c.window}, {"stride", c.window}});
  m.result("y", build.map("x0 * 0.5", {pooled[0]}));
  if (name != "infer" && pooled.size() > 1) m.result("winner", pooled[1]);
  return m.finish();
}

void check_pool(const PooledConvolution& c, const std::string& name, const char* expected_template, const PlanOptions& options, int64_t images = 3) {
  const Module module = pooled_module(c, name);
  const Function& function = module.functions[0];
  const auto arguments = random_arguments(function, images);
  const auto expected = interpret(function, arguments, images);
  const ModulePlan plan = make_plan(module, host_target(), options);
  const auto& kernels = plan.functions[0].kernels;
  EXPECT_TRUE(options.variation != 0 || std::any_of(kernels.begin(), kernels.end(), [&](const Kernel& kernel) {
    return kernel.pool >= 0 && kernel.schedule.name == expected_template;
  })) << to_string(plan, module);
  PlanRunner runner(plan, 0, host_target());
  const auto actual = runner.run(arguments, images, {.tasks_backwards = true});
  EXPECT_LT(difference(actual[0], expected[0]), 2e-5) << to_string(plan, module);
  const auto together = runner.run(arguments, images);
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_EQ(together[i].values, actual[i].values);
  if (actual.size() > 1) {
    EXPECT_EQ(actual[1].values, expected[1].values) << "places of the winners";
  }
}

void check_pools(const PooledConvolution& c) {
  check_pool(c, "infer", "conv.winograd", {.train_batch = {}});
  check_pool(c, "t.gradients", "conv.lanes_winograd", {.train_batch = {}});
}

TEST(Pools, BehindWinogradsAlgorithm) {
  check_pools({32, 64, 16, 16, {2, 2}});
  check_pools({32, 64, 16, 16, {1, 4}});
}

TEST(Pools, BehindTilesThatReachBeyondTheImage) {
  check_pools({48, 40, 8, 28, {2, 2}, "avgpool"});
  check_pools({64, 32, 10, 6, {2, 2}});
}

TEST(Pools, OfSeveralImagesTogether) {
  for (const int64_t images : {8, 7, 1}) check_pool({64, 48, 4, 4, {2, 2}}, "infer", "conv.winograd", {.infer_batch = 8, .train_batch = {}}, images);
}

TEST(Pools, OfOtherTilesAndBlocks) {
  for (uint64_t variation = 1; variation <= 4; ++variation)
    for (const char* name : {"infer", "t.gradients"}) check_pool({20, 40, 12, 10, {2, 2}}, name, "", {.train_batch = {}, .variation = variation});
}

TEST(Pools, BehindDirectSums) {
  check_pool({32, 64, 16, 16, {2, 2}}, "infer", "conv.direct", {.train_batch = {}, .precise = true});
  check_pool({8, 16, 12, 12, {2, 2}}, "t.gradients", "conv.lanes", {.train_batch = {}, .precise = true});
}

/// A convolution to blocks of channels, the mean of each channel, and a dense layer with an activation behind it. Its weights are packed
/// before, for another layer: elsewhere @prepare does it.
void check_means(int64_t channels, int64_t outputs, int64_t images, const PlanOptions& options) {
  FunctionMaker m("infer");
  GraphBuilder& build = m.build;
  const ValueId x = m.input("x", {3, 9, 7});
  const ValueId w = m.weight("w", {outputs, channels}), other = m.input("z", {channels});
  const ValueId first = build.add("dense", {other, w});
  const ValueId active = build.map("max(x0, 0)", {build.add("conv", {x, m.weight("a", {channels, 3, 3, 3})})});
  const ValueId means = build.map("x0 * 0.0286", {build.sum(active, {1, 2}, false)});
  const ValueId flat = build.reshape(means, {channels});
  m.result("y", build.map("tanh(x0 + x1)", {build.add("dense", {flat, w, m.weight("b", {outputs})}), first}));
  const Module module = m.finish();
  const Function& function = module.functions[0];
  const auto arguments = random_arguments(function, images);
  const ModulePlan plan = make_plan(module, host_target(), options);
  const auto& kernels = plan.functions[0].kernels;
  EXPECT_TRUE(options.variation != 0 || std::any_of(kernels.begin(), kernels.end(), [](const Kernel& kernel) { return kernel.means >= 0; })) << to_string(plan, module);
  PlanRunner runner(plan, 0, host_target());
  const auto actual = runner.run(arguments, images, {.tasks_backwards = true});
  EXPECT_LT(difference(actual[0], interpret(function, arguments, images)[0]), 5e-6) << to_string(plan, module);
  EXPECT_EQ(runner.run(arguments, images)[0].values, actual[0].values);
}

TEST(Means, OfChannelsForADenseLayer) {
  check_means(32, 10, 3, {.train_batch = {}});
  check_means(64, 300, 2, {.train_batch = {}});     // several tasks share an image's means
  check_means(48, 7, 9, {.infer_batch = 8, .train_batch = {}});
  for (uint64_t variation = 1; variation <= 6; ++variation) check_means(32, 20, 3, {.train_batch = {}, .variation = variation});
}

}  // namespace
}  // namespace cnnc
