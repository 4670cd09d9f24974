// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What layers build, and the exact text of what they report.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "harness.h"
#include "layer_context.h"

namespace cnnc::test {
namespace {

const TensorType kMap{ElementType::F32, true, {16, 3, 3}};
TensorType map_of(int64_t channels, int64_t height, int64_t width) { return {ElementType::F32, true, {channels, height, width}}; }

/// A context for a layer with one input of this type.
TestContext with_input(std::string_view layer, const TensorType& type, std::string text) {
  TestContext context(layer, std::move(text));
  context.set("x", context.input(type));
  return context;
}

TEST(Layers, EveryOneIsDocumented) {
  for (const LayerDef& layer : all_layers()) {
    SCOPED_TRACE(layer.name);
    EXPECT_TRUE(layer.doc.ends_with('.'));
    EXPECT_FALSE(layer.example.empty());
    for (const ArgumentDef& argument : layer.arguments) EXPECT_FALSE(argument.doc.empty()) << argument.name;
    EXPECT_EQ(layer.kind == LayerKind::Function, !layer.formula.empty());
    const bool of_labels = layer.kind == LayerKind::Loss || (layer.kind == LayerKind::Metric && layer.name != "loss");
    EXPECT_EQ(of_labels, layer.label != nullptr);
  }
}

TEST(Layers, EveryElementwiseLayerBuildsWhatItsFormulaSays) {
  int count = 0;
  for (const LayerDef& layer : all_layers()) {
    if (layer.kind != LayerKind::Function) continue;
    TestContext context(layer.name, "call");
    for (const ArgumentDef& argument : layer.arguments) context.set(std::string(argument.name), context.input(map_of(1, 2, 2)));
    const auto results = context.build();
    ASSERT_EQ(results.size(), 1u) << layer.name;
    EXPECT_EQ(context.graph.node(context.graph.value(results[0]).node).op->name, "map");
    ++count;
  }
  EXPECT_GE(count, 12);
}

/// The value of an activation at x.
double activation(std::string_view layer, double x, const std::string& name = {}, const ArgumentValue& value = {}) {
  TestContext context(layer, std::string(layer));
  context.set("x", context.input({ElementType::F32, true, {1}}));
  if (!name.empty()) context.set(name, value);
  const auto results = context.build();
  const Node& node = context.graph.node(context.graph.value(results.at(0)).node);
  return std::get<ScalarExpression>(node.attributes.at("f")).evaluate(std::vector{x});
}

double activation_slope(std::string_view layer, double x) {
  TestContext context(layer, std::string(layer));
  context.set("x", context.input({ElementType::F32, true, {1}}));
  const Node& node = context.graph.node(context.graph.value(context.build().at(0)).node);
  return std::get<ScalarExpression>(node.attributes.at("f")).derivative(0).evaluate(std::vector{x});
}

TEST(Activations, HaveTheseValues) {
  EXPECT_EQ(activation("relu", -2), 0);
  EXPECT_EQ(activation("relu", 2), 2);
  EXPECT_EQ(activation("relu6", 7), 6);
  EXPECT_EQ(activation("leaky_relu", -2), -0.02);
  EXPECT_EQ(activation("leaky_relu", -2, "slope", 0.5), -1);
  EXPECT_NEAR(activation("elu", -1), -0.6321205588285577, 1e-12);
  EXPECT_NEAR(activation("selu", -1), -1.1113307378125625, 1e-9);
  EXPECT_NEAR(activation("gelu", 1), 0.8413447460685429, 1e-12);
  EXPECT_NEAR(activation("gelu", 1, "approx", std::string("tanh")), 0.8411919906082768, 1e-9);
  EXPECT_NEAR(activation("silu", 1), 0.7310585786300049, 1e-12);
  EXPECT_NEAR(activation("mish", 1), 0.8650983882673103, 1e-9);
  EXPECT_NEAR(activation("softplus", 0), 0.6931471805599453, 1e-12);
  EXPECT_EQ(activation("softplus", 25), 25);
  EXPECT_EQ(activation("hard_swish", -3), 0);
  EXPECT_NEAR(activation("hard_swish", 1), 4.0 / 6, 1e-12);
  EXPECT_EQ(activation("hard_sigmoid", 0), 0.5);
}

TEST(Activations, HaveTheseDerivativesAtTheirCorners) {
  EXPECT_EQ(activation_slope("relu", 0), 0);
  EXPECT_EQ(activation_slope("relu6", 0), 0);
  EXPECT_EQ(activation_slope("relu6", 6), 0);
  EXPECT_EQ(activation_slope("leaky_relu", 0), 0.01);
  EXPECT_EQ(activation_slope("mish", 1000), 1) << "no infinity divided by infinity";
  EXPECT_EQ(activation_slope("softplus", 1000), 1);
}

TEST(Activations, LetNanThrough) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const std::string_view name : {"relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus", "hard_swish",
                                      "hard_sigmoid", "sigmoid", "tanh"})
    EXPECT_TRUE(std::isnan(activation(name, nan))) << name;
}

// ---- conv

TEST(ConvLayer, NamesItsWeightsAndStartsThemAsPyTorchDoes) {
  auto context = with_input("conv", map_of(4, 8, 8), "conv(6, kernel: 3, groups: 2)");
  context.set("filters", int64_t{6}).set("kernel", Dims{3, 3}).set("groups", int64_t{2});
  const auto results = context.build();
  EXPECT_EQ(to_string(context.type(results.at(0))), "f32[N, 6, 6, 6]");
  const Parameter& weight = context.parameters.at("weight");
  EXPECT_EQ(to_string(weight.type.dims), "[6, 2, 3, 3]");
  EXPECT_EQ(weight.initialiser, (Initialiser{.name = "uniform_fan_in", .fan_in = 18, .fan_out = 54}));
  EXPECT_EQ(context.parameters.at("bias").initialiser.fan_in, 18);
  EXPECT_EQ(context.parameters.at("bias").group, "bias");
}

/// The padding that `same` gives a convolution along a row of n pixels: left, right.
std::pair<int64_t, int64_t> same_padding(int64_t n, int64_t kernel, int64_t stride, int64_t dilation, int64_t& outputs) {
  auto context = with_input("conv", map_of(1, 1, n), "conv");
  context.set("filters", int64_t{1}).set("kernel", Dims{1, kernel}).set("stride", Dims{1, stride}).set("dilation", Dims{1, dilation});
  context.set("pad", Padding{.same = true});
  const ValueId y = context.build().at(0);
  outputs = context.type(y).dims[2];
  const Dims pad = std::get<Dims>(context.graph.node(context.graph.value(y).node).attributes.at("pad"));
  return {pad[1], pad[3]};
}

TEST(ConvLayer, SamePaddingGivesTheOddPixelToTheEnd) {
  int64_t outputs = 0;
  EXPECT_EQ(same_padding(7, 3, 1, 1, outputs), std::pair(int64_t{1}, int64_t{1}));
  EXPECT_EQ(outputs, 7);
  EXPECT_EQ(same_padding(7, 4, 1, 1, outputs), std::pair(int64_t{1}, int64_t{2}));
  EXPECT_EQ(outputs, 7);
  EXPECT_EQ(same_padding(8, 3, 2, 1, outputs), std::pair(int64_t{0}, int64_t{1}));
  EXPECT_EQ(outputs, 4);
  EXPECT_EQ(same_padding(7, 3, 2, 1, outputs), std::pair(int64_t{1}, int64_t{1}));
  EXPECT_EQ(outputs, 4);
  EXPECT_EQ(same_padding(9, 3, 1, 2, outputs), std::pair(int64_t{2}, int64_t{2}));
  EXPECT_EQ(outputs, 9);
  EXPECT_EQ(same_padding(9, 1, 3, 1, outputs), std::pair(int64_t{0}, int64_t{0}));
  EXPECT_EQ(outputs, 3);
}

TEST(ConvLayer, KernelLargerThanTheInput) {
  auto context = with_input("conv", kMap, "conv(16, kernel: 5)");
  context.set("filters", int64_t{16}).set("kernel", Dims{5, 5});
  EXPECT_TRUE(context.build().empty());
  EXPECT_EQ(context.reported(),
            "error: `conv(16, kernel: 5)` needs an input of at least 5x5, but its input is 16x3x3 [shape-mismatch]\n"
            "note: the shape 16x3x3 comes from here\n"
            "help: use `pad: same`, or a kernel of at most 3\n");
}

TEST(ConvLayer, KernelLargerThanThePaddedInput) {
  auto context = with_input("conv", map_of(1, 4, 30), "conv(1, kernel: 20)");
  context.set("filters", int64_t{1}).set("kernel", Dims{20, 20}).set("pad", Padding{.top = 1, .left = 2, .bottom = 3, .right = 5});
  EXPECT_TRUE(context.build().empty());
  EXPECT_EQ(context.reported(),
            "error: `conv(1, kernel: 20)` needs an input of at least 16x13, but its input is 1x4x30 [shape-mismatch]\n"
            "note: the shape 1x4x30 comes from here\n"
            "help: use `pad: same`, or a kernel of at most [8, 37]\n");
}

TEST(ConvLayer, WeightThatCannotExist) {
  auto context = with_input("conv", map_of(1 << 20, 1, 1), "conv(1048576, kernel: 2)");
  context.set("filters", int64_t{1} << 20).set("kernel", Dims{2, 2}).set("pad", Padding{.same = true});
  EXPECT_TRUE(context.build().empty());
  EXPECT_EQ(context.reported(),
            "error: `conv(1048576, kernel: 2)` would make a tensor of 1048576x1048576x2x2, which is 2^40 elements or more [shape-mismatch]\n");
}

TEST(ReshapeLayer, HasALimitOfDimensions) {
  auto context = with_input("reshape", {ElementType::F32, true, {1}}, "reshape(shape)");
  context.set("shape", ConstantTable{.dims = {17}, .numbers = Numbers(17, 1.0)});
  EXPECT_TRUE(context.build().empty());
  EXPECT_EQ(context.reported(), "error: `reshape(shape)` would make a tensor of 17 dimensions; the limit is 16 [shape-mismatch]\n");
}

TEST(ConcatLayer, NamesTheFirstInputWhereTheAxisIsMissing) {
  TestContext context("concat", "concat(a, b)");
  const ValueId a = context.input({ElementType::F32, true, {3}}), b = context.input(kMap);
  context.set("values", std::vector<ValueId>{a, b}).set("axis", int64_t{1});
  EXPECT_TRUE(context.build().empty());
  EXPECT_EQ(context.reported(),
            "error: `concat(a, b)` joins along axis 1, but its first input is 3 [shape-mismatch]\n"
            "note: the shape 3 comes from here\n");
}

TEST(Arithmetic, TakesNoWholeNumbersOnEitherSide) {
  for (const bool left : {true, false}) {
    TestContext context("add", "a + b");
    const ValueId number = context.input({ElementType::F32, true, {3}}), label = context.input({ElementType::I32, true, {3}});
    context.set("x", left ? label : number).set("y", left ? number : label);
    EXPECT_TRUE(context.build().empty());
    EXPECT_EQ(context.reported(),
              "error: `a + b` computes with real numbers, but its input holds whole numbers (labels) [shape-mismatch]\n"
              "note: the shape 3 comes from here\n");
  }
}

/// The value of a layer that gives one number for the feature map 1, 2, 3, 6.
double of_four_numbers(std::string_view layer) {
  auto context = with_input(layer, map_of(1, 2, 2), std::string(layer));
  const ValueId y = context.build().at(0), x = std::get<ValueId>(context.argument("x"));
  const Function function{.name = "f", .arguments = {{"x", Role::Input, x}}, .graph = context.graph, .results = {{"y", Role::Output, y}}};
  return interpret(expanded(function, Mode::Inference), std::vector{image({1, 2, 2}, {1, 2, 3, 6})}, 1).at(0).values.at(0);
}

TEST(Means, DivideByTheNumberOfElements) {
  EXPECT_EQ(of_four_numbers("global_avgpool"), 3);
  EXPECT_EQ(of_four_numbers("mean"), 3);
  EXPECT_EQ(of_four_numbers("sum"), 12);
}

TEST(ConvLayer, VectorForAnInput) {
  auto context = with_input("conv", {ElementType::F32, true, {10}}, "conv(16, kernel: 5)");
  context.set("filters", int64_t{16}).set("kernel", Dims{5, 5});
  EXPECT_TRUE(context.build().empty());
  EXPECT_EQ(context.reported(),
            "error: `conv(16, kernel: 5)` needs a feature map [channels, height, width], but its input is 10 [shape-mismatch]\n"
            "note: the shape 10 comes from here\n"
            "help: move it before `flatten`, or give the value three dimensions with `reshape`\n");
}

TEST(ConvLayer, GroupsThatDoNotDivide) {
  auto context = with_input("conv", map_of(6, 8, 8), "conv(8, kernel: 3, groups: 4)");
  context.set("filters", int64_t{8}).set("kernel", Dims{3, 3}).set("groups", int64_t{4});
  EXPECT_TRUE(context.build().empty());
  EXPECT_EQ(context.reported(),
            "error: `conv(8, kernel: 3, groups: 4)` has 6 input channels, 8 filters and 4 groups: the groups must divide both "
            "[shape-mismatch]\n"
            "note: the shape 6x8x8 comes from here\n");
}

TEST(ConvLayer, StrideLargerThanTheKernelIsAWarning) {
  auto context = with_input("conv", map_of(1, 9, 9), "conv(8, kernel: 2, stride: 3)");
  context.set("filters", int64_t{8}).set("kernel", Dims{2, 2}).set("stride", Dims{3, 3});
  EXPECT_EQ(context.build().size(), 1u);
  EXPECT_EQ(context.reported(),
            "warning: `conv(8, kernel: 2, stride: 3)` skips pixels: its stride 3 is larger than its kernel 2 [skipped-pixels]\n"
            "help: use a stride of at most 2\n");
}

TEST(ConvLayer, ShrinkingWithAKernelOfOneIsNot) {
  auto context = with_input("conv", map_of(1, 9, 9), "conv(8, kernel: 1, stride: 2)");
  context.set("filters", int64_t{8}).set("kernel", Dims{1, 1}).set("stride", Dims{2, 2});
  EXPECT_EQ(context.build().size(), 1u);
  EXPECT_EQ(context.reported(), "");
}

TEST(ConvLayer, ResultThatCannotExist) {
  auto context = with_input("conv", map_of(1, 1 << 15, 1 << 15), "conv(16777216, kernel: 1)");
  context.set("filters", int64_t{1} << 24).set("kernel", Dims{1, 1});
  EXPECT_TRUE(context.build().empty());
  EXPECT_EQ(context.reported(),
            "error: `conv(16777216, kernel: 1)` would make a tensor of 16777216x32768x32768, which is 2^40 elements or more "
            "[shape-mismatch]\n");
}

TEST(FilterLayer, AppliesTheKernelToEveryChannel) {
  auto context = with_input("filter", map_of(2, 1, 2), "filter([[1, 10]])");
  context.set("kernel", ConstantTable{{1, 2}, {1, 10}});
  const auto results = context.build();
  EXPECT_TRUE(context.parameters.empty()) << "nothing is learned";
  Function function{.name = "filter", .arguments = {{"x", Role::Input, ValueId{0}}}, .graph = context.graph,
                    .results = {{"y", Role::Output, results.at(0)}}};
  EXPECT_EQ(interpret(function, std::vector{image({2, 1, 2}, {1, 2, 3, 4})}, 1).at(0).values, (std::vector<double>{21, 43}));
}

// ---- the others

TEST(PoolLayers, StrideIsTheKernelUnlessGiven) {
  auto context = with_input("maxpool", map_of(2, 9, 9), "maxpool(3)");
  context.set("kernel", Dims{3, 3});
  const auto results = context.build();
  ASSERT_EQ(results.size(), 1u) << "the index is the gradient's business";
  EXPECT_EQ(to_string(context.type(results[0])), "f32[N, 2, 3, 3]");
}

TEST(PoolLayers, PaddingOfMoreThanHalfTheKernel) {
  auto context = with_input("avgpool", map_of(2, 9, 9), "avgpool(3, pad: 2)");
  context.set("kernel", Dims{3, 3}).set("pad", Padding{.top = 2, .left = 2, .bottom = 2, .right = 2});
  EXPECT_TRUE(context.build().empty());
  EXPECT_EQ(context.reported(),
            "error: `avgpool(3, pad: 2)`: padding 2 is more than half the kernel 3 [layer-argument]\n"
            "help: a window would see nothing of the image; make the padding smaller or the kernel larger\n");
}

TEST(DenseLayer, FeatureMapForAnInput) {
  auto context = with_input("dense", kMap, "dense(10)");
  context.set("units", int64_t{10});
  EXPECT_TRUE(context.build().empty());
  EXPECT_EQ(context.reported(),
            "error: `dense(10)` needs a vector, but its input is 16x3x3 [shape-mismatch]\n"
            "note: the shape 16x3x3 comes from here\n"
            "help: put `flatten` before it\n");
}

TEST(AddLayer, ShapesThatDoNotFit) {
  TestContext context("add", "add(shortcut)");
  context.set("x", context.input(map_of(16, 8, 8))).set("y", context.input(map_of(32, 8, 8)));
  EXPECT_TRUE(context.build().empty());
  EXPECT_EQ(context.reported(),
            "error: `add(shortcut)` cannot combine the shapes 16x8x8 and 32x8x8 [shape-mismatch]\n"
            "note: the shape 16x8x8 comes from here\n"
            "note: the shape 32x8x8 comes from here\n"
            "help: shapes fit when they are equal, or one of them is 1, at each place counted from the last\n");
}

TEST(ConcatLayer, OnlyTheAxisMayDiffer) {
  TestContext context("concat", "concat(a, b)");
  context.set("values", std::vector{context.input(map_of(16, 8, 8)), context.input(map_of(16, 4, 4))});
  EXPECT_TRUE(context.build().empty());
  EXPECT_EQ(context.reported(),
            "error: `concat(a, b)` cannot join 16x8x8 and 16x4x4: only axis 0 may differ [shape-mismatch]\n"
            "note: the shape 16x8x8 comes from here\n"
            "note: the shape 16x4x4 comes from here\n");
}

TEST(ConcatLayer, ElementTypesMustAgree) {
  TestContext context("concat", "concat(a, b)");
  context.set("values", std::vector{context.input(map_of(2, 3, 3)), context.input({ElementType::F64, true, {2, 3, 3}})});
  EXPECT_TRUE(context.build().empty());
  EXPECT_NE(context.reported(), "");
}

TEST(SplitLayer, GivesEqualPartsInOrder) {
  auto context = with_input("split", map_of(6, 2, 2), "split(x, 3)");
  context.set("parts", int64_t{3});
  const auto parts = context.build();
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(to_string(context.type(parts[2])), "f32[N, 2, 2, 2]");
}

TEST(ReshapeLayer, OtherNumberOfElements) {
  auto context = with_input("reshape", kMap, "reshape([12, 12, 2])");
  context.set("shape", ConstantTable{{3}, {12, 12, 2}});
  EXPECT_TRUE(context.build().empty());
  EXPECT_EQ(context.reported(),
            "error: `reshape([12, 12, 2])` makes 288 elements, but its input 16x3x3 has 144 [shape-mismatch]\n"
            "note: the shape 16x3x3 comes from here\n");
}

TEST(BatchnormLayer, HasWeightsAndStatisticsAndUpdatesThem) {
  auto context = with_input("batchnorm", map_of(4, 2, 2), "batchnorm");
  EXPECT_EQ(context.build().size(), 1u);
  EXPECT_EQ(context.parameters.at("weight").initialiser.name, "ones");
  EXPECT_EQ(context.parameters.at("bias").group, "norm");
  EXPECT_EQ(context.parameters.at("running_mean").role, Role::State);
  EXPECT_EQ(context.parameters.at("running_var").initialiser.name, "ones");
  EXPECT_EQ(context.updates.size(), 2u);
}

TEST(DropoutLayer, EachHasAStreamOfItsOwn) {
  auto context = with_input("dropout", map_of(4, 2, 2), "dropout");
  const auto stream = [&] {
    return std::get<int64_t>(context.graph.node(context.graph.value(context.build().at(0)).node).attributes.at("stream"));
  };
  const int64_t first = stream();
  EXPECT_NE(first, stream());
}

TEST(Losses, LabelsThatDoNotFitTheOutput) {
  TestContext context("cross_entropy", "cross_entropy");
  context.set("output", context.input(map_of(3, 4, 4))).set("label", context.input({ElementType::I32, true, {}}));
  EXPECT_TRUE(context.build().empty());
  EXPECT_EQ(context.reported(),
            "error: `cross_entropy` needs labels of 4x4 for the output 3x4x4, but they are a single number [shape-mismatch]\n"
            "note: the shape 3x4x4 comes from here\n");
}

TEST(Losses, TellTheLabelsThatTheyWant) {
  const TensorType scores{ElementType::F32, true, {3, 4, 5}};
  EXPECT_EQ(to_string(find_layer("cross_entropy")->label(scores)), "i32[N, 4, 5]");
  EXPECT_EQ(to_string(find_layer("accuracy")->label({ElementType::F32, true, {10}})), "i32[N]");
  EXPECT_EQ(to_string(find_layer("mse")->label(scores)), "f32[N, 3, 4, 5]");
}

/// What the loss `mse` of an output and a label of these dimensions reports.
std::string mse_reports(Dims output, Dims label) {
  TestContext context("mse", "mse");
  context.set("output", context.input({ElementType::F32, true, std::move(output)})).set("label", context.input({ElementType::F32, true, std::move(label)}));
  context.build();
  return context.reported();
}

TEST(Losses, TakeOneNumberForOneNumber) {
  EXPECT_EQ(mse_reports({1}, {}), "");
  EXPECT_EQ(mse_reports({1, 1}, {1}), "");
  EXPECT_EQ(mse_reports({2}, {}), "error: `mse` compares 2 with a label of a single number [shape-mismatch]\nnote: the shape 2 comes from here\n");
  EXPECT_EQ(mse_reports({1}, {3}), "error: `mse` compares 1 with a label of 3 [shape-mismatch]\nnote: the shape 1 comes from here\n");
}

/// A loss of outputs (one vector of two) against labels.
double loss_of(std::string_view name, std::vector<double> output, const Array& label) {
  TestContext context(name, std::string(name));
  const ValueId y = context.input({ElementType::F32, true, {2}}), t = context.input(label.type);
  const auto results = context.set("output", y).set("label", t).build();
  Function function{.name = "loss", .arguments = {{"y", Role::Input, y}, {"t", Role::Label, t}}, .graph = context.graph,
                    .results = {{"loss", Role::Loss, results.at(0)}}};
  return interpret(expanded(function, Mode::Training), std::vector{image({2}, std::move(output)), label}, 1).at(0).values.at(0);
}

TEST(Losses, HaveTheseValues) {
  EXPECT_EQ(loss_of("l1", {1, -2}, image({2}, {0, 1})), 2);
  EXPECT_EQ(loss_of("l1", {1, -4}, image({2}, {0, 1})), 3) << "the mean over the elements";
  EXPECT_EQ(loss_of("mean_absolute_error", {1, -4}, image({2}, {0, 1})), 3);
  EXPECT_EQ(loss_of("mse", {1, -2}, image({2}, {0, 1})), 5);
  EXPECT_EQ(loss_of("mse", {1, -3}, weight({}, {1})), 8) << "against one number";
  EXPECT_NEAR(loss_of("bce_with_logits", {0, 2}, image({2}, {1, 0})), (0.6931471805599453 + 2.1269280110429727) / 2, 1e-12);
  EXPECT_EQ(loss_of("bce_with_logits", {1000, -1000}, image({2}, {0, 1})), 1000);
}

}  // namespace
}  // namespace cnnc::test
