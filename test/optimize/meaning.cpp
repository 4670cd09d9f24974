// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every pass keeps the meaning: random graphs are run before and after it. Passes that only move, drop or merge nodes keep every
// bit, also NaN and infinities; those that compute in another way are near.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>

#include "ir/builder.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "ops/interpreter.h"
#include "optimize/pass_list.h"
#include "optimize/passes.h"
#include "test/ir/random_graphs.h"

namespace cnnc::test {
namespace {

constexpr int64_t kImages = 3;
constexpr uint32_t kSeeds = 150;

using Values = std::map<std::pair<std::string, Role>, Array>;

/// A value for each argument of any function made from the module; variances are positive.
Values random_values(const Function& function, uint32_t seed) {
  Values values;
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> number(-1, 1);
  for (const Port& port : function.arguments) {
    const TensorType& type = function.graph.type(port.value);
    Array array{type, std::vector<double>(static_cast<size_t>(element_count(type.dims) * (type.batched ? kImages : 1)))};
    for (double& value : array.values) {
      value = type.element == ElementType::I32 ? static_cast<double>(random() % 100) : number(random);
      if (port.role == Role::State) value = 1 + value / 2;
    }
    values[{port.name, port.role}] = std::move(array);
  }
  return values;
}

std::vector<Array> run(const Function& function, const Values& values) {
  std::vector<Array> arguments;
  for (const Port& port : function.arguments) arguments.push_back(values.at({port.name, port.role}));
  return interpret(function, arguments, kImages);
}

bool same_bits(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

/// Equal results; a tolerance of 0 asks for equal bits.
void expect_equal(const std::vector<Array>& before, const std::vector<Array>& after, double tolerance) {
  ASSERT_EQ(before.size(), after.size());
  for (size_t r = 0; r < before.size(); ++r) {
    ASSERT_EQ(before[r].type, after[r].type);
    for (size_t i = 0; i < before[r].values.size(); ++i) {
      const double a = before[r].values[i], b = after[r].values[i];
      const bool equal = tolerance == 0 ? same_bits(a, b) : std::fabs(a - b) <= tolerance * (1 + std::fabs(a));
      ASSERT_TRUE(equal) << "result " << r << ", element " << i << ": " << a << " became " << b;
    }
  }
}

/// The random graphs, without composite ops.
Function primitive(uint32_t seed) { return expand_inference(random_module(seed).functions.at(0)); }

class PassOnPrimitives : public testing::TestWithParam<const char*> {};

TEST_P(PassOnPrimitives, KeepsEveryBit) {
  const Pass& pass = *find_pass(GetParam());
  size_t changed = 0;
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    const Function before = primitive(seed);
    const Function after = pass.function(before);
    verify(after, pass.name);
    const Values values = random_values(before, seed);
    ASSERT_NO_FATAL_FAILURE(expect_equal(run(before, values), run(after, values), 0)) << "seed " << seed << "\n" << to_string(before);
    changed += to_string(before) == to_string(after) ? 0 : 1;
    // What a pass has done it finds done; only a composition may make another one possible.
    if (pass.name != "compose-maps") {
      EXPECT_EQ(to_string(pass.function(after)), to_string(after)) << "seed " << seed;
    }
  }
  EXPECT_EQ(changed > 20, pass.name != "dead-code") << "graphs that the pass changes: " << changed;
}

TEST_P(PassOnPrimitives, KeepsNanInfinitiesAndSignedZeros) {
  const Pass& pass = *find_pass(GetParam());
  const double kSpecial[] = {0.0, -0.0, 1, -1, HUGE_VAL, -HUGE_VAL, std::numeric_limits<double>::quiet_NaN(), 1e308, -1e-320};
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    const Function before = primitive(seed);
    Values values = random_values(before, seed);
    std::mt19937 random(seed);
    for (auto& [port, array] : values) {
      for (double& value : array.values) {
        if (random() % 4 == 0) value = kSpecial[random() % std::size(kSpecial)];
      }
    }
    ASSERT_NO_FATAL_FAILURE(expect_equal(run(before, values), run(pass.function(before), values), 0)) << "seed " << seed << "\n" << to_string(before);
  }
}

INSTANTIATE_TEST_SUITE_P(Passes, PassOnPrimitives,
                         testing::Values("constant-folding", "common-subexpressions", "compose-maps", "dead-code"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, '-');
                           return name;
                         });

/// map(map(left), map(right)), whose inner maps multiply so many operands; the left one its first operand `factors` times more.
Function pair_of_products(int left, int right, int factors) {
  Function function{.name = "pair", .arguments = {}, .graph = {}, .results = {}};
  GraphBuilder build(function.graph);
  const TensorType type{ElementType::F32, true, {2}};
  const auto product = [&](int count, int more) {
    std::vector<ValueId> operands;
    ScalarExpression expression = ScalarExpression::argument(0);
    for (int i = 0; i < count; ++i) {
      operands.push_back(function.graph.add_argument(type));
      function.arguments.push_back({fmt::format("x{}", function.arguments.size()), Role::Input, operands.back()});
      if (i > 0) expression = expression * ScalarExpression::argument(i);
    }
    for (int i = 0; i < more; ++i) expression = expression * ScalarExpression::argument(0);
    return build.map_used(expression, operands);
  };
  const ValueId a = product(left, factors), b = product(right, 0);
  function.results.push_back({"y", Role::Output, build.map("x0 + x1", {a, b})});
  return function;
}

/// So many nodes of expressions a map of pair_of_products has, inner and outer ones together.
size_t expression_nodes(const Function& function) {
  size_t count = 0;
  for (const Node& node : function.graph.nodes()) count += std::get<ScalarExpression>(node.attributes.at("f")).nodes().size();
  return count;
}

TEST(ComposeMaps, MakesNoMapOfMoreThan16Operands) {
  EXPECT_EQ(remove_dead_code(compose_maps(pair_of_products(8, 8, 0))).graph.nodes().size(), 1u);
  EXPECT_EQ(remove_dead_code(compose_maps(pair_of_products(8, 9, 0))).graph.nodes().size(), 3u);
}

TEST(ComposeMaps, MakesNoMapOfMoreThan256Nodes) {
  const Function within = pair_of_products(1, 1, 251), above = pair_of_products(1, 1, 252);
  ASSERT_EQ(expression_nodes(within), 256u);
  EXPECT_EQ(remove_dead_code(compose_maps(within)).graph.nodes().size(), 1u);
  EXPECT_EQ(remove_dead_code(compose_maps(above)).graph.nodes().size(), 3u);
}

TEST(DeadCode, DropsWhatRandomGraphsDoNotUse) {
  size_t dropped = 0;
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    const Function before = random_module(seed).functions.at(0);
    const Function after = remove_dead_code(before);
    verify(after, "dead-code");
    EXPECT_EQ(after.arguments.size(), before.arguments.size());
    dropped += before.graph.nodes().size() - after.graph.nodes().size();
    const Values values = random_values(before, seed);
    ASSERT_NO_FATAL_FAILURE(expect_equal(run(expand_inference(before), values), run(expand_inference(after), values), 0)) << "seed " << seed;
  }
  EXPECT_GT(dropped, kSeeds);
}

TEST(FoldBatchnorm, IsNearTheUnfolded) {
  size_t folded = 0;
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    const Function before = random_module(seed).functions.at(0);
    const Function after = fold_batchnorm(before);
    verify(after, "fold-batchnorm");
    const auto norms = [](const Function& function) {
      const Function live = remove_dead_code(function);
      const std::vector<Node>& nodes = live.graph.nodes();
      return static_cast<size_t>(std::count_if(nodes.begin(), nodes.end(), [](const Node& node) { return node.op->name == "batchnorm"; }));
    };
    folded += norms(before) - norms(after);
    const Values values = random_values(before, seed);
    ASSERT_NO_FATAL_FAILURE(expect_equal(run(expand_inference(before), values), run(expand_inference(after), values), 1e-12)) << "seed " << seed;
  }
  EXPECT_GT(folded, 30u);
}

TEST(Expansion, ForAutodiffThenTrainingIsTrainingAtOnce) {
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    const Function before = random_module(seed).functions.at(0);
    const Function at_once = expand_training(before), in_two = expand_training(expand_for_autodiff(before));
    verify(at_once, "expand-training");
    for (const Node& node : at_once.graph.nodes()) EXPECT_FALSE(node.op->expand) << node.op->name;
    const Values values = random_values(at_once, seed);
    ASSERT_NO_FATAL_FAILURE(expect_equal(run(at_once, values), run(in_two, values), 0)) << "seed " << seed;
    const Function live = remove_dead_code(before);
    const bool draws = std::any_of(live.graph.nodes().begin(), live.graph.nodes().end(), [](const Node& node) { return node.op->random; });
    EXPECT_EQ(at_once.arguments.size(), before.arguments.size() + (draws ? 3 : 0)) << "seed, epoch and sample, where something is drawn";
    EXPECT_EQ(in_two.arguments.size(), at_once.arguments.size());
  }
}

TEST(Passes, AllOfThemInTheirUsualOrderKeepTheMeaning) {
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    const Function before = random_module(seed).functions.at(0);
    const Function wanted = expand_inference(before);
    const Function after = remove_dead_code(merge_common_subexpressions(compose_maps(fold_constants(expand_inference(fold_batchnorm(before))))));
    verify(after, "all passes");
    const Values values = random_values(before, seed);
    ASSERT_NO_FATAL_FAILURE(expect_equal(run(wanted, values), run(after, values), 1e-12)) << "seed " << seed;
    EXPECT_LE(after.graph.nodes().size(), wanted.graph.nodes().size() + 8 * before.graph.nodes().size());
  }
}

TEST(SplitPrepare, PreparesOnceWhatSeveralFunctionsCompute) {
  size_t prepared = 0;
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    Module module = random_module(seed);
    module.functions[0] = expand_inference(module.functions[0]);
    Function evaluate = fold_constants(module.functions[0]);
    evaluate.name = "default.evaluate";
    evaluate.results.pop_back();
    module.functions.push_back(evaluate);
    const Module split = split_prepare(module);
    verify(split, "split-prepare");
    ASSERT_EQ(split.functions.size(), 3u);
    const Function& prepare = *split.find("prepare");
    Values values = random_values(module.functions[0], seed);
    // `prepare` takes every parameter, `infer` and `evaluate` no weight and no state.
    const std::vector<Array> results = run(prepare, values);
    Values known = values;
    for (size_t i = 0; i < results.size(); ++i) known[{prepare.results[i].name, Role::Prepared}] = results[i];
    prepared += prepare.graph.nodes().size();
    for (size_t f = 0; f < 2; ++f) {
      const Function& function = split.functions[f];
      for (const Port& port : function.arguments) EXPECT_TRUE(port.role == Role::Input || port.role == Role::Prepared) << port.name;
      ASSERT_NO_FATAL_FAILURE(expect_equal(run(module.functions[f], values), run(function, known), 0)) << "seed " << seed;
    }
  }
  EXPECT_GT(prepared, kSeeds);
}

}  // namespace
}  // namespace cnnc::test
