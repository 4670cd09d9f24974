// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Modules as text: what is printed, read and printed again is identical, also with odd names and every kind of attribute.
#include <gtest/gtest.h>

#include "ir/builder.h"
#include "ir/parse.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "random_graphs.h"

namespace cnnc::test {
namespace {

Module read(const std::string& text) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  Module module = parse_module(sources, sources.add("test.ir", text), diagnostics);
  EXPECT_FALSE(diagnostics.has_errors()) << diagnostics.render(false);
  return module;
}

void expect_round_trip(const Module& module) {
  const std::string text = to_string(module);
  const Module again = read(text);
  verify(again, "reading");
  EXPECT_EQ(to_string(again), text);
}

TEST(RoundTrip, OfRandomModules) {
  size_t nodes = 0;
  for (uint32_t seed = 0; seed < 200; ++seed) {
    const Module module = random_module(seed);
    nodes += module.functions[0].graph.nodes().size();
    ASSERT_NO_FATAL_FAILURE(expect_round_trip(module)) << "seed " << seed;
  }
  EXPECT_GT(nodes, 2000u);
}

TEST(RoundTrip, OfEverySampleOfEveryOp) {
  for (const OpDef& op : all_ops()) {
    for (const Sample& sample : op.samples) {
      Function function;
      function.name = "f";
      std::vector<ValueId> operands;
      for (const TensorType& type : sample.operands) {
        if (is_absent(type)) {
          operands.emplace_back();
          continue;
        }
        operands.push_back(function.graph.add_argument(type));
        function.arguments.push_back({"a" + std::to_string(operands.size()), Role::Input, operands.back()});
      }
      for (const ValueId result : function.graph.add(op, operands, sample.attributes, "layer.of \"" + op.name + "\"")) {
        function.results.push_back({"r" + std::to_string(function.results.size()), Role::Output, result});
      }
      Module module;
      module.functions.push_back(std::move(function));
      expect_round_trip(module);
    }
  }
}

TEST(RoundTrip, OfOddNames) {
  Module module;
  module.network = "a network";
  const std::string odd = "größe \"x\"\\\n\x01#weight";
  for (const char* name : {"none", "0", "function", "%x"}) {
    module.parameters.push_back({name, Role::Weight, {ElementType::F32, false, {2}}, {"uniform", -0.0, 1e-310, 3, 4}, "no group", {}});
  }
  module.inputs = {{odd, Role::Input, {ElementType::F32, true, {2}}}, {odd, Role::Label, {ElementType::I32, true, {}}}};
  module.recipes = {{"a recipe", {{"set", "a \"text\"", {}}, {"no decay", "[bias]", {}}}, {"class", odd, ""}}, {"second", {}, {}}};
  Function function;
  function.name = "odd name.loss";
  GraphBuilder build(function.graph);
  std::vector<ValueId> values;
  for (const Parameter& parameter : module.parameters) {
    values.push_back(function.graph.add_argument(parameter.type));
    function.arguments.push_back({parameter.name, parameter.role, values.back()});
  }
  // Two arguments share a name.
  for (const Role role : {Role::Input, Role::SampleIndex}) {
    values.push_back(function.graph.add_argument({ElementType::F32, true, {2}}));
    function.arguments.push_back({odd, role, values.back()});
  }
  build.set_origin(odd, {});
  const ValueId sum = build.map("x0 + x1 * x2 + x3 - x4 / x5", values);
  function.results = {{odd, Role::Output, sum}, {odd, Role::Metric, values[4]}, {"none", Role::Output, values[0]}};
  module.functions.push_back(std::move(function));
  expect_round_trip(module);
  const Module again = read(to_string(module));
  EXPECT_EQ(again.functions.at(0).arguments.at(5).name, odd);
  EXPECT_EQ(again.functions.at(0).results.at(0).value, sum);
  EXPECT_EQ(again.functions.at(0).graph.node(0).layer, odd);
  EXPECT_EQ(again.recipes.at(0).classes, module.recipes[0].classes);
  EXPECT_EQ(again.parameters.at(0).initialiser, module.parameters[0].initialiser);
}

TEST(RoundTrip, RolesAreFoundByName) {
  for (int i = 0; i <= static_cast<int>(Role::Metric); ++i) {
    const auto role = static_cast<Role>(i);
    EXPECT_EQ(find_role(role_name(role)), role);
  }
  EXPECT_EQ(find_role("weights"), std::nullopt);
}

TEST(RoundTrip, DefaultsAndAbsentOperandsMayBeLeftOut) {
  const Module module = read(R"(
function f {
  argument input %x : f32[N, 1, 4, 4] // a comment
  argument input %w : f32[2, 1, 1, 1]
  %y = conv(%x, %w) : f32[N, 2, 4, 4]
  result output y = %y
})");
  const Node& node = module.functions.at(0).graph.node(0);
  EXPECT_EQ(node.operands.size(), 3u);
  EXPECT_FALSE(node.operands[2].valid());
  EXPECT_EQ(std::get<Dims>(node.attributes.at("stride")), (Dims{1, 1}));
}

}  // namespace
}  // namespace cnnc::test
