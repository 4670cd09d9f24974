// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// make_update: the function over flat buffers, run on two weights for two steps, against numbers computed by hand.
#include "autodiff/optimizer_update.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "ir/verify.h"
#include "ops/interpreter.h"

namespace cnnc::test {
namespace {

using Settings = std::map<std::string, double>;

/// Two weights, 1 and -2, as an update sees them: weights, gradients and moments are flat.
class Update {
 public:
  Update(std::string_view optimizer, Settings settings) : function_(make_update(*find_optimizer(optimizer), ElementType::F64, "r.update")) {
    verify(function_, "make_update");
    EXPECT_EQ(function_.name, "r.update");
    settings_ = {{"rate", 0.1}, {"decay", 0}, {"scale", 1}};
    for (const auto& argument : find_optimizer(optimizer)->arguments) settings_[std::string(argument.name)] = argument.default_value;
    for (const auto& [name, value] : settings) settings_[name] = value;
    buffers_["weight"] = {1, -2};
  }

  /// One step; the weights afterwards.
  std::vector<double> step(std::vector<double> gradient) {
    buffers_["gradient"] = std::move(gradient);
    settings_["step"] += 1;
    std::vector<Array> arguments;
    for (const Port& port : function_.arguments) {
      const bool number = port.role == Role::Scalar;
      if (!number) buffers_[port.name].resize(2);
      EXPECT_TRUE(!number || settings_.contains(port.name)) << port.name;
      arguments.push_back({function_.graph.type(port.value), number ? std::vector<double>{settings_[port.name]} : buffers_[port.name]});
    }
    const std::vector<Array> results = interpret(function_, arguments, 2);
    for (size_t i = 0; i < results.size(); ++i) buffers_[function_.results[i].name] = results[i].values;
    return buffers_["weight"];
  }
  const std::vector<double>& moment(const std::string& name) { return buffers_[name]; }
  const Function& function() const { return function_; }

 private:
  Function function_;
  Settings settings_;
  std::map<std::string, std::vector<double>> buffers_;
};

void expect_near(const std::vector<double>& found, const std::vector<double>& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], wanted[i], 1e-12) << "weight " << i;
}

TEST(Sgd, TakesRateTimesGradient) {
  Update sgd("sgd", {{"rate", 0.5}});
  expect_near(sgd.step({2, -1}), {0, -1.5});
  expect_near(sgd.step({1, 1}), {-0.5, -2});
}

TEST(Sgd, ScaleMultipliesTheGradientButNotTheDecay) {
  // 1 - 0.1 · (0.5 · 2 + 0.3 · 1), -2 - 0.1 · (0.5 · 4 + 0.3 · -2).
  Update sgd("sgd", {{"scale", 0.5}, {"decay", 0.3}});
  expect_near(sgd.step({2, 4}), {1 - 0.13, -2 - 0.14});
}

TEST(Sgd, MomentumKeepsAVelocity) {
  // Velocities 2, -1; then 0.9 · 2 + 1 = 2.8 and 0.9 · -1 + 1 = 0.1.
  Update sgd("sgd", {{"momentum", 0.9}});
  expect_near(sgd.step({2, -1}), {0.8, -1.9});
  expect_near(sgd.step({1, 1}), {0.52, -1.91});
  expect_near(sgd.moment("velocity"), {2.8, 0.1});
}

TEST(Sgd, DecayIsPartOfTheVelocity) {
  // v = 2 + 0.5 · 1 = 2.5, w = 0.75; then v = 0.9 · 2.5 + 0 + 0.5 · 0.75 = 2.625, w = 0.4875. Beside it v = -1, w = -1.9; -1.85, -1.715.
  Update sgd("sgd", {{"momentum", 0.9}, {"decay", 0.5}});
  expect_near(sgd.step({2, 0}), {0.75, -1.9});
  expect_near(sgd.step({0, 0}), {0.4875, -1.715});
}

TEST(Sgd, NesterovStepsAheadOfTheVelocity) {
  // Steps 2 + 0.9 · 2 = 3.8, then 1 + 0.9 · 2.8 = 3.52; -1 - 0.9 = -1.9, then 1 + 0.9 · 0.1 = 1.09.
  Update sgd("sgd", {{"momentum", 0.9}, {"nesterov", 1}});
  expect_near(sgd.step({2, -1}), {0.62, -1.81});
  expect_near(sgd.step({1, 1}), {0.268, -1.919});
}

TEST(Sgd, NesterovWithDecay) {
  // g = 2 + 0.5 = 2.5, step 2.5 + 0.9 · 2.5 = 4.75; g = 0 - 1 = -1, step -1.9.
  Update sgd("sgd", {{"momentum", 0.9}, {"nesterov", 1}, {"decay", 0.5}});
  expect_near(sgd.step({2, 0}), {0.525, -1.81});
}

TEST(Adam, CorrectsBothMomentsForTheirStart) {
  // Step 1: first 0.2 / 0.1 = 2, second 0.004 / 0.001 = 4. Step 2: first 0.9 · 0.2 + 0.1 = 0.28, over 0.19; second
  // 0.999 · 0.004 + 0.001 = 0.004996, over 0.001999.
  Update adam("adam", {{"eps", 0.5}});
  expect_near(adam.step({2, 0}), {1 - 0.1 * 2 / (2 + 0.5), -2});
  expect_near(adam.moment("first"), {0.2, 0});
  expect_near(adam.moment("second"), {0.004, 0});
  expect_near(adam.step({1, 0}), {0.92 - 0.1 * (0.28 / 0.19) / (std::sqrt(0.004996 / 0.001999) + 0.5), -2});
}

TEST(Adam, DecayJoinsTheGradient) {
  // g = 2 + 0.5 · 1 = 2.5 and 0 - 1 = -1.
  Update adam("adam", {{"eps", 0.5}, {"decay", 0.5}});
  expect_near(adam.step({2, 0}), {1 - 0.1 * 2.5 / 3, -2 + 0.1 * 1 / 1.5});
  expect_near(adam.moment("second"), {0.00625, 0.001});
}

TEST(AdamW, DecayStaysOutsideTheMoments) {
  Update adamw("adamw", {{"eps", 0.5}, {"decay", 0.5}});
  expect_near(adamw.step({2, 0}), {0.95 - 0.1 * 2 / 2.5, -1.9});
  expect_near(adamw.moment("first"), {0.2, 0});
  expect_near(adamw.moment("second"), {0.004, 0});
}

TEST(Update, IsOnePassOverFlatBuffersForEveryOptimizer) {
  for (const OptimizerDef& optimizer : all_optimizers()) {
    const Update update(optimizer.name, {});
    const Function& function = update.function();
    for (const Node& node : function.graph.nodes()) EXPECT_EQ(node.op->name, "map") << optimizer.name;
    ASSERT_EQ(function.results.size(), 1 + optimizer.moments.size());
    for (size_t i = 0; i < function.results.size(); ++i) {
      EXPECT_EQ(function.graph.type(function.results[i].value), (TensorType{ElementType::F64, true, {}})) << optimizer.name;
      EXPECT_EQ(function.results[i].name, i == 0 ? "weight" : optimizer.moments[i - 1].name);
    }
    EXPECT_NE(find_port(function.arguments, "step", Role::Scalar), nullptr);
  }
}

}  // namespace
}  // namespace cnnc::test
