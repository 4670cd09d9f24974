// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Learning rates of single steps, by hand.
#include "runtime/program/schedule.h"

#include <gtest/gtest.h>

#include "runtime/settings/schema.h"

namespace cnnc::runtime {
namespace {

RateSchedule make(const std::string& schedule, const std::string& warmup = "0 steps") {
  const auto recipe = std::get<settings::Recipe>(settings::parse_recipe({{"schedule", schedule}, {"warmup", warmup}}));
  constexpr int64_t kStepsPerEpoch = 10, kEpochs = 4;
  return {recipe.schedule, 0.8, in_steps(recipe.warmup, kStepsPerEpoch), kStepsPerEpoch, kStepsPerEpoch * kEpochs};
}

TEST(Schedule, ConstantStaysAndWarmupRisesFromNotZero) {
  const RateSchedule schedule = make("constant", "4 steps");
  EXPECT_DOUBLE_EQ(schedule.at(0), 0.2);
  EXPECT_DOUBLE_EQ(schedule.at(1), 0.4);
  EXPECT_DOUBLE_EQ(schedule.at(3), 0.8);
  EXPECT_DOUBLE_EQ(schedule.at(39), 0.8);
}

TEST(Schedule, StepFallsEveryFewEpochs) {
  const RateSchedule schedule = make("step(every: 2 epochs, factor: 0.5)");
  EXPECT_DOUBLE_EQ(schedule.at(19), 0.8);
  EXPECT_DOUBLE_EQ(schedule.at(20), 0.4);
  EXPECT_DOUBLE_EQ(make("step(every: 5 steps, factor: 0.5)").at(10), 0.2);
}

TEST(Schedule, CosineCountsFromTheEndOfTheWarmup) {
  EXPECT_DOUBLE_EQ(make("cosine").at(0), 0.8);
  EXPECT_DOUBLE_EQ(make("cosine").at(20), 0.4);
  EXPECT_NEAR(make("cosine(min: 0.1)").at(40), 0.1, 1e-15);
  const RateSchedule warm = make("cosine", "1 epochs");
  EXPECT_DOUBLE_EQ(warm.at(9), 0.8);
  EXPECT_DOUBLE_EQ(warm.at(10), 0.8);
  EXPECT_DOUBLE_EQ(warm.at(25), 0.4);
}

TEST(Schedule, MultistepAndExponential) {
  const RateSchedule schedule = make("multistep(at: [1 epochs, 25 steps], factor: 0.1)");
  EXPECT_DOUBLE_EQ(schedule.at(9), 0.8);
  EXPECT_DOUBLE_EQ(schedule.at(10), 0.08);
  EXPECT_NEAR(schedule.at(25), 0.008, 1e-15);
  EXPECT_DOUBLE_EQ(make("exponential(factor: 0.5)").at(10), 0.4);
}

}  // namespace
}  // namespace cnnc::runtime
