// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a file becomes: functions, ports, recipes of the module that `analyse` makes.
#include <gtest/gtest.h>

#include "ir/print.h"
#include "ir/verify.h"
#include "sema/sema.h"
#include "syntax/parser.h"

namespace cnnc {
namespace {

Module analysed(const std::string& text, const AnalyseOptions& options = {}) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const ast::File file = parse_file(sources, sources.add("test.cnn", text), diagnostics);
  const auto module = analyse(file, options, sources, diagnostics);
  EXPECT_TRUE(module.has_value()) << diagnostics.render(false);
  if (!module) return {};
  verify(*module, "sema");
  return *module;
}

/// "argument input image: f32[N, 1, 4, 4]" and so on, a line each.
std::string ports(const Function& function) {
  std::string result;
  for (const Port& port : function.arguments)
    result += std::string(role_name(port.role)) + " " + port.name + ": " + to_string(function.graph.type(port.value)) + "\n";
  result += "->\n";
  for (const Port& port : function.results)
    result += std::string(role_name(port.role)) + " " + port.name + ": " + to_string(function.graph.type(port.value)) + "\n";
  return result;
}

constexpr const char* kTwoResults = R"(
network n(image: [1, 4, 4], mask: [1, 4, 4]) {
    x = image -> conv(2, kernel: 1, bias: false) -> batchnorm
    return a: x -> flatten -> dense(3, bias: false), b: x -> conv(1, kernel: 1, bias: false)
}
train n {
    loss = 0.5 * cross_entropy(a, label.kind) + (b - mask) ^ 2
    metrics = [accuracy(a, label.kind), loss]
    batch = 2 * 8
}
train n as other { loss = mse(b, image) }
)";

TEST(Module, LossHasColumnsOfLabelsAndOneNumberASample) {
  const Module module = analysed(kTwoResults);
  const Function* loss = module.find("default.loss");
  ASSERT_NE(loss, nullptr);
  EXPECT_EQ(ports(*loss),
            "input image: f32[N, 1, 4, 4]\n"
            "input mask: f32[N, 1, 4, 4]\n"
            "label kind: i32[N]\n"
            "weight x.conv1.weight: f32[2, 1, 1, 1]\n"
            "weight x.batchnorm1.weight: f32[2]\n"
            "weight x.batchnorm1.bias: f32[2]\n"
            "weight a.dense1.weight: f32[3, 32]\n"
            "weight b.conv1.weight: f32[1, 2, 1, 1]\n"
            "state x.batchnorm1.running_mean: f32[2]\n"
            "state x.batchnorm1.running_var: f32[2]\n"
            "->\n"
            "output a: f32[N, 3]\n"
            "output b: f32[N, 1, 4, 4]\n"
            "loss loss: f32[N]\n"
            "metric accuracy: f32[N]\n"
            "state x.batchnorm1.running_mean: f32[2]\n"
            "state x.batchnorm1.running_var: f32[2]\n");
}

TEST(Module, RecipesAreNamedAndTheirSettingsCanonical) {
  const Module module = analysed(kTwoResults);
  ASSERT_EQ(module.recipes.size(), 2U);
  EXPECT_EQ(module.recipes[0].name, "default");
  EXPECT_EQ(module.recipes[1].name, "other");
  ASSERT_EQ(module.recipes[0].settings.size(), 3U);
  EXPECT_EQ(module.recipes[0].settings[2].name, "batch");
  EXPECT_EQ(module.recipes[0].settings[2].text, "16");
}

TEST(Module, LossWithoutLabelNeedsNone) {
  const Module module = analysed(kTwoResults);
  const Function* loss = module.find("other.loss");
  ASSERT_NE(loss, nullptr);
  for (const Port& port : loss->arguments) EXPECT_NE(port.role, Role::Label) << port.name;
}

TEST(Module, DefaultIsCrossEntropyWithAccuracy) {
  const Module module = analysed("network n(x: [4]) { x -> dense(3) }\ntrain n { epochs = 2 }\n");
  const Function* loss = module.find("default.loss");
  ASSERT_NE(loss, nullptr);
  const std::string text = ports(*loss);
  EXPECT_NE(text.find("label label: i32[N]\n"), std::string::npos) << text;
  EXPECT_NE(text.find("metric accuracy: f32[N]\n"), std::string::npos) << text;
}

TEST(Module, DoublePrecisionReachesInputsWeightsAndLoss) {
  const Module module = analysed("network n(x: [4]) { x -> dense(3) }\ntrain n { epochs = 2 }\n", {.float_type = ElementType::F64});
  EXPECT_EQ(to_string(module).find("f32"), std::string::npos) << to_string(module);
}

TEST(Module, SharedBatchnormUpdatesItsStatisticsOneAfterTheOther) {
  const Module module = analysed(
      "network n(left: [1, 2, 2], right: [1, 2, 2]) { (left -> share(f) batchnorm) + (right -> share(f) batchnorm) }\n"
      "train n { loss = mse(output, left) }\n");
  EXPECT_EQ(module.parameters.size(), 4U);
  const Function* loss = module.find("default.loss");
  ASSERT_NE(loss, nullptr);
  // The second use starts from what the first one left.
  std::vector<const Node*> uses;
  for (const Node& node : loss->graph.nodes())
    if (node.layer == "f") uses.push_back(&node);
  ASSERT_EQ(uses.size(), 2U);
  EXPECT_EQ(uses[1]->operands[3], uses[0]->results[1]);
}

}  // namespace
}  // namespace cnnc
