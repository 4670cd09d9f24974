// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradients of whole small networks against differences of their loss in random directions, in double precision; and what
// `differentiate` makes of weights that the loss does not reach.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "autodiff/differentiate.h"
#include "autodiff/gradient_builder.h"
#include "ir/body.h"
#include "ir/parse.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "ops/interpreter.h"
#include "optimize/passes.h"

namespace cnnc::test {
namespace {

constexpr int64_t kImages = 3;

/// `r.loss` in f64 over these arguments, `image f64[N, 2, 4, 4]` and `label i32[N]`; `body` defines %loss of one number an image.
Function loss_function(const std::string& weights, const std::string& body) {
  std::string text, arguments = "argument input %image : f64[N, 2, 4, 4]\nargument label %label : i32[N]\n";
  for (size_t begin = 0; begin < weights.size();) {
    const size_t end = std::min(weights.find(';', begin), weights.size());
    const std::string one = weights.substr(begin, end - begin);      // "weight w [3]"
    const size_t bracket = one.find('['), name = one.find(' ');
    const std::string role = one.substr(0, name), label = one.substr(name + 1, bracket - name - 2), dims = one.substr(bracket);
    text += fmt::format("{} {} : f64{} = zeros {{fan_in = 1, fan_out = 1, group = \"\", second = 0.0, value = 0.0}}\n", role, label, dims);
    arguments += fmt::format("argument {} %{} : f64{}\n", role, label, dims);
    begin = end + 1;
  }
  text += "function r.loss {\n" + arguments + body + "\nresult loss loss = %loss\n}\n";
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const Module module = parse_module(sources, sources.add("loss.ir", text), diagnostics);
  EXPECT_FALSE(diagnostics.has_errors()) << diagnostics.render(false) << text;
  return diagnostics.has_errors() ? Function{} : module.functions.at(0);
}

std::vector<Array> random_arguments(const Function& function, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> number(-1, 1);
  std::vector<Array> arrays;
  for (const Port& port : function.arguments) {
    const TensorType& type = function.graph.type(port.value);
    Array array{type, std::vector<double>(static_cast<size_t>(element_count(type.dims) * (type.batched ? kImages : 1)))};
    for (double& value : array.values) {
      if (type.element == ElementType::I32) value = static_cast<double>(random() % 3);
      else value = port.name == "images" ? kImages : port.role == Role::State ? 1 + number(random) / 2 : number(random);
    }
    arrays.push_back(std::move(array));
  }
  return arrays;
}

double mean_loss(const Function& function, const std::vector<Array>& arguments) {
  const std::vector<Array> results = interpret(function, arguments, kImages);
  double sum = 0;
  for (const double value : results.at(0).values) sum += value;
  return sum / kImages;
}

/// Checks the gradients of all weights in three random directions.
void check_gradients(const Function& loss, uint32_t seed = 1) {
  const Function forward = expand_for_autodiff(loss);
  const Function gradients = expand_training(differentiate(forward));
  verify(gradients, "differentiate");
  const Function value = expand_training(loss);
  const std::vector<Array> arguments = random_arguments(gradients, seed);
  // The expansion for training appends the same arguments to both; `images` is of the gradients alone.
  std::vector<Array> of_value;
  for (const Port& port : value.arguments) {
    for (size_t i = 0; i < arguments.size(); ++i) {
      if (gradients.arguments[i].name == port.name && gradients.arguments[i].role == port.role) of_value.push_back(arguments[i]);
    }
  }
  ASSERT_EQ(of_value.size(), value.arguments.size());
  const std::vector<Array> results = interpret(gradients, arguments, kImages);

  std::mt19937 random(seed + 100);
  std::uniform_real_distribution<double> number(-1, 1);
  for (int direction = 0; direction < 3; ++direction) {
    std::vector<std::vector<double>> steps(of_value.size());
    double slope = 0;
    for (size_t i = 0; i < of_value.size(); ++i) {
      const Port& port = value.arguments[i];
      steps[i].resize(of_value[i].values.size());
      if (port.role != Role::Weight) continue;
      for (double& step : steps[i]) step = number(random);
      for (size_t r = 0; r < results.size(); ++r) {
        if (gradients.results[r].role != Role::Gradient || gradients.results[r].name != port.name) continue;
        for (size_t k = 0; k < steps[i].size(); ++k) slope += steps[i][k] * results[r].values.at(k);
      }
    }
    const auto central = [&](double size) {
      double values[2] = {};
      for (const int side : {0, 1}) {
        std::vector<Array> moved = of_value;
        for (size_t i = 0; i < moved.size(); ++i) {
          for (size_t k = 0; k < steps[i].size(); ++k) moved[i].values[k] += (side == 0 ? -size : size) * steps[i][k];
        }
        values[side] = mean_loss(value, moved);
      }
      return (values[1] - values[0]) / (2 * size);
    };
    const double wanted = (4 * central(5e-5) - central(1e-4)) / 3;
    ASSERT_GT(std::fabs(wanted), 1e-4) << "a direction in which the loss changes";
    EXPECT_NEAR(slope, wanted, 1e-6 * std::fabs(wanted)) << "direction " << direction << "\n" << to_string(differentiate(forward));
  }
}

TEST(NetworkGradient, OfConvolutionBatchnormPoolAndDense) {
  check_gradients(loss_function("weight c [3, 2, 3, 3];weight b [3];weight g [3];weight h [3];weight d [3, 12];weight e [3];state m [3];state v [3]", R"IR(
    %1 = conv(%image, %c, %b) {pad = [1, 1, 1, 1]} : f64[N, 3, 4, 4]
    %2, %m1, %v1 = batchnorm(%1, %g, %h, %m, %v) : (f64[N, 3, 4, 4], f64[3], f64[3])
    %3 = map(%2) {f = f"max(x0, 0)"} : f64[N, 3, 4, 4]
    %4, %w = maxpool(%3) : (f64[N, 3, 2, 2], i32[N, 3, 2, 2])
    %5 = reshape(%4) {dims = [12]} : f64[N, 12]
    %6 = dense(%5, %d, %e) : f64[N, 3]
    %loss = cross_entropy(%6, %label) : f64[N])IR"));
}

TEST(NetworkGradient, OfBatchnormWhoseScaleIsFixed) {
  check_gradients(loss_function("weight c [3, 2, 1, 1];state m [3];state v [3]", R"IR(
    %1 = conv(%image, %c) : f64[N, 3, 4, 4]
    %g = constant() {dims = [3], element = "f64", values = {1, 2, 0.5}} : f64[3]
    %2, %m1, %v1 = batchnorm(%1, %g, %g, %m, %v) : (f64[N, 3, 4, 4], f64[3], f64[3])
    %3 = map(%2) {f = f"tanh(x0)"} : f64[N, 3, 4, 4]
    %4 = reduce(%3) {axes = [0, 1, 2]} : f64[N, 1, 1, 1]
    %loss = reshape(%4) {dims = []} : f64[N])IR"));
}

TEST(NetworkGradient, OfStridedGroupedDilatedConvolutionsAndAveragePools) {
  check_gradients(loss_function("weight c [4, 1, 3, 2];weight d [2, 4, 2, 2];weight e [3, 2]", R"IR(
    %1 = conv(%image, %c) {groups = 2, pad = [2, 1, 0, 1], stride = [1, 2]} : f64[N, 4, 4, 3]
    %2 = map(%1) {f = f"tanh(x0)"} : f64[N, 4, 4, 3]
    %3 = conv(%2, %d) {dilation = [2, 1]} : f64[N, 2, 2, 2]
    %4 = avgpool(%3) : f64[N, 2, 1, 1]
    %5 = reshape(%4) {dims = [2]} : f64[N, 2]
    %6 = dense(%5, %e) : f64[N, 3]
    %loss = cross_entropy(%6, %label) {smoothing = 0.1} : f64[N])IR"));
}

TEST(NetworkGradient, OfSharedWeights) {
  // One filter in three layers, one matrix on both sides of an activation.
  check_gradients(loss_function("weight c [2, 2, 3, 3];weight d [32, 32]", R"IR(
    %1 = conv(%image, %c) {pad = [1, 1, 1, 1]} : f64[N, 2, 4, 4]
    %2 = map(%1) {f = f"sin(x0)"} : f64[N, 2, 4, 4]
    %3 = conv(%2, %c) {pad = [1, 1, 1, 1]} : f64[N, 2, 4, 4]
    %4 = conv(%3, %c) {flip = true, pad = [1, 1, 1, 1]} : f64[N, 2, 4, 4]
    %5 = reshape(%4) {dims = [32]} : f64[N, 32]
    %6 = dense(%5, %d) : f64[N, 32]
    %7 = map(%6) {f = f"sigmoid(x0)"} : f64[N, 32]
    %8 = dense(%7, %d) : f64[N, 32]
    %9 = reduce(%8) {axes = [0]} : f64[N, 1]
    %loss = reshape(%9) {dims = []} : f64[N])IR"));
}

TEST(NetworkGradient, OfValuesUsedSeveralTimes) {
  // A residual connection, a value that is both operands of a product, and a branch back to the loss.
  check_gradients(loss_function("weight c [2, 2, 1, 1];weight a [2, 1, 1]", R"IR(
    %1 = conv(%image, %c) : f64[N, 2, 4, 4]
    %2 = map(%1, %1, %a) {f = f"x0 * x1 + x0 * x2"} : f64[N, 2, 4, 4]
    %3 = map(%2, %1) {f = f"tanh(x0) + x1"} : f64[N, 2, 4, 4]
    %4 = map(%3, %1, %2) {f = f"x0 * x0 - sin(x1) * x2"} : f64[N, 2, 4, 4]
    %5 = reduce(%4) {axes = [0, 1, 2]} : f64[N, 1, 1, 1]
    %6 = reduce(%2) {axes = [0, 1, 2], op = "max"} : f64[N, 1, 1, 1]
    %7 = map(%5, %6) {f = f"x0 + x1"} : f64[N, 1, 1, 1]
    %loss = reshape(%7) {dims = []} : f64[N])IR"));
}

TEST(NetworkGradient, OfConcatenationAndSlices) {
  check_gradients(loss_function("weight c [3, 2, 1, 1];weight d [1, 2, 1, 1];weight k [2, 4, 4]", R"IR(
    %1 = conv(%image, %c) : f64[N, 3, 4, 4]
    %2 = conv(%image, %d) : f64[N, 1, 4, 4]
    %3 = concat(%1, %image, %2, %k, %1) : f64[N, 11, 4, 4]
    %4 = slice(%3) {begin = 1, end = 7} : f64[N, 6, 4, 4]
    %5 = slice(%3) {begin = 5, end = 11} : f64[N, 6, 4, 4]
    %6 = map(%4, %5) {f = f"x0 * x1 + x1"} : f64[N, 6, 4, 4]
    %7 = reshape(%6) {dims = [96]} : f64[N, 96]
    %8 = reduce(%7) {axes = [0]} : f64[N, 1]
    %loss = reshape(%8) {dims = []} : f64[N])IR"));
}

TEST(NetworkGradient, OfBroadcasting) {
  // Over images, over pixels, over channels, over missing axes; a weight broadcast against a weight.
  check_gradients(loss_function("weight a [2, 1, 1];weight b [4];weight c [];weight d [2, 4, 4];weight e [4, 1]", R"IR(
    %1 = map(%image, %a, %b, %c) {f = f"tanh(x0 * x1 + x2) * x3"} : f64[N, 2, 4, 4]
    %2 = map(%e, %b) {f = f"exp(x0) * x1"} : f64[4, 4]
    %3 = map(%1, %d, %2) {f = f"x0 * x1 - x2 / (1 + x0 * x0)"} : f64[N, 2, 4, 4]
    %4 = broadcast(%c) {batched = true, dims = [2, 4, 4]} : f64[N, 2, 4, 4]
    %5 = map(%3, %4) {f = f"x0 * x0 + x0 * x1"} : f64[N, 2, 4, 4]
    %6 = reduce(%5) {axes = [0, 1, 2]} : f64[N, 1, 1, 1]
    %loss = reshape(%6) {dims = []} : f64[N])IR"));
}

TEST(NetworkGradient, OfALossThatIsAnExpansion) {
  check_gradients(loss_function("weight d [3, 32];weight t [3]", R"IR(
    %1 = reshape(%image) {dims = [32]} : f64[N, 32]
    %2 = dense(%1, %d) : f64[N, 3]
    %3 = softmax(%2) : f64[N, 3]
    %4 = log_softmax(%2) : f64[N, 3]
    %5 = map(%3, %4, %t) {f = f"x0 * x1 + x2 * x2"} : f64[N, 3]
    %loss = mse(%5, %3) : f64[N])IR"));
}

TEST(NetworkGradient, OfDropoutWithTheSameDraws) {
  check_gradients(loss_function("weight d [8, 32];weight e [3, 8]", R"IR(
    %1 = reshape(%image) {dims = [32]} : f64[N, 32]
    %2 = dense(%1, %d) : f64[N, 8]
    %3 = dropout(%2) {p = 0.25, stream = 3} : f64[N, 8]
    %4 = map(%3) {f = f"max(x0, 0.1 * x0)"} : f64[N, 8]
    %5 = dense(%4, %e) : f64[N, 3]
    %loss = cross_entropy(%5, %label) : f64[N])IR"));
}

TEST(NetworkGradient, OfASmallestAndALargestValue) {
  check_gradients(loss_function("weight c [2, 2, 1, 1]", R"IR(
    %1 = conv(%image, %c) : f64[N, 2, 4, 4]
    %2 = reduce(%1) {axes = [1, 2], op = "max"} : f64[N, 2, 1, 1]
    %3 = reduce(%1) {axes = [0, 1, 2], batch = true, op = "min"} : f64[1, 1, 1]
    %4 = map(%2, %3) {f = f"x0 * x0 + x1"} : f64[N, 2, 1, 1]
    %5 = reduce(%4) {axes = [0, 1, 2]} : f64[N, 1, 1, 1]
    %loss = reshape(%5) {dims = []} : f64[N])IR"));
}

/// 3 x, whose rule adds the gradient in two parts.
OpDef triple() {
  return Op<>{.name = "triple",
              .doc = "",
              .operands = {{"x", ""}},
              .attributes = {},
              .infer = [](const OpCall<NoAttributes>& call) -> InferResult { return std::vector{call.in[0]}; },
              .gradient =
                  [](const OpCall<NoAttributes>&, GradientBuilder& g) {
                    g.add_to(0, g.build().map("2 * x0", {g.dy()}));
                    g.add_to(0, g.dy());
                  },
              .define = [](const OpCall<NoAttributes>&, Body& body, int, const Point& point) { return body.at(0, point) * body.number(3); },
              .samples = {}};
}

TEST(NetworkGradient, IsTheSumOfWhatARuleAdds) {
  static const OpDef op = triple();
  Function loss = loss_function("weight w [2]", R"IR(
    %1 = map(%w) {f = f"x0 * x0"} : f64[2]
    %2 = broadcast(%1) {batched = true, dims = [2]} : f64[N, 2]
    %3 = reduce(%2) {axes = [0]} : f64[N, 1]
    %loss = reshape(%3) {dims = []} : f64[N])IR");
  loss.results[0].value = loss.graph.add(op, {loss.results[0].value}, {}, "", {}).at(0);
  check_gradients(loss);
}

TEST(Differentiate, SaysWhyNot) {
  const std::string start = "%1 = map(%image, %w) {f = f\"x0 * x1\"} : f64[N, 2, 4, 4]\n";
  const Function good = loss_function("weight w []", start + "%2 = reduce(%1) {axes = [0, 1, 2]} : f64[N, 1, 1, 1]\n%loss = reshape(%2) {dims = []} : f64[N]");
  EXPECT_EQ(why_not_differentiable(good), "");
  Function changed = good;
  changed.name = "infer";
  EXPECT_EQ(why_not_differentiable(changed), "`infer` is not named RECIPE.loss");
  changed = good;
  changed.results.clear();
  EXPECT_EQ(why_not_differentiable(changed), "`r.loss` has no result of the role `loss`");
  EXPECT_EQ(why_not_differentiable(loss_function("weight w []", start + "%loss = reduce(%1) {axes = [0, 1, 2]} : f64[N, 1, 1, 1]")),
            "the loss of `r.loss` is f64[N, 1, 1, 1], not one number for each image");
  EXPECT_EQ(why_not_differentiable(loss_function("weight w []", "%loss = map(%w) {f = f\"exp(x0)\"} : f64[]")),
            "the loss of `r.loss` is f64[], not one number for each image");
  EXPECT_EQ(why_not_differentiable(loss_function("weight w []", start + "%loss = mse(%1, %image) : f64[N]")),
            "`mse` has no gradient of its own: run expand-for-autodiff before");
}

TEST(Differentiate, NothingReachedGivesZerosAndNoNodes) {
  const Function loss = loss_function("weight w [3];weight v [2, 2]", R"IR(
    %1 = map(%image) {f = f"x0 * x0"} : f64[N, 2, 4, 4]
    %2 = reduce(%1) {axes = [0, 1, 2]} : f64[N, 1, 1, 1]
    %unused = map(%w) {f = f"exp(x0)"} : f64[3]
    %loss = reshape(%2) {dims = []} : f64[N])IR");
  const Function gradients = differentiate(loss);
  verify(gradients, "differentiate");
  const std::vector<Array> results = interpret(gradients, random_arguments(gradients, 1), kImages);
  ASSERT_EQ(gradients.results.size(), 3u);
  EXPECT_EQ(results[1].values, std::vector<double>(3, 0.0));
  EXPECT_EQ(results[2].values, std::vector<double>(4, 0.0));
  EXPECT_EQ(gradients.graph.nodes().size(), 3u + 2u);      // the loss, and a constant for each weight
}

/// How many nodes of the gradients read what `f` reads.
size_t readers_of_operand(const std::string& f) {
  const Function gradients = differentiate(loss_function("weight w [2, 4, 4]", fmt::format(R"IR(
    %1 = map(%image, %w) {{f = f"x0 + x1"}} : f64[N, 2, 4, 4]
    %2 = map(%1) {{f = f"{}"}} : f64[N, 2, 4, 4]
    %3 = map(%2, %w) {{f = f"x0 * x1"}} : f64[N, 2, 4, 4]
    %4 = reduce(%3) {{axes = [0, 1, 2]}} : f64[N, 1, 1, 1]
    %loss = reshape(%4) {{dims = []}} : f64[N])IR", f)));
  const ValueId operand = gradients.graph.node(1).operands[0];
  const auto reads = [&](const Node& node) { return std::find(node.operands.begin(), node.operands.end(), operand) != node.operands.end(); };
  return static_cast<size_t>(std::count_if(gradients.graph.nodes().begin(), gradients.graph.nodes().end(), reads));
}

/// Then what lies before an activation need not be kept, because its result is.
TEST(Differentiate, ABoundTakesItsBranchesAtItsResult) {
  for (const char* f : {"max(x0, 0.0)", "min(x0, 0.5)", "select(x0 <= 0.0, 0.0, select(6.0 <= x0, 6.0, x0))"}) EXPECT_EQ(readers_of_operand(f), 1) << f;
  // These have another slope at the corner, or elsewhere, than at their result.
  for (const char* f : {"max(0.0, x0)", "select(x0 < 0.0, 0.0, x0)", "select(x0 <= 6.0, 6.0, select(0.0 <= x0, 0.0, x0))", "max(x0, 0.0) * x0"})
    EXPECT_EQ(readers_of_operand(f), 2) << f;
}

TEST(NetworkGradient, OfBounds) {
  for (const char* f : {"max(x0, 0.0)", "min(x0, 0.25)", "select(x0 <= -0.25, -0.25, select(0.25 <= x0, 0.25, x0))"})
    check_gradients(loss_function("weight w [2, 4, 4]", fmt::format(R"IR(
    %1 = map(%image, %w) {{f = f"x0 * x1"}} : f64[N, 2, 4, 4]
    %2 = map(%1) {{f = f"{}"}} : f64[N, 2, 4, 4]
    %3 = map(%2, %w) {{f = f"x0 * x1 * x1"}} : f64[N, 2, 4, 4]
    %4 = reduce(%3) {{axes = [0, 1, 2]}} : f64[N, 1, 1, 1]
    %loss = reshape(%4) {{dims = []}} : f64[N])IR", f)));
}

TEST(Differentiate, AStepWithoutASlopeStopsTheGradient) {
  const Function loss = loss_function("weight w [2, 4, 4]", R"IR(
    %1 = map(%image, %w) {f = f"floor(x0 + x1)"} : f64[N, 2, 4, 4]
    %2 = reduce(%1) {axes = [0, 1, 2]} : f64[N, 1, 1, 1]
    %loss = reshape(%2) {dims = []} : f64[N])IR");
  const Function gradients = differentiate(loss);
  EXPECT_EQ(interpret(gradients, random_arguments(gradients, 1), kImages).at(1).values, std::vector<double>(32, 0.0));
}

}  // namespace
}  // namespace cnnc::test
