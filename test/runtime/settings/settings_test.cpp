// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Settings: canonical texts, defaults, and the exact words of what is refused.
#include <gtest/gtest.h>

#include "runtime/settings/optimizers.h"
#include "runtime/settings/schema.h"
#include "runtime/settings/words.h"

namespace cnnc::settings {
namespace {

std::string canonical(const std::string& name, const std::string& text) {
  const auto result = check(name, text);
  if (const auto* problem = std::get_if<Problem>(&result)) return "error: " + problem->message + " | " + problem->help;
  return std::get<std::string>(result);
}

Recipe recipe_of(const std::vector<NamedText>& settings) {
  const auto result = parse_recipe(settings);
  if (const auto* problem = std::get_if<Problem>(&result)) ADD_FAILURE() << problem->message;
  return std::holds_alternative<Recipe>(result) ? std::get<Recipe>(result) : Recipe{};
}

TEST(SettingText, IsCanonicalAndStable) {
  const std::pair<const char*, const char*> cases[][2] = {
      {{"optimizer", "sgd( rate:0.050,momentum :.9 )"}, {"optimizer", "sgd(rate: 0.05, momentum: 0.9)"}},
      {{"optimizer", "adamw(1e-4, no_decay: [bias,norm,], decay: 0.01)"}, {"optimizer", "adamw(1e-4, no_decay: [bias, norm], decay: 0.01)"}},
      {{"schedule", "step(every: 10 epochs,factor:0.10)"}, {"schedule", "step(every: 10 epochs, factor: 0.1)"}},
      {{"schedule", "step(every: 1 epoch, factor: 0.1)"}, {"schedule", "step(every: 1 epochs, factor: 0.1)"}},
      {{"warmup", "1 step"}, {"warmup", "1 steps"}},
      {{"warmup", "5e2 steps"}, {"warmup", "500 steps"}},
      {{"augment", "crop(pad:4)->flip"}, {"augment", "crop(pad: 4) -> flip"}},
      {{"data", "idx(\"a \\\"b\\\"\")"}, {"data", "idx(\"a \\\"b\\\"\")"}},
      {{"normalize", "[[0.5,0.25],[1,2]]"}, {"normalize", "[[0.5, 0.25], [1, 2]]"}},
      {{"clip", "clip(norm: 1.0)"}, {"clip", "clip(norm: 1)"}},
  };
  for (const auto& [given, wanted] : cases) {
    EXPECT_EQ(canonical(given.first, given.second), wanted.second);
    EXPECT_EQ(canonical(given.first, wanted.second), wanted.second);
  }
}

TEST(SettingText, RefusesWithTheRightWords) {
  EXPECT_EQ(canonical("bach", "3"), "error: there is no setting `bach` | did you mean `batch`?");
  EXPECT_EQ(canonical("batch", "0"), "error: `batch` must be a whole number from 1 to 1e9, but it is `0` | ");
  EXPECT_EQ(canonical("batch", "2.5"), "error: `batch` must be a whole number from 1 to 1e9, but it is `2.5` | ");
  EXPECT_EQ(canonical("optimizer", "sdg(rate: 1)"), "error: `optimizer` has no `sdg` | did you mean `sgd`?");
  EXPECT_EQ(canonical("optimizer", "sgd(rate=1)"), "error: `rate =` in a call | arguments are written `rate: …`");
  EXPECT_EQ(canonical("optimizer", "sgd(momentum: 1)"), "error: `momentum` must be below 1, but it is `1` | ");
  EXPECT_EQ(canonical("optimizer", "sgd(rate: -1)"), "error: `rate` must be at least 0, but it is `-1` | ");
  EXPECT_EQ(canonical("optimizer", "sgd(nesterov: true)"), "error: `nesterov` needs a momentum above 0 | write `sgd(rate: 0.1, momentum: 0.9, nesterov: true)`");
  EXPECT_EQ(canonical("optimizer", "adam(no_decay: [biases])"),
            "error: `no_decay` names groups of weights, but `biases` is none | the groups are `weight`, `bias` and `norm`");
  EXPECT_EQ(canonical("optimizer", "sgd(rate: 1, rate: 2)"), "error: `sgd` has the argument `rate` twice | ");
  EXPECT_EQ(canonical("schedule", "step(factor: 0.1)"), "error: `step` needs `every` | write `step(every: 10 epochs, factor: 0.1)`");
  EXPECT_EQ(canonical("warmup", "500"), "error: `warmup` must be a number of epochs or steps, but it is `500` | write `5 epochs` or `500 steps`");
  EXPECT_EQ(canonical("warmup", "5 weeks"), "error: `weeks` is no unit | the units are `epochs`, `steps`, `x`, `KB`, `MB` and `GB`");
  EXPECT_EQ(canonical("data", "idx"), "error: `idx` needs a folder | write `idx(\"FOLDER\")`");
  EXPECT_EQ(canonical("data", "arrays(\"a\", label: \"b\")"),
            "error: `arrays` takes two files, or files by the name of their column | write `arrays(\"x.npy\", \"y.npy\")` or `arrays(image: \"x.npy\", label: \"y.npy\")`");
  EXPECT_EQ(canonical("validation", "1"), "error: `validation` must be a share above 0 and below 1, but it is `1` | a tenth of the training data is `0.1`");
  EXPECT_EQ(canonical("classes", "[\"a\", \"a\"]"), "error: `classes` has \"a\" twice | ");
  EXPECT_EQ(canonical("normalize", "[0.5, 0]"), "error: the deviation of `normalize` must be above 0, but it is `0` | ");
  EXPECT_EQ(canonical("augment", "flop"), "error: `augment` has no `flop` | did you mean `flip`?");
  EXPECT_EQ(canonical("bad", "skip"), "error: `skip` needs a limit | write `skip(10)`: at most so many samples are left out");
  EXPECT_EQ(canonical("bad", "skip(limit: 0)"), "error: `limit` must be a whole number from 1 to 1e9, but it is `0` | ");
  EXPECT_EQ(canonical("bad", "drop(3)"), "error: `bad` has no `drop` | there are `stop` and `skip`");
  EXPECT_EQ(canonical("bad", "stop(3)"), "error: `stop` takes its arguments by name | it has none");
  EXPECT_EQ(canonical("ema", "0.9"), "error: the setting `ema` is not available yet | leave it out");
  EXPECT_EQ(canonical("batch", "64 64"), "error: `64` stands where the end should stand | ");
  EXPECT_EQ(canonical("data", "idx(\"a"), "error: a string has no end | it needs a second double quote");
}

TEST(SettingText, NoInputIsTooDeepOrTooLong) {
  EXPECT_TRUE(canonical("augment", std::string(100000, '[')).starts_with("error: the setting is nested too deep"));
  EXPECT_TRUE(canonical("batch", "1e999").starts_with("error: a number is beyond"));
  EXPECT_TRUE(canonical("batch", "").starts_with("error: a value is missing"));
}

TEST(Recipe, HasTheDocumentedDefaults) {
  const Recipe recipe = recipe_of({});
  EXPECT_EQ(recipe.optimizer.name, "sgd");
  EXPECT_EQ(recipe.optimizer.rate, 0.01);
  EXPECT_EQ(recipe.optimizer.arguments[0], std::make_pair(std::string("momentum"), 0.9));
  EXPECT_EQ(recipe.batch, 32);
  EXPECT_EQ(recipe.epochs, 10);
  EXPECT_EQ(recipe.schedule.kind, ScheduleKind::Constant);
  // sgd(rate: r) has momentum 0.
  EXPECT_EQ(recipe_of({{"optimizer", "sgd(rate: 1)"}}).optimizer.arguments[0].second, 0);
  EXPECT_EQ(recipe_of({{"optimizer", "adam"}}).optimizer.rate, 1e-3);
}

TEST(Recipe, DefaultsInTheTableAreThoseOfTheRecipe) {
  std::vector<NamedText> texts;
  for (const SettingDef& def : all_settings())
    if (def.available && !def.default_text.empty()) texts.push_back({std::string(def.name), std::string(def.default_text)});
  const Recipe written = recipe_of(texts), empty = recipe_of({});
  EXPECT_EQ(written.batch, empty.batch);
  EXPECT_EQ(written.epochs, empty.epochs);
  EXPECT_EQ(written.seed, empty.seed);
  EXPECT_EQ(written.optimizer.rate, empty.optimizer.rate);
  EXPECT_EQ(written.optimizer.arguments, empty.optimizer.arguments);
  EXPECT_EQ(written.warmup.amount, empty.warmup.amount);
}

TEST(Recipe, LaterSettingsReplaceEarlierOnes) {
  const Recipe recipe = recipe_of({{"augment", "flip"}, {"augment", "crop(pad: 2) -> flip"}, {"loss", "a + (b"}, {"metrics", "[accuracy, top(5)]"}});
  ASSERT_EQ(recipe.augment.size(), 2u);
  EXPECT_EQ(recipe.augment[0].pad, 2);
  EXPECT_EQ(recipe.loss, "a + (b");
  EXPECT_EQ(recipe.metrics, (std::vector<std::string>{"accuracy", "top"}));
}

TEST(Override, OfWhatIsCompiledInIsRefused) {
  EXPECT_EQ(check_override("loss", "mse", "sgd").message, "`loss` is compiled into the program");
  EXPECT_EQ(check_override("optimizer", "sgd(rate: 1)", "sgd").message, "");
  EXPECT_NE(check_override("optimizer", "adam", "sgd").message, "");
}

TEST(Words, NumbersAreShortestAndExact) {
  EXPECT_EQ(number_text(1e-4), "1e-4");
  EXPECT_EQ(number_text(0.05), "0.05");
  EXPECT_EQ(number_text(0.1f), "0.1");
  EXPECT_EQ(number_text(64.0), "64");
  EXPECT_EQ(number_text(1e300), "1e300");
}

}  // namespace
}  // namespace cnnc::settings
