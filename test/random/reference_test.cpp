// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tests of the tests' evaluator: its gradients against central differences of its own values, in random directions, and
// that it knows every op that sema can write.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>

#include "ir/op.h"
#include "schedule/templates.h"
#include "test/random/data.h"
#include "test/random/generate.h"
#include "test/random/random.h"
#include "test/random/reference.h"
#include "test/random/shrink.h"

namespace cnnc::random_programs {
namespace {

/// The mean loss with each weight moved by `step` in its direction.
double moved_loss(const Function& loss, std::vector<Tensor> arguments, const std::vector<Tensor>& directions, double step, int64_t images,
                  const RandomKey& key) {
  for (size_t i = 0; i < arguments.size(); ++i)
    for (size_t k = 0; k < directions[i].at.size(); ++k) arguments[i].at[k].value += step * directions[i].at[k].value;
  const Reference moved = evaluate(loss, arguments, images, Mode::Training, key);
  for (size_t i = 0; i < loss.results.size(); ++i) {
    if (loss.results[i].role != Role::Loss) continue;
    double sum = 0;
    for (const Bounded& element : moved.results[i].at) sum += element.value;
    return sum / static_cast<double>(images);
  }
  ADD_FAILURE() << "there is no loss";
  return 0;
}

TEST(Reference, GradientsAreCentralDifferences) {
  constexpr double kStep = 1e-5;
  int compared = 0;
  for (uint64_t seed = 0; seed < 120; ++seed) {
    const std::string text = to_text(generate(seed, Size::Small));
    const auto module = analyse_text(text, ElementType::F64);
    ASSERT_TRUE(module) << text;
    const Function& loss = *module->find("default.loss");
    const int64_t images = batch_of(*module);
    const std::vector<Tensor> arguments = argument_values(*module, loss, images);
    const RandomKey key{.seed = 3, .epoch = static_cast<int64_t>(seed % 2), .samples = {5, 6, 7, 8, 9}};
    // Corners that the step may cross count as undecided, and make a bound large.
    const WithRoundingUnit unit(kStep / 10);
    std::vector<Tensor> directions;
    Random random(seed);
    for (size_t i = 0; i < arguments.size(); ++i) {
      directions.push_back({});
      if (loss.arguments[i].role != Role::Weight) continue;
      directions.back() = arguments[i];
      for (Bounded& element : directions.back().at) element = exact(random.number(-1, 1));
    }
    const Reference reference = evaluate(loss, arguments, images, Mode::Training, key);
    double slope = 0, size = 0, error = 0;
    for (size_t i = 0; i < arguments.size(); ++i)
      for (size_t k = 0; k < directions[i].at.size(); ++k) {
        slope += reference.gradients[i].at[k].value * directions[i].at[k].value;
        size += std::abs(reference.gradients[i].at[k].value);
        error += reference.gradients[i].at[k].error;
      }
    if (!(kStep * error < 0.1 * size) || !std::isfinite(slope)) continue;
    const double far = (moved_loss(loss, arguments, directions, kStep, images, key) - moved_loss(loss, arguments, directions, -kStep, images, key)) / (2 * kStep);
    EXPECT_NEAR(slope, far, 1e-6 * size + 1e-9) << "seed " << seed << "\n" << text;
    ++compared;
  }
  EXPECT_GE(compared, 60);
}

TEST(Reference, KnowsEveryOpOfNetworks) {
  // Made by expansion, differentiation or cleaning only: the evaluator runs before them.
  const std::set<std::string> later = {"random", "pad_slice"};
  for (const OpDef& op : all_ops()) {
    if (later.contains(op.name) || op.name.find("_grad") != std::string::npos) continue;
    EXPECT_TRUE(has_reference(op.name)) << op.name;
  }
}

TEST(Reference, ErrorsCoverSinglePrecision) {
  // A sum of a thousand numbers of both signs, in single precision.
  Bounded sum;
  float single = 0;
  for (int i = 0; i < 1000; ++i) {
    const float term = static_cast<float>(random_bits("terms", static_cast<uint64_t>(i)) >> 40) * 0x1p-24f - 0.5f;
    accumulate(sum, exact(term));
    single += term;
  }
  EXPECT_LE(std::abs(single - sum.value), 16 * 0x1p-24 * sum.error);
  EXPECT_LE(sum.error, 1000);
}

TEST(Reference, UndecidedChoicesHaveWideBounds) {
  const WithRoundingUnit unit(1e-6);
  const Bounded near{1, 1}, same{1 + 1e-9, 1}, apart{1.1, 1};
  EXPECT_LT(choose(is_less(near, apart), exact(3), exact(5)).error, 1);
  EXPECT_GE(1e-6 * choose(is_less(near, same), exact(3), exact(5)).error, 2);
  EXPECT_EQ(choose(is_less(exact(0), exact(0)), exact(3), exact(5)).error, 0);
}

TEST(Bounds, TheDocumentedConstantOfEveryTemplateIsAsserted) {
  std::ifstream page(PROMISES);
  ASSERT_TRUE(page) << PROMISES;
  std::set<std::string> documented, templates;
  const std::regex row("\\| `([a-z_.]+)` \\| ([0-9]+) \\|");
  std::smatch match;
  for (std::string line; std::getline(page, line);) {
    if (!std::regex_match(line, match, row)) continue;
    documented.insert(match[1]);
    EXPECT_EQ(std::stod(match[2]), kRoundings) << line;
  }
  for (const Template& entry : all_templates()) templates.emplace(entry.name);
  EXPECT_EQ(documented, templates) << "the table of docs/promises.md";
}

TEST(Shrink, LeavesWhatTheFailureNeeds) {
  // "Fails" with a stride of at least 2 in a convolution behind something; a seed that has one.
  const auto fails = [](const RandomProgram& program) {
    for (const Statement& statement : program.statements)
      for (const Statement::Argument& argument : statement.arguments)
        if (statement.callee == "conv" && argument.name == "stride" && argument.text.find_first_of("23456789") != std::string::npos) return true;
    return false;
  };
  uint64_t seed = 0;
  RandomProgram program = generate(seed, Size::Small);
  while (!fails(program) || program.statements.size() < 6) program = generate(++seed, Size::Small);
  const RandomProgram smallest = shrink(program, fails);
  EXPECT_TRUE(fails(smallest)) << to_text(smallest);
  EXPECT_EQ(smallest.statements.size(), 1u) << to_text(smallest);
  EXPECT_EQ(smallest.batch, 1) << to_text(smallest);
  EXPECT_EQ(smallest.statements[0].arguments.size(), 3u) << to_text(smallest);      // filters, kernel, stride
}

}  // namespace
}  // namespace cnnc::random_programs
