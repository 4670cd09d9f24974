// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Chosen schedules are legal for every sample of every op on every target; tiles of convolutions fit the registers; fusion
// joins what it may, and equal kernels have equal signatures.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "ir/builder.h"
#include "schedule/conv_numbers.h"
#include "schedule/templates.h"

namespace cnnc {
namespace {

struct Network {
  Module module;
  Function function;
  GraphBuilder build{function.graph};

  explicit Network(std::string name) { function.name = std::move(name); }
  ValueId input(const std::string& name, Dims dims, ElementType element = ElementType::F32) {
    const ValueId value = function.graph.add_argument({element, true, std::move(dims)});
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
  /// A weight that the function gets from `prepare`, which comes before it in the module.
  ValueId prepared(const std::string& name, Dims dims) {
    const TensorType type{ElementType::F32, false, std::move(dims)};
    const ValueId value = function.graph.add_argument(type);
    function.arguments.push_back({name, Role::Prepared, value});
    module.parameters.push_back({name, Role::Weight, type, {}, "weight", {}});
    Function prepare;
    prepare.name = "prepare";
    const ValueId parameter = prepare.graph.add_argument(type);
    prepare.arguments.push_back({name, Role::Weight, parameter});
    prepare.results.push_back({name, Role::Prepared, parameter});
    module.functions.push_back(std::move(prepare));
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
            const auto& p = kernel.schedule.parameters;
            if (!kernel.schedule.name.starts_with("conv.") || p.empty()) continue;
            const bool lanes = kernel.schedule.name.starts_with("conv.lanes");
            const int64_t blocks = p.at(p.contains("blocks") ? "blocks" : "filters"), pixels = p.at("columns") * (p.contains("blocks") ? p.at("rows") : 1);
            const int64_t registers = lanes || !p.contains("blocks") ? tile_registers(pixels, blocks) : tile_registers(blocks, pixels);
            EXPECT_LE(registers, target.vector_registers) << to_string(kernel.schedule);
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
  const ValueId x = network.input("x", {3, 34, 34}), w = network.weight("w", {4, 3, 3, 3}), other = network.input("z", {4, 32, 32});
  const ValueId y = network.build.add("conv", {x, w});
  const ModulePlan plan = network.plan(network.build.map("tanh(x0 + x1)", {y, other}));
  ASSERT_EQ(plan.functions[0].kernels.size(), 1u);
  EXPECT_EQ(plan.functions[0].kernels[0].writes.size(), 1u);
}

TEST(Fusion, WhatComesLaterIsNotReadEarlier) {
  // The second convolution's result is an operand of the first one's epilogue: the epilogue joins the second.
  Network network("infer");
  const ValueId x = network.input("x", {3, 34, 34}), a = network.weight("a", {4, 3, 3, 3}), b = network.weight("b", {4, 3, 3, 3});
  const ValueId first = network.build.add("conv", {x, a}), second = network.build.add("conv", {x, b});
  const ModulePlan plan = network.plan(network.build.map("tanh(x0) * x1", {first, second}));
  ASSERT_EQ(plan.functions[0].kernels.size(), 2u);
  EXPECT_EQ(plan.functions[0].kernels[1].nodes.size(), 2u);
}

/// Kernels of a convolution of 32 filters, behind which `use` puts something, in training.
size_t kernels_behind_convolution(const AttributeMap& convolution, const std::function<ValueId(Network&, ValueId)>& use, const PlanOptions& options) {
  Network network("t.gradients");
  const ValueId x = network.input("x", {8, 12, 12}), w = network.weight("w", {32, 8, 3, 3});
  const ValueId y = network.build.add("conv", {x, w}, convolution);
  const ModulePlan plan = network.plan(use(network, y), *find_target("avx512"), options);
  const auto& kernels = plan.functions[0].kernels;
  return static_cast<size_t>(std::count_if(kernels.begin(), kernels.end(), [&](const Kernel& kernel) { return kernel.anchor >= 0; }));
}

TEST(Fusion, APoolJoinsTheConvolutionThatItTiles) {
  const AttributeMap same = {{"pad", Dims{1, 1, 1, 1}}}, whole;
  const PlanOptions direct = {.train_batch = {}, .precise = true};
  const auto pool = [](const AttributeMap& attributes) {
    return [=](Network& network, ValueId y) { return network.build.add("maxpool", {network.build.map("max(x0, 0)", {y})}, attributes); };
  };
  EXPECT_EQ(kernels_behind_convolution(same, pool(whole), direct), 1u);
  EXPECT_EQ(kernels_behind_convolution(same, pool({{"kernel", Dims{1, 3}}, {"stride", Dims{1, 3}}}), direct), 1u);
  // Tiles of Winograd's algorithm are 4 x 4 or 2 x 2.
  EXPECT_EQ(kernels_behind_convolution(same, pool(whole), {}), 1u);
  EXPECT_EQ(kernels_behind_convolution(same, pool({{"kernel", Dims{1, 3}}, {"stride", Dims{1, 3}}}), {}), 2u);
  // Windows that overlap, reach over the edge, leave columns out, or need too many registers.
  EXPECT_EQ(kernels_behind_convolution(same, pool({{"kernel", Dims{3, 3}}}), direct), 2u);
  EXPECT_EQ(kernels_behind_convolution(same, pool({{"pad", Dims{1, 1, 1, 1}}}), direct), 2u);
  EXPECT_EQ(kernels_behind_convolution({{"pad", Dims{1, 0, 1, 1}}}, pool(whole), direct), 2u);
  EXPECT_EQ(kernels_behind_convolution(same, pool({{"kernel", Dims{3, 3}}, {"stride", Dims{3, 3}}}), direct), 2u);
  // Somebody else reads the convolution's result.
  const auto twice = [](Network& network, ValueId y) { return network.build.map("x0 + x1", {network.build.add("maxpool", {y}), network.build.sum(y, {1, 2}, false)}); };
  EXPECT_EQ(kernels_behind_convolution(same, twice, direct), 3u);
  // So does the gradient of the activation in between, which is not stored itself.
  const auto masked = [](Network& network, ValueId y) {
    const ValueId activation = network.build.map("max(x0, 0)", {y});
    network.function.results.push_back({"m", Role::Output, network.build.map("select(x0 > 0, x1, 0)", {activation, network.input("dy", {32, 12, 12})})});
    return network.build.add("avgpool", {activation});
  };
  EXPECT_EQ(kernels_behind_convolution(same, masked, direct), 2u);
}

TEST(Fusion, PlacesOfAPoolAreStoredBesideWhatIsMadeOfItsValues) {
  // conv → pool → tanh, and the gradient asks for the winners: the first stored value of the kernel holds integers.
  const auto use = [](Network& network, ValueId y) {
    const auto pooled = network.build.add_all("maxpool", {y});
    network.function.results.push_back({"t", Role::Output, network.build.map("tanh(x0)", {pooled[0]})});
    return network.build.add("maxpool_grad", {pooled[1], network.input("dy", {32, 6, 6})}, {{"height", int64_t{12}}, {"width", int64_t{12}}});
  };
  EXPECT_EQ(kernels_behind_convolution({{"pad", Dims{1, 1, 1, 1}}}, use, {.train_batch = {}, .precise = true}), 2u);
}

/// Layouts of what the functions of a plan read and write, by text.
std::vector<std::string> layouts(const FunctionPlan& plan, const std::vector<ValueId>& values) {
  std::vector<std::string> result;
  for (ValueId value : values) result.push_back(to_string(plan.layouts[static_cast<size_t>(value.index)]));
  return result;
}

TEST(Blocks, InferenceKeepsChannelsTogetherBetweenConvolutions) {
  // conv → relu → pool → conv in blocks; the first one reads the planar image and pools, the second one finds zeros around its
  // operand; weights are brought into the order of their use, and y is planar for the program.
  Network network("infer");
  const ValueId x = network.input("x", {3, 32, 32}), a = network.weight("a", {32, 3, 3, 3}), b = network.weight("b", {64, 32, 3, 3});
  const AttributeMap same = {{"pad", Dims{1, 1, 1, 1}}};
  const ValueId first = network.build.map("max(x0, 0)", {network.build.add("conv", {x, a}, same)});
  const ValueId pooled = network.build.add("maxpool", {first});
  const ModulePlan plan = network.plan(network.build.add("conv", {pooled, b}, same));
  std::map<std::string, std::vector<std::string>> found;
  for (const Kernel& kernel : plan.functions[0].kernels) {
    auto text = layouts(plan.functions[0], kernel.reads);
    for (const std::string& layout : layouts(plan.functions[0], kernel.writes)) text.push_back(layout);
    std::string& name = found[kernel.schedule.name].emplace_back();
    for (const std::string& layout : text) name += layout + "; ";
  }
  EXPECT_EQ(found["conv.direct"], (std::vector<std::string>{"planar; packed(16, 2); blocked(16, border: 1 1 1 1); "}));
  EXPECT_EQ(found["conv.winograd"], (std::vector<std::string>{"blocked(16, border: 1 1 1 1); winograd(16, 4, 4, 0); blocked(16); "}));
  EXPECT_EQ(found["conv.winograd_weights"], (std::vector<std::string>{"planar; winograd(16, 4, 4, 0); "}));
  EXPECT_EQ(found["elementwise"], (std::vector<std::string>{"planar; packed(16, 2); ", "blocked(16); planar; "}));
}

TEST(Blocks, FewChannelsOfWideRowsStayPlanar) {
  Network network("infer");
  const ValueId x = network.input("x", {1, 28, 28}), w = network.weight("w", {2, 1, 3, 3});
  const ModulePlan plan = network.plan(network.build.add("conv", {x, w}));
  EXPECT_EQ(plan.functions[0].kernels.at(0).schedule.name, "conv.planar");
}

TEST(Blocks, PreparedWeightsArePackedOnce) {
  // `prepare` makes them in the order in which `infer` reads them: no kernel of `infer` moves weights.
  Network network("infer");
  const ValueId x = network.input("x", {16, 8, 8}), w = network.prepared("w", {40, 16, 3, 3});
  const ModulePlan plan = network.plan(network.build.add("conv", {x, w}));
  ASSERT_EQ(plan.prepared.size(), 1u);
  EXPECT_EQ(plan.prepared[0].layout.kind, LayoutKind::Packed);
  EXPECT_EQ(plan.prepared_bytes, stored_bytes({ElementType::F32, false, {40, 16, 3, 3}}, plan.prepared[0].layout));
  ASSERT_EQ(plan.functions[1].kernels.size(), 2u);   // the convolution, and its result for the program
  EXPECT_EQ(plan.functions[1].kernels[0].schedule.name, "conv.direct");
}

TEST(Blocks, VariationsDrawEveryNumberThatFitsTheRegisters) {
  std::set<std::string> legal, drawn;
  for (uint64_t variation = 1; variation <= 60; ++variation) {
    Network network("infer");
    const ValueId x = network.input("x", {16, 8, 8}), w = network.weight("w", {48, 16, 3, 3});
    const ModulePlan plan = network.plan(network.build.add("conv", {x, w}), *find_target("avx2"), {.train_batch = {}, .variation = variation, .legal_weights = true});
    const WeightsChoice& choice = plan.functions[0].weights_choices.at(0);
    drawn.insert(to_string(choice.weights));
    for (const Schedule& weights : choice.legal) legal.insert(to_string(weights));
  }
  EXPECT_EQ(drawn, legal);
  EXPECT_EQ(legal, (std::set<std::string>{"packed(blocks: 1)", "packed(blocks: 2)", "packed(blocks: 3)", "packed(blocks: 6)", "planar"}));
}

TEST(Lanes, LabelsOfPixelsAreReadWhereTheyAre) {
  Network network("t.gradients");
  const ValueId x = network.input("x", {3, 6, 5}), label = network.input("label", {6, 5}, ElementType::I32);
  const ModulePlan plan = network.plan(network.build.map("select(x1 == 2, exp(x0), 0)", {x, label}));
  ASSERT_EQ(plan.functions[0].kernels.size(), 2u);   // the first one brings x into lanes
  EXPECT_EQ(layouts(plan.functions[0], plan.functions[0].kernels[1].reads), (std::vector<std::string>{"lanes(16)", "planar"}));
}

TEST(Lanes, ReshapedLabelsAreCopied) {
  // What the program gives is planar: a reshape of it into lanes cannot be the same memory.
  Network network("t.gradients");
  const ValueId x = network.input("x", {30}), label = network.build.reshape(network.input("label", {6, 5}, ElementType::I32), {30});
  const ModulePlan plan = network.plan(network.build.map("select(x1 == 2, exp(x0), 0)", {x, label}));
  const FunctionPlan& function = plan.functions[0];
  for (size_t value = 0; value < function.layouts.size(); ++value) {
    if (function.layouts[value].kind != LayoutKind::Lanes) continue;
    EXPECT_NE(function.places[value].kind, Place::Column) << to_string(plan, network.module);
  }
}

/// A convolution of 3x3 taps that reads what another one has made.
ModulePlan plan_of_two_convolutions(const PlanOptions& options) {
  Network network("infer");
  const ValueId x = network.input("x", {32, 14, 14}), a = network.weight("a", {32, 32, 1, 1}), b = network.weight("b", {32, 32, 3, 3});
  const ValueId made = network.build.add("conv", {x, a});
  return network.plan(network.build.add("conv", {made, b}, {{"pad", Dims{1, 1, 1, 1}}}), *find_target("avx512"), options);
}

/// Whether a kernel moves what the last reshape of the plan reads.
bool reshape_moves(const ModulePlan& plan) {
  const FunctionPlan& function = plan.functions[0];
  const auto is_reshape = [&](int32_t node) { return function.function->graph.node(node).op->name == "reshape"; };
  return std::any_of(function.kernels.begin(), function.kernels.end(), [&](const Kernel& kernel) { return std::any_of(kernel.nodes.begin(), kernel.nodes.end(), is_reshape); });
}

TEST(Blocks, AVectorOfChannelsIsReshapedInPlaceUnlessOthersLieBetweenImages) {
  for (const bool cuts : {false, true}) {
    Network network("infer");
    const ValueId x = network.input("x", {3, 8, 8}), a = network.weight("a", {64, 3, 3, 3});
    const ValueId mean = network.build.sum(network.build.add("conv", {x, a}), {1, 2}, false);
    const ValueId part = cuts ? network.build.add("slice", {mean}, {{"begin", int64_t{16}}, {"end", int64_t{48}}}) : mean;
    const ValueId flat = network.build.reshape(part, {cuts ? 32 : 64});
    EXPECT_EQ(reshape_moves(network.plan(network.build.map("exp(x0)", {flat}))), cuts);
  }
}

TEST(Blocks, IndicesOfPixelsAreReshapedByAKernel) {
  Network network("infer");
  const ValueId x = network.input("x", {3, 12, 12}), a = network.weight("a", {32, 3, 3, 3});
  const ValueId winners = network.build.add_all("maxpool", {network.build.add("conv", {x, a})}).at(1);
  const ValueId flat = network.build.reshape(winners, {32 * 5 * 5});
  EXPECT_TRUE(reshape_moves(network.plan(network.build.map("x0 + 1", {flat}))));
}

TEST(Winograd, FillsTheLastTilesUp) {
  // 14 columns are four tiles of four outputs: the zeros behind the image reach as far as the last one does.
  const ModulePlan plan = plan_of_two_convolutions({});
  std::vector<std::string> found;
  for (const Kernel& kernel : plan.functions[0].kernels)
    if (kernel.schedule.name == "conv.winograd") found = layouts(plan.functions[0], kernel.reads);
  EXPECT_EQ(found, (std::vector<std::string>{"blocked(16, border: 1 1 3 3)", "winograd(16, 2, 4, 0)"}));
}

TEST(Winograd, PrecisePlansSumDirectly) {
  PlanOptions options;
  options.precise = true;
  const ModulePlan plan = plan_of_two_convolutions(options);
  for (const Kernel& kernel : plan.functions[0].kernels) EXPECT_NE(kernel.schedule.name, "conv.winograd");
}

ConvNumbers square_conv(int64_t channels, int64_t filters, int64_t size, int64_t taps, int64_t stride) {
  const int64_t outputs = (size - 1) / stride + 1, pad = (taps - 1) / 2;
  return {{channels, size, size}, {filters, outputs, outputs}, {filters, channels, taps, taps}, {stride, stride}, {pad, pad}, {1, 1}};
}

TEST(Blocks, PreparedWeightsServeImagesOfOtherSizes) {
  // Alone, the sizes want tiles of other numbers of blocks; one number divides the other, so no kernel of `infer` moves weights.
  const auto tile = [](int64_t size) { return blocked_tile(square_conv(16, 64, size, 1, 1), 16, find_target("avx512")->vector_registers); };
  ASSERT_EQ(tile(7).blocks, 2);
  ASSERT_EQ(tile(8).blocks, 4);
  Network network("infer");
  const ValueId x = network.input("x", {16, 7, 7}), z = network.input("z", {16, 8, 8}), w = network.prepared("w", {64, 16, 1, 1});
  const ValueId first = network.build.add("conv", {x, w}), second = network.build.add("conv", {z, w});
  const ModulePlan plan = network.plan(network.build.map("x0 + x1", {network.build.sum(first, {1, 2}, false), network.build.sum(second, {1, 2}, false)}));
  const FunctionPlan& infer = plan.functions[1];
  for (const WeightsChoice& choice : infer.weights_choices) EXPECT_EQ(to_string(choice.weights), "packed(blocks: 2)");
  for (const Kernel& kernel : infer.kernels) EXPECT_FALSE(infer.layouts[static_cast<size_t>(kernel.writes.at(0).index)].is_packed()) << kernel.signature;
}

TEST(WeightGradient, ReadsMapsBeyondTheCachesFewTimes) {
  const Target& target = *find_target("avx512");
  const int64_t bytes = 64;
  const DirectWeightTile tile = direct_weight_tile(square_conv(64, 128, 56, 3, 2), bytes, target);
  EXPECT_LE(64 / tile.block, 8) << "dy";
  EXPECT_LE(128 / (tile.filters * tile.tiles), 4) << "x";
  EXPECT_LE(9 * tile.filters * tile.tiles * tile.block * bytes, kLargestLaneBytes) << "sums";
  // All channels of a first layer share what is read of dy.
  EXPECT_EQ(direct_weight_tile(square_conv(3, 64, 224, 7, 2), bytes, target).block, 3);
}

TEST(WeightGradient, TakesNoGroupsTogetherThatTheBatchDoesNotHave) {
  const Target& target = *find_target("avx512");
  EXPECT_EQ(winograd_weight_tile(square_conv(512, 512, 2, 3, 1), 16, target.vector_registers, 8).groups, 4);
  EXPECT_EQ(winograd_weight_tile(square_conv(512, 512, 2, 3, 1), 16, target.vector_registers, 2).groups, 2);
  EXPECT_EQ(winograd_weight_tile(square_conv(512, 512, 2, 3, 1), 16, target.vector_registers, 1).groups, 1);
}

/// Of 2x2 maps a direct sum leaves out 20 of 36 products.
TEST(Winograd, IsNotForMapsWhoseTapsMostlyLeaveThem) {
  const Target& target = *find_target("avx512");
  for (const bool towards_x : {false, true}) {
    EXPECT_EQ(prefers_winograd_lanes(square_conv(512, 512, 2, 3, 1), 16, 2, target, towards_x), 0);
    EXPECT_EQ(prefers_winograd_lanes(square_conv(512, 512, 4, 3, 1), 16, 2, target, towards_x), 4);
    EXPECT_EQ(prefers_winograd_lanes(square_conv(512, 512, 7, 3, 1), 16, 1, target, towards_x), 4);
  }
}

TEST(WeightGradient, HasNoTileWhereNoRowFits) {
  EXPECT_EQ(direct_weight_tile(square_conv(1, 4, 8000, 3, 1), 64, *find_target("avx512")).filters, 0);
  EXPECT_EQ(direct_weight_tile(square_conv(1, 4, 64, 31, 1), 64, *find_target("avx512")).filters, 0) << "a row of taps is more than the registers";
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
  const ValueId x = network.input("x", {4, 34, 34}), a = network.weight("a", {4, 4, 1, 1}), b = network.weight("b", {4, 4, 1, 1});
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
