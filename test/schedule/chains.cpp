// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which kernels run for a few images at a time: where maps are large, never for one image, and so that every address is aligned.
#include <gtest/gtest.h>

#include <algorithm>

#include "networks.h"
#include "schedule/plan.h"

namespace cnnc::test {
namespace {

/// Pools 3x3 one after another.
Module row_of_pools(int64_t size, int64_t channels) {
  FunctionMaker maker("infer");
  ValueId value = maker.input("x", {channels, size, size});
  for (int i = 0; i < 4; ++i) value = maker.build.add("maxpool", {value}, {{"kernel", Dims{3, 3}}, {"stride", Dims{1, 1}}, {"pad", Dims{1, 1, 1, 1}}});
  maker.result(value);
  maker.module.functions.push_back(maker.function);
  return maker.module;
}

FunctionPlan plan_of(const Module& module, const PlanOptions& options) { return make_plan(module, *find_target("avx512"), options).functions[0]; }

TEST(Chains, KeepLargeMapsInCaches) {
  const Module module = row_of_pools(28, 32);
  const FunctionPlan plan = plan_of(module, {.infer_batch = 64, .train_batch = {}});
  ASSERT_EQ(plan.chains.size(), 1);
  EXPECT_GE(plan.chains[0].end - plan.chains[0].first, 4);
  EXPECT_LE(plan.chains[0].images, 4);
  // What only the chain reads takes memory for its images, not for the batch.
  EXPECT_GT(plan.chains[0].slot_bytes, 0);
  EXPECT_LE(plan.chains[0].slot_bytes, 2 * plan.chains[0].images * 32 * 28 * 28 * 4);
  EXPECT_EQ(plan.chains[0].slots, 16);
  EXPECT_EQ(plan.workspace_fixed, kTakenSlotsBytes + 16 * plan.chains[0].slot_bytes);
  EXPECT_EQ(plan.workspace_per_group, 0);
}

TEST(Chains, AreNotForOneImageNorForSmallMaps) {
  EXPECT_TRUE(plan_of(row_of_pools(28, 32), {.infer_batch = 1, .train_batch = {}}).chains.empty());
  EXPECT_TRUE(plan_of(row_of_pools(4, 32), {.infer_batch = 16, .train_batch = {}}).chains.empty());
}

/// Values that lie in memory for the whole batch are read and written from every chain's first image on.
void check_alignment(const FunctionPlan& plan, const std::string& about) {
  constexpr int64_t kAlignment = 64;
  for (const Chain& chain : plan.chains)
    for (size_t k = chain.first; k < chain.end; ++k) {
      const Kernel& kernel = plan.kernels[k];
      for (const auto* values : {&kernel.reads, &kernel.writes})
        for (ValueId value : *values) {
          const auto index = static_cast<size_t>(value.index);
          const TensorType& type = plan.function->graph.type(value);
          const bool is_whole = plan.places[index].kind == Place::Column || plan.places[index].kind == Place::PerGroup;
          EXPECT_TRUE(!type.batched || !is_whole || step_bytes(type, plan.layouts[index]) * chain.images % kAlignment == 0) << about;
        }
    }
}

TEST(Chains, BeginAtAlignedAddresses) {
  size_t chains = 0;
  for (const PlannedNetwork& network : planned_networks())
    for (uint64_t variation = 0; variation < 8; ++variation) {
      const Module module = make_module(network);
      for (const FunctionPlan& plan : make_plan(module, *find_target("avx2"), {.infer_batch = 32, .train_batch = {}, .variation = variation}).functions) {
        check_alignment(plan, network.name);
        chains += plan.chains.size();
      }
    }
  EXPECT_GT(chains, 10);
}

TEST(Chains, LeaveWhatReadsTheWholeBatch) {
  FunctionMaker maker("infer");
  const ValueId x = maker.input("x", {32, 28, 28});
  const ValueId mean = maker.build.map("x0 * 0.5", {maker.build.sum(x, {0, 1, 2}, true)});
  maker.weight("mean", {});
  maker.gradient("mean", mean);
  maker.result(maker.build.map("exp(x0)", {x}));
  maker.module.functions.push_back(maker.function);
  for (uint64_t variation = 0; variation < 20; ++variation) {
    const FunctionPlan plan = plan_of(maker.module, {.infer_batch = 64, .train_batch = {}, .variation = variation});
    for (const Chain& chain : plan.chains)
      for (size_t k = chain.first; k < chain.end; ++k)
        for (ValueId value : plan.kernels[k].writes) EXPECT_TRUE(plan.function->graph.type(value).batched);
  }
}

}  // namespace
}  // namespace cnnc::test
