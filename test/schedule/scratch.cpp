// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scratch on the stack: what fills the bound to the last byte is legal, one channel more is refused with its size.
#include <gtest/gtest.h>

#include <algorithm>

#include "networks.h"
#include "schedule/legal.h"

namespace cnnc::test {
namespace {

/// Why the kernel of `op` in this function cannot have the schedule, on avx512 in f32: a vector has 16 numbers, 64 bytes.
std::string complaint_about(FunctionMaker& maker, std::string_view op, const Schedule& schedule) {
  maker.module.functions.push_back(std::move(maker.function));
  const PlanOptions options{.train_batch = {}, .precise = true};
  const PlanContext context{maker.module, *find_target("avx512"), options, flat_layout(maker.module), {}};
  const Draft draft = make_draft(maker.module, context);
  const auto is_about = [&](const Kernel& kernel) { return kernel.anchor >= 0 && draft.function->graph.node(kernel.anchor).op->name == op; };
  const auto kernel = std::find_if(draft.kernels.begin(), draft.kernels.end(), is_about);
  if (kernel == draft.kernels.end()) return "no kernel";
  return LegalSchedules(draft, context).complaint(*kernel, schedule).value_or("legal");
}

std::string refusal(const Schedule& schedule, int kilobytes, int most) {
  return "`" + to_string(schedule) + "` cannot be used: its scratch would be " + std::to_string(kilobytes) + " KB, at most " + std::to_string(most) + " KB fit the stack";
}

const AttributeMap kSame = {{"pad", Dims{1, 1, 1, 1}}};

TEST(Scratch, HoldsABandOfImagesInLanes) {
  const Schedule schedule{"conv.lanes", {{"columns", 1}, {"filters", 1}, {"lines", 1}, {"rows", 10}, {"border", 1}, {"vector", 16}}};
  const auto complaint = [&](int64_t channels) {
    FunctionMaker m("t.gradients");
    m.result(m.build.add("conv", {m.input("x", {channels, 20, 14}), m.weight("w", {2, channels, 3, 3})}, kSame));
    return complaint_about(m, "conv", schedule);
  };
  // 12 rows of 16 vectors.
  EXPECT_EQ(complaint(64), "legal");
  EXPECT_EQ(complaint(65), refusal(schedule, 780, 768));
}

TEST(Scratch, HoldsABandOfAPlanarImage) {
  const Schedule schedule{"conv.planar", {{"columns", 1}, {"filters", 1}, {"lines", 1}, {"rows", 62}, {"border", 1}, {"vector", 1}}};
  const auto complaint = [&](int64_t channels) {
    FunctionMaker m("infer");
    m.result(m.build.add("conv", {m.input("x", {channels, 62, 62}), m.weight("w", {1, channels, 3, 3})}, kSame));
    return complaint_about(m, "conv", schedule);
  };
  // 64 rows of 64 numbers.
  EXPECT_EQ(complaint(16), "legal");
  EXPECT_EQ(complaint(17), refusal(schedule, 272, 256));
}

TEST(Scratch, HoldsABandOfTheGradientOfAConvolution) {
  const Schedule schedule{"conv.lanes", {{"columns", 1}, {"filters", 2}, {"lines", 1}, {"rows", 10}, {"border", 1}, {"vector", 16}}};
  const auto complaint = [&](int64_t filters) {
    FunctionMaker m("t.gradients");
    const ValueId dy = m.input("dy", {filters, 20, 14}), w = m.weight("w", {filters, 2, 3, 3});
    m.result(m.build.add("conv_grad_input", {dy, w}, {{"pad", Dims{1, 1, 1, 1}}, {"height", int64_t{20}}, {"width", int64_t{14}}}));
    return complaint_about(m, "conv_grad_input", schedule);
  };
  // 12 rows of 16 vectors.
  EXPECT_EQ(complaint(64), "legal");
  EXPECT_EQ(complaint(65), refusal(schedule, 780, 768));
}

TEST(Scratch, HoldsATileOfAllChannels) {
  const Schedule schedule{"conv.lanes", {{"columns", 14}, {"filters", 1}, {"lines", 1}, {"rows", 1}, {"border", 3}, {"vector", 16}}};
  const auto complaint = [&](int64_t channels) {
    FunctionMaker m("t.gradients");
    m.result(m.build.add("conv", {m.input("x", {channels, 20, 14}), m.weight("w", {2, channels, 3, 3})}, kSame));
    return complaint_about(m, "conv", schedule);
  };
  // 3 rows of 16 vectors.
  EXPECT_EQ(complaint(341), "legal");
  EXPECT_EQ(complaint(342), refusal(schedule, 1026, 1024));
}

TEST(Scratch, HoldsTheWeightsOfABlockOfOutputs) {
  const auto complaint = [](const Schedule& schedule) {
    FunctionMaker m("t.gradients");
    m.weight("w", {1040, 160});
    m.gradient("w", m.build.add("dense_grad_weight", {m.input("x", {160}), m.input("dy", {1040})}));
    return complaint_about(m, "dense_grad_weight", schedule);
  };
  const auto schedule = [](int64_t block, int64_t tiles = 1) {
    return Schedule{"dense.lanes_grad_weight", {{"vector", 16}, {"vectors", 4}, {"outputs", 4}, {"tiles", tiles}, {"block", block}, {"chunk", 1}}};
  };
  // Of each output 4 vectors a tile.
  EXPECT_EQ(complaint(schedule(1024)), "legal");
  EXPECT_EQ(complaint(schedule(1028)), refusal(schedule(1028), 257, 256));
  EXPECT_EQ(complaint(schedule(512, 2)), "legal");
  EXPECT_EQ(complaint(schedule(516, 2)), refusal(schedule(516, 2), 258, 256));
}

}  // namespace
}  // namespace cnnc::test
