// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Templates on shapes that reach their corners: tiles that do not divide, wide and narrow rows, many channels, strides.
#include <gtest/gtest.h>

#include <algorithm>

#include "ir/builder.h"
#include "plan_runner.h"

namespace cnnc {
namespace {

TensorType image(Dims dims) { return {ElementType::F32, true, std::move(dims)}; }
TensorType weight(Dims dims) { return {ElementType::F32, false, std::move(dims)}; }

const std::string kAnyTemplate;

void check(const std::string& op_name, const Sample& sample, const std::string& function, const std::string& expected_template, bool precise = true,
           double error = 5e-6, int64_t images = 3) {
  const OpDef& op = get_op(op_name);
  const Module module = module_of(op, sample, function);
  const auto arguments = random_arrays(sample.operands, images, 3);
  std::vector<const Array*> operands;
  for (const Array& array : arguments) operands.push_back(&array);
  const auto expected = interpret_op(op, module.functions[0].graph.node(0).attributes, operands, images);
  for (const char* name : {"avx512", "avx2"}) {
    const Target& target = *find_target(name);
    if (!runs_here(target)) continue;
    const ModulePlan plan = make_plan(module, target, {.infer_batch = images, .train_batch = {}, .precise = precise});
    bool uses = false;
    for (const Kernel& kernel : plan.functions[0].kernels) uses = uses || kernel.schedule.name == expected_template;
    // Whether Winograd's algorithm gains depends on the registers.
    EXPECT_TRUE(uses || expected_template == kAnyTemplate || (!precise && target.name != "avx512")) << to_string(plan, module);
    PlanRunner runner(plan, 0, target);
    const auto actual = runner.run(arguments, images);
    for (size_t i = 0; i < actual.size(); ++i) EXPECT_LT(difference(actual[i], expected[i]), error) << to_string(plan, module);
  }
}

struct Convolution {
  int64_t channels, filters, size, kernel, stride, pad;
  std::string gradient_template = kAnyTemplate;   // at stride 1
};

void check_convolution(const Convolution& c, const std::string& inference_template = kAnyTemplate) {
  const int64_t out = (c.size + 2 * c.pad - c.kernel) / c.stride + 1;
  const AttributeMap attributes = {{"stride", Dims{c.stride, c.stride}}, {"pad", Dims{c.pad, c.pad, c.pad, c.pad}}};
  const TensorType x = image({c.channels, c.size, c.size}), w = weight({c.filters, c.channels, c.kernel, c.kernel}),
                   y = image({c.filters, out, out});
  check("conv", {{x, w, weight({c.filters})}, attributes}, "t.gradients", "conv.lanes");
  check("conv", {{x, w, weight({c.filters})}, attributes}, "infer", inference_template);
  AttributeMap input = attributes, kernel = attributes;
  input["height"] = input["width"] = c.size;
  kernel["kernel"] = Dims{c.kernel, c.kernel};
  check("conv_grad_input", {{y, w}, input}, "t.gradients", c.stride == 1 ? c.gradient_template : "conv.lanes_grad_input");
  check("conv_grad_weight", {{x, y}, kernel}, "t.gradients", "conv.lanes_grad_weight");
}

TEST(Shapes, LargeKernels) {
  check_convolution({1, 3, 32, 5, 1, 2}, "conv.planar");
  check_convolution({3, 8, 14, 5, 1, 0}, "conv.direct");
}
/// Weights in tiles of channels, and a last tile of columns that is shifted; a prime number of channels has tiles of one.
TEST(Shapes, GradientsThatAreConvolutions) {
  check_convolution({16, 8, 21, 3, 1, 1, "conv.lanes"});
  check_convolution({24, 16, 9, 1, 1, 0, "conv.lanes"});
  check_convolution({13, 8, 21, 3, 1, 1, "conv.lanes"});
  check_convolution({4, 6, 23, 5, 1, 4, "conv.lanes"});     // dy is not padded
}
/// A gradient between whose places are zeros: the stride is wider than the taps.
TEST(Shapes, GradientsOfPoints) {
  check_convolution({8, 16, 12, 1, 2, 0});
  check_convolution({7, 5, 13, 1, 2, 0});
  check_convolution({6, 8, 12, 1, 3, 0});
  check_convolution({6, 8, 12, 2, 4, 1});
}
/// Small maps, whose taps that leave the image are left out of whole rows.
TEST(Shapes, TapsThatLeaveSmallMaps) {
  check_convolution({8, 24, 2, 3, 1, 1, "conv.lanes_grad_input"});
  check_convolution({6, 10, 4, 5, 1, 2, "conv.lanes_grad_input"});
  check_convolution({5, 7, 1, 3, 1, 1, "conv.lanes_grad_input"});
  check_convolution({16, 8, 5, 3, 2, 1});
}
/// The same of rows of several tiles, which know their places where there are few registers.
TEST(Shapes, TilesOfRowsThatTapsLeave) {
  check_convolution({6, 16, 14, 5, 1, 0, "conv.lanes_grad_input"});
  check_convolution({16, 8, 28, 5, 1, 0, "conv.lanes_grad_input"});
  check_convolution({12, 8, 16, 5, 2, 2});
  check_convolution({12, 8, 15, 4, 3, 1});
}
/// Copies of a tile of all channels: many filters of one tap, and bands that would be too large.
TEST(Shapes, TilesOfAllChannels) {
  check_convolution({8, 72, 10, 1, 1, 0});
  check_convolution({8, 72, 11, 1, 2, 0});
  check_convolution({520, 16, 7, 3, 1, 1});
}
TEST(Shapes, PaddedAndStrided) {
  check_convolution({4, 8, 16, 3, 1, 1});
  check_convolution({4, 8, 16, 3, 2, 1});
  check_convolution({3, 7, 13, 3, 2, 1});
}
/// Tiles of several images, with a rest: a whole one, half of one, and one that is larger than the batch.
TEST(Shapes, DenseOfSeveralImages) {
  for (const int64_t images : {8, 6, 3}) check("dense", {{image({37}), weight({13, 37}), weight({13})}, {}}, "infer", "dense.vector", true, 5e-6, images);
}
/// Weights beyond the second-level cache: sums in memory, for groups of images and a rest.
TEST(Shapes, DenseOfLargeWeightsAndSeveralImages) {
  const Sample sample{{image({8209}), weight({33, 8209}), weight({33})}, {}};
  const ModulePlan plan = make_plan(module_of(get_op("dense"), sample, "infer"), *find_target("avx512"), {.infer_batch = 9, .train_batch = {}});
  for (const Kernel& kernel : plan.functions[0].kernels) {
    EXPECT_GT(kernel.schedule.parameters.at("chunk"), 0) << to_string(kernel.schedule);
    EXPECT_GT(kernel.schedule.parameters.at("tasks"), 1);
  }
  for (const int64_t images : {9, 2}) check("dense", sample, "infer", "dense.vector", true, 5e-6, images);
}
/// Outputs in vectors: whole ones and a rest, one chunk and several, tiles of images that the batch fills or not, no images.
TEST(Shapes, DenseWithPackedWeights) {
  for (const int64_t images : {9, 4}) {
    check("dense", {{image({400}), weight({120, 400}), weight({120})}, {}}, "infer", "dense.packed", true, 5e-6, images);
    check("dense", {{image({4100}), weight({62, 4100})}, {}}, "infer", "dense.packed", true, 5e-6, images);
    check("dense", {{image({37}), weight({48, 37}), weight({48})}, {}}, "infer", "dense.packed", true, 5e-6, images);
  }
  check("dense", {{image({84}), weight({125, 84}), weight({125})}, {}}, "infer", "dense.packed", true, 5e-6, 1);
}
TEST(Shapes, WideRows) { check_convolution({2, 3, 37, 3, 1, 1}, "conv.planar"); }

/// A first convolution makes blocks of `channels`, the second one reads them.
struct BlockedConvolution {
  int64_t channels, filters, height, width;
  Dims kernel, stride, pad, dilation = {1, 1};
  int64_t groups = 1;
  bool flip = false;
  ElementType element = ElementType::F32;
};

/// The template of the second one, and how near to the interpreter it is: direct sums, or Winograd's algorithm.
struct Algorithm {
  const char* name = "conv.direct";
  double error = 5e-6;
  uint64_t variation = 0;
  int64_t batch = 1, images = 3;        // what it is made for, and what it gets
  const char* target = "avx512";        // where the shapes of the tests gain by it
};

Module blocked_module(const BlockedConvolution& c) {
  FunctionMaker m("infer");
  GraphBuilder& build = m.build;
  const auto weight = [&](const std::string& name, Dims dims) { return m.weight(name, std::move(dims), c.element); };
  const ValueId x = m.input("x", {2, c.height, c.width}, c.element);
  const ValueId first = build.map("max(x0, 0)", {build.add("conv", {x, weight("a", {c.channels, 2, 1, 1}), weight("b", {c.channels})})});
  const ValueId second = build.add("conv", {first, weight("c", {c.filters, c.channels / c.groups, c.kernel[0], c.kernel[1]}), weight("d", {c.filters})},
                                   {{"stride", c.stride}, {"pad", c.pad}, {"dilation", c.dilation}, {"groups", c.groups}, {"flip", c.flip}});
  m.result("y", build.map("x0 * 0.5", {second}));
  return m.finish();
}

void check_blocks(const BlockedConvolution& c, const Algorithm& algorithm = {}) {
  const Module module = blocked_module(c);
  const Function& function = module.functions[0];
  const auto arguments = random_arguments(function, algorithm.images);
  const auto expected = interpret(function, arguments, algorithm.images);
  for (const char* name : {"avx512", "avx2", "generic"}) {
    const Target& target = *find_target(name);
    if (!runs_here(target)) continue;
    const bool direct = algorithm.name == std::string("conv.direct");
    const ModulePlan plan = make_plan(module, target, {.infer_batch = algorithm.batch, .train_batch = {}, .precise = direct, .variation = algorithm.variation});
    const auto uses = [&](const Kernel& kernel) { return kernel.schedule.name == algorithm.name || (direct && kernel.schedule.name == "conv.depthwise"); };
    const auto found = std::count_if(plan.functions[0].kernels.begin(), plan.functions[0].kernels.end(), uses);
    const bool demanded = algorithm.variation == 0 && (direct ? &target == &host_target() : target.name == algorithm.target);
    EXPECT_TRUE(found == (direct ? 2 : 1) || !demanded) << to_string(plan, module);
    PlanRunner runner(plan, 0, target);
    const auto actual = runner.run(arguments, algorithm.images, {.tasks_backwards = true});
    EXPECT_LT(difference(actual[0], expected[0]), c.element == ElementType::F64 ? 1e-13 : algorithm.error) << to_string(plan, module);
    // An image's result depends on nothing else in the batch.
    const auto together = runner.run(arguments, algorithm.images);
    EXPECT_EQ(together[0].values, actual[0].values);
  }
}

TEST(Blocks, WholeVectorsOfChannels) {
  check_blocks({32, 64, 14, 14, {3, 3}, {1, 1}, {1, 1, 1, 1}});
  check_blocks({16, 48, 7, 9, {1, 1}, {1, 1}, {0, 0, 0, 0}});
}
TEST(Blocks, OddChannels) {
  check_blocks({17, 33, 7, 7, {3, 3}, {1, 1}, {1, 1, 1, 1}});
  check_blocks({24, 20, 5, 6, {3, 3}, {1, 1}, {1, 1, 1, 1}});
  check_blocks({13, 15, 7, 7, {3, 1}, {1, 1}, {1, 0, 1, 0}});
}
TEST(Blocks, Strides) {
  check_blocks({32, 32, 15, 13, {3, 3}, {2, 2}, {1, 1, 1, 1}});
  check_blocks({32, 32, 14, 14, {1, 1}, {2, 2}, {0, 0, 0, 0}});
  check_blocks({16, 32, 16, 15, {5, 3}, {3, 2}, {2, 1, 0, 3}});
}
TEST(Blocks, DilationAndFlip) {
  check_blocks({16, 32, 12, 12, {3, 3}, {1, 1}, {2, 2, 2, 2}, {2, 2}});
  check_blocks({32, 16, 9, 9, {2, 3}, {1, 1}, {0, 1, 1, 0}, {1, 1}, 1, true});
}
TEST(Blocks, Groups) { check_blocks({64, 96, 8, 8, {3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 2}); }
TEST(Blocks, Depthwise) {
  check_blocks({32, 32, 14, 14, {3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 32});
  check_blocks({24, 24, 9, 11, {3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}, 24});
  check_blocks({17, 17, 7, 5, {5, 5}, {1, 1}, {2, 2, 2, 2}, {1, 1}, 17, true});
}
/// A convolution of each channel alone, an activation, and one of a single tap that sums up the channels, as one kernel in some
/// variations. Its weights are packed before, for the first convolution: elsewhere @prepare does it.
void check_separable(int64_t channels, int64_t height, int64_t width, int64_t stride) {
  FunctionMaker m("infer");
  GraphBuilder& build = m.build;
  const ValueId x = m.input("x", {channels, height, width}), a = m.weight("a", {channels, channels, 1, 1});
  const ValueId b = m.weight("b", {channels}), c = m.weight("c", {channels, 1, 3, 3});
  const AttributeMap alone = {{"stride", Dims{stride, stride}}, {"pad", Dims{1, 1, 1, 1}}, {"groups", channels}};
  const ValueId middle = build.map("min(max(x0, 0), 6)", {build.add("conv", {build.add("conv", {x, a, b}), c, b}, alone)});
  m.result("y", build.map("x0 * 0.5", {build.add("conv", {middle, a, b})}));
  const Module module = m.finish();
  const Function& function = module.functions[0];
  const auto arguments = random_arguments(function, 3);
  const auto expected = interpret(function, arguments, 3);
  constexpr uint64_t kMost = 1000;
  int found = 0;
  for (uint64_t variation = 1; variation <= kMost && found < 4; ++variation) {
    const ModulePlan plan = make_plan(module, host_target(), {.train_batch = {}, .variation = variation});
    const auto& kernels = plan.functions[0].kernels;
    if (std::none_of(kernels.begin(), kernels.end(), [](const Kernel& kernel) { return kernel.schedule.name == "conv.separable"; })) continue;
    ++found;
    PlanRunner runner(plan, 0, host_target());
    const auto actual = runner.run(arguments, 3, {.tasks_backwards = true});
    EXPECT_LT(difference(actual[0], expected[0]), 5e-6) << to_string(plan, module);
    EXPECT_EQ(runner.run(arguments, 3)[0].values, actual[0].values);
  }
  EXPECT_EQ(found, 4);
}
TEST(Blocks, Separable) {
  check_separable(20, 9, 11, 1);
  check_separable(48, 13, 10, 2);
}
TEST(Blocks, SmallMaps) {
  check_blocks({32, 32, 1, 1, {1, 1}, {1, 1}, {0, 0, 0, 0}});
  check_blocks({32, 64, 2, 3, {3, 3}, {1, 1}, {1, 1, 1, 1}});
}
TEST(Blocks, DoublePrecision) {
  check_blocks({24, 20, 9, 7, {3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 1, false, ElementType::F64});
}

TEST(Blocks, PointsOfShortRows) {
  constexpr Algorithm kPointwise{.name = "conv.pointwise", .target = "avx2"};
  check_blocks({256, 64, 7, 7, {1, 1}, {1, 1}, {0, 0, 0, 0}}, kPointwise);
  check_blocks({320, 48, 5, 7, {1, 1}, {1, 1}, {0, 0, 0, 0}}, kPointwise);
  // Filters that do not fill vectors, and rows in bands: the last tile of a band begins earlier.
  check_blocks({272, 44, 7, 7, {1, 1}, {1, 1}, {0, 0, 0, 0}}, {"conv.pointwise", 5e-6, 0, 1, 1, "avx2"});
  for (uint64_t variation = 1; variation <= 8; ++variation)
    check_blocks({48, 40, 6, 7, {1, 1}, {1, 1}, {0, 0, 0, 0}}, {"conv.pointwise", 5e-6, variation});
  check_blocks({256, 32, 7, 7, {1, 1}, {1, 1}, {0, 0, 0, 0}, {1, 1}, 1, false, ElementType::F64}, {.name = "conv.pointwise", .target = "none"});
}

TEST(Blocks, ChunksOfManyChannels) {
  constexpr Algorithm kChunks{.name = "conv.chunks", .target = "avx2"};
  check_blocks({256, 64, 14, 14, {3, 3}, {2, 2}, {1, 1, 1, 1}}, kChunks);
  check_blocks({264, 20, 9, 11, {2, 5}, {1, 2}, {1, 0, 0, 3}}, kChunks);
  check_blocks({256, 16, 12, 10, {3, 1}, {1, 1}, {2, 0, 1, 0}, {2, 1}}, kChunks);
  check_blocks({256, 32, 3, 3, {3, 3}, {1, 1}, {0, 0, 0, 0}, {1, 1}, 1, true}, kChunks);
  for (uint64_t variation = 1; variation <= 8; ++variation) check_blocks({48, 40, 6, 7, {3, 3}, {1, 1}, {1, 1, 1, 1}}, {"conv.chunks", 5e-6, variation});
  check_blocks({256, 32, 8, 7, {3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}, 1, false, ElementType::F64}, {.name = "conv.chunks", .target = "none"});
}

constexpr Algorithm kWinograd{"conv.winograd", 2e-5};

TEST(Winograd, WholeTiles) {
  check_blocks({32, 64, 16, 16, {3, 3}, {1, 1}, {1, 1, 1, 1}}, kWinograd);
  check_blocks({16, 16, 32, 32, {3, 3}, {1, 1}, {1, 1, 1, 1}}, kWinograd);
}
TEST(Winograd, TilesBeyondTheImage) {
  check_blocks({32, 32, 14, 15, {3, 3}, {1, 1}, {1, 1, 1, 1}}, kWinograd);
  check_blocks({64, 32, 7, 7, {3, 3}, {1, 1}, {1, 1, 1, 1}}, kWinograd);
}
TEST(Winograd, OddChannels) {
  check_blocks({17, 33, 12, 12, {3, 3}, {1, 1}, {1, 1, 1, 1}}, kWinograd);
  check_blocks({47, 40, 9, 13, {3, 3}, {1, 1}, {1, 1, 1, 1}}, kWinograd);
}
TEST(Winograd, OtherPadding) {
  check_blocks({32, 32, 18, 18, {3, 3}, {1, 1}, {0, 0, 0, 0}}, kWinograd);
  check_blocks({32, 32, 12, 13, {3, 3}, {1, 1}, {2, 0, 1, 2}}, kWinograd);
}
/// Of seven tiles no register tile of AVX2 holds a row: two begin in it, and one reaches beyond.
TEST(Winograd, RowsOfSevenTiles) { check_blocks({32, 64, 8, 28, {3, 3}, {1, 1}, {1, 1, 1, 1}}, kWinograd); }
TEST(Winograd, LargeMapsInBlocksOfTiles) { check_blocks({32, 16, 12, 116, {3, 3}, {1, 1}, {1, 1, 1, 1}}, kWinograd); }

/// The images that conv.winograd takes together where a program is made for so many.
int64_t images_together(const BlockedConvolution& c, int64_t batch) {
  const Module module = blocked_module(c);
  const ModulePlan plan = make_plan(module, *find_target("avx512"), {.infer_batch = batch, .train_batch = {}});
  for (const Kernel& kernel : plan.functions[0].kernels)
    if (kernel.schedule.name == "conv.winograd") return kernel.schedule.parameters.at("group");
  return 0;
}

TEST(Winograd, SmallMapsOfSeveralImages) {
  for (const BlockedConvolution& c : {BlockedConvolution{64, 48, 4, 4, {3, 3}, {1, 1}, {1, 1, 1, 1}}, BlockedConvolution{64, 40, 2, 2, {3, 3}, {1, 1}, {1, 1, 1, 1}},
                                      BlockedConvolution{36, 36, 7, 8, {3, 3}, {1, 1}, {1, 1, 1, 1}}}) {
    EXPECT_GT(images_together(c, 8), 1) << c.height << "x" << c.width;
    EXPECT_LE(images_together(c, 1), 1);
    // Whole groups, a rest, and fewer images than a register tile has.
    for (const int64_t images : {8, 7, 1}) check_blocks(c, {"conv.winograd", 2e-5, 0, 8, images});
  }
}

TEST(Winograd, OtherTilesAndBlocks) {
  for (uint64_t variation = 1; variation <= 6; ++variation)
    check_blocks({20, 40, 14, 11, {3, 3}, {1, 1}, {1, 1, 1, 1}}, {"conv.winograd", 2e-5, variation});
}

/// Forward, towards x and towards the weight, images in lanes.
void check_winograd_lanes(int64_t channels, int64_t filters, int64_t height, int64_t width, const Dims& pad, int64_t images = 3) {
  const AttributeMap attributes = {{"pad", pad}};
  const TensorType x = image({channels, height, width}), w = weight({filters, channels, 3, 3});
  const TensorType y = image({filters, height + pad[0] + pad[2] - 2, width + pad[1] + pad[3] - 2});
  check("conv", {{x, w, weight({filters})}, attributes}, "t.gradients", "conv.lanes_winograd", false, 2e-5);
  AttributeMap input = attributes;
  input["height"] = height, input["width"] = width;
  check("conv_grad_input", {{y, w}, input}, "t.gradients", "conv.lanes_winograd", false, 2e-5);
  AttributeMap kernel = attributes;
  kernel["kernel"] = Dims{3, 3};
  check("conv_grad_weight", {{x, y}, kernel}, "t.gradients", "conv.lanes_winograd_grad_weight", false, 2e-5, images);
}

TEST(WinogradLanes, WholeTiles) { check_winograd_lanes(16, 32, 16, 32, {1, 1, 1, 1}); }
TEST(WinogradLanes, SmallMapsOfSeveralGroups) { check_winograd_lanes(16, 32, 8, 8, {1, 1, 1, 1}, 35); }
TEST(WinogradLanes, TilesBeyondTheImage) { check_winograd_lanes(32, 16, 14, 15, {1, 1, 1, 1}); }
TEST(WinogradLanes, OddChannels) { check_winograd_lanes(31, 45, 12, 12, {1, 1, 1, 1}); }
TEST(WinogradLanes, OneTileOfManyChannelsIsLargerThanACache) { check_winograd_lanes(512, 32, 4, 4, {1, 1, 1, 1}); }
TEST(WinogradLanes, OtherPadding) {
  check_winograd_lanes(16, 32, 12, 12, {0, 0, 0, 0});
  check_winograd_lanes(16, 32, 9, 12, {2, 0, 1, 2});
}

/// That one kernel of the only function has this template, and that all results are the interpreter's.
void check_has_one(const Module& module, const char* name, int64_t images) {
  const auto arguments = random_arguments(module.functions[0], images);
  const auto expected = interpret(module.functions[0], arguments, images);
  const ModulePlan plan = make_plan(module, host_target(), {.train_batch = {}});
  const auto& kernels = plan.functions[0].kernels;
  EXPECT_EQ(std::count_if(kernels.begin(), kernels.end(), [&](const Kernel& kernel) { return kernel.schedule.name == name; }), 1) << to_string(plan, module);
  PlanRunner runner(plan, 0, host_target());
  const auto actual = runner.run(arguments, images, {.tasks_backwards = true});
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_LT(difference(actual[i], expected[i]), 5e-6) << i << to_string(plan, module);
}

/// Reductions of which later ones need earlier ones, of several ops, in one kernel.
TEST(Reductions, FollowOneAnother) {
  Module module;
  Function function{.name = "t.gradients", .arguments = {}, .graph = {}, .results = {}};
  GraphBuilder build(function.graph);
  const ValueId x = function.graph.add_argument(image({3, 6, 7}));
  function.arguments.push_back({"x", Role::Input, x});
  const auto reduce = [&](const char* op, ValueId of) { return build.add("reduce", {of}, {{"op", std::string(op)}, {"axes", Dims{1, 2}}}); };
  const ValueId mean = build.map("x0 / 42", {reduce("sum", x)});
  const ValueId squares = reduce("sum", build.map("(x0 - x1) * (x0 - x1)", {x, mean})), most = reduce("max", build.map("x0 - x1", {x, mean}));
  const ValueId skewed = reduce("sum", build.map("(x0 - x1) * x2", {x, most, squares}));
  for (const ValueId value : {mean, squares, most, skewed}) function.results.push_back({"r" + std::to_string(value.index), Role::Output, value});
  module.functions.push_back(function);
  for (const int64_t images : {3, 35}) check_has_one(module, "norm.lanes", images);
}

/// Rows that are reduced and computed with, along each set of axes, in inference and in training: softmax, a norm, and results of both kinds.
void check_rows(const Dims& dims, const Dims& axes) {
  for (const char* name : {"infer", "t.gradients"}) {
    Module module;
    Function function{.name = name, .arguments = {}, .graph = {}, .results = {}};
    GraphBuilder build(function.graph);
    const ValueId x = function.graph.add_argument(image(dims));
    function.arguments.push_back({"x", Role::Input, x});
    const auto reduce = [&](const char* op, ValueId of) { return build.add("reduce", {of}, {{"op", std::string(op)}, {"axes", axes}}); };
    const ValueId least = reduce("min", x), most = reduce("max", x), exponential = build.map("exp(x0 - x1)", {x, most}), sum = reduce("sum", exponential);
    const ValueId softmax = build.map("x0 / x1", {exponential, sum}), spread = build.map("log(x0) * (x1 - x2)", {sum, most, least});
    const ValueId squares = reduce("sum", build.map("(x0 - x1) * (x0 - x1)", {softmax, spread}));
    for (const ValueId value : {spread, softmax, squares}) function.results.push_back({"r" + std::to_string(value.index), Role::Output, value});
    module.functions.push_back(function);
    for (const int64_t images : {1, 3, 35}) check_has_one(module, "softmax", images);
  }
}

TEST(Rows, OfAVector) {
  for (const int64_t classes : {2, 17, 1000}) check_rows({classes}, {0});
}
TEST(Rows, OfChannels) {
  check_rows({5, 3, 17}, {0});
  check_rows({21, 4, 8}, {0});
}
TEST(Rows, OfPixels) {
  check_rows({3, 6, 7}, {1, 2});
  check_rows({2, 16, 16}, {2});
}
TEST(Rows, OfColumns) { check_rows({4, 6, 7}, {1}); }
TEST(Rows, OfAnImage) { check_rows({3, 5, 6}, {0, 1, 2}); }
TEST(Rows, OfChannelsAndColumns) { check_rows({3, 5, 6}, {0, 2}); }

/// The most tasks that a kernel has for threads.
int64_t most_tasks(const Module& module, const std::vector<Array>& arguments, int64_t images, bool precise = false) {
  const Target& target = runs_here(*find_target("avx512")) ? *find_target("avx512") : *find_target("avx2");
  const ModulePlan plan = make_plan(module, target, {.train_batch = {}, .precise = precise});
  PlanRunner runner(plan, 0, target);
  runner.run(arguments, images);
  return *std::max_element(runner.tasks().begin(), runner.tasks().end());
}

/// A small batch fills one vector of images: its kernels must still have work for several threads.
void check_tasks(const std::string& op_name, const Sample& sample, bool precise) {
  constexpr int64_t kImages = 4;
  EXPECT_GE(most_tasks(module_of(get_op(op_name), sample, "t.gradients"), random_arrays(sample.operands, kImages, 3), kImages, precise), 4) << op_name;
}

TEST(Threads, ShareOutASingleGroupOfImages) {
  const TensorType x = image({128, 28, 28}), w = weight({128, 128, 3, 3});
  const AttributeMap padded = {{"pad", Dims{1, 1, 1, 1}}};
  AttributeMap towards_x = padded;
  towards_x["height"] = towards_x["width"] = 28;
  for (const bool precise : {true, false}) {
    check_tasks("conv", {{x, w}, padded}, precise);
    check_tasks("conv_grad_input", {{x, w}, towards_x}, precise);
  }
  check_tasks("reduce", {{x}, {{"op", std::string("sum")}, {"axes", Dims{1, 2}}}}, false);
  check_tasks("maxpool", {{x}, {{"kernel", Dims{2, 2}}, {"stride", Dims{2, 2}}, {"pad", Dims{0, 0, 0, 0}}}}, false);
}

TEST(Threads, ShareOutASmallMapOfOneImage) {
  // Many filters are shared out; of few the tiles are.
  for (const BlockedConvolution& c : {BlockedConvolution{256, 256, 7, 7, {3, 3}, {1, 1}, {1, 1, 1, 1}}, BlockedConvolution{16, 16, 32, 32, {3, 3}, {1, 1}, {1, 1, 1, 1}}}) {
    const Module module = blocked_module(c);
    EXPECT_GE(most_tasks(module, random_arguments(module.functions[0], 1), 1), 2) << c.channels << " channels";
  }
}

void check_dense(int64_t in, int64_t out, const std::string& inference_template = kAnyTemplate) {
  check("dense", {{image({in}), weight({out, in}), weight({out})}, {}}, "t.gradients", "dense.lanes");
  check("dense", {{image({in}), weight({out, in}), weight({out})}, {}}, "infer", inference_template);
  check("dense_grad_input", {{image({out}), weight({out, in})}, {}}, "t.gradients", "dense.lanes_grad_input");
  check("dense_grad_weight", {{image({in}), image({out})}, {}}, "t.gradients", "dense.lanes_grad_weight");
}

TEST(Shapes, Dense) {
  check_dense(84, 10, "dense.vector");
  check_dense(50, 37);
  check_dense(3, 2);
  // More outputs than the sums of one block, which do not divide into such blocks.
  check_dense(70, 1000);
  check_dense(64, 1013);
  // Strips of several tiles of inputs, which divide the inputs and which do not.
  check_dense(400, 40);
  check_dense(151, 40);
}

}  // namespace
}  // namespace cnnc
