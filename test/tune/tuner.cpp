// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the tuner decides, on simulated machines.
#include "tune/tuner.h"

#include <gtest/gtest.h>

#include "simulated_bench.h"

namespace cnnc::test {
namespace {

constexpr double kMicro = 1e-6;

/// The fastest schedule is a = 3, b = 2; the rule's takes half as long again.
double usual(const Schedule& schedule) {
  return 10 * kMicro * (1 + 0.1 * static_cast<double>(std::abs(parameter(schedule, "a") - 3)) + 0.3 * static_cast<double>(std::abs(parameter(schedule, "b") - 2)));
}

SimulatedKernel usual_kernel(uint64_t key, double uses = 1) { return {.key = key, .uses = uses, .seconds = usual}; }

TuneResult run(SimulatedBench& bench, const TuneOptions& options, RecordedReport& report, const Choices& start = {}) {
  return tune(bench, options, start, report);
}

TuneResult run(SimulatedBench& bench, const TuneOptions& options, const Choices& start = {}) {
  RecordedReport report;
  return tune(bench, options, start, report);
}

TEST(Tuner, FindsTheFastestOfASmallSpace) {
  SimulatedBench bench({usual_kernel(1)});
  const TuneResult result = run(bench, {.trials = 100});
  EXPECT_EQ(result.choices.kernels.at(1), simulated(3, 2));
  EXPECT_LE(result.trials, 15);   // the whole space, once
  EXPECT_LT(result.after, result.before);
  EXPECT_NEAR(result.seconds.at(1), 10 * kMicro, kMicro);
}

TEST(Tuner, GivesTheSameTwice) {
  SimulatedBench a({usual_kernel(1), usual_kernel(2, 3)}), b = a;
  EXPECT_EQ(run(a, {.trials = 9}).choices, run(b, {.trials = 9}).choices);
  EXPECT_EQ(a.raced, b.raced);
}

TEST(Tuner, BeginsWithTheKernelThatTakesTheMostTime) {
  SimulatedBench bench({usual_kernel(1), usual_kernel(2, 10), usual_kernel(3, 2)});
  RecordedReport report;
  run(bench, {.trials = 3}, report);
  ASSERT_EQ(report.trials.size(), 3u);
  for (const Trial& trial : report.trials) EXPECT_EQ(trial.label, "kernel2");
}

TEST(Tuner, SpendsLittleOnAKernelThatIsAtThePeak) {
  const double peak = 1e11;
  SimulatedKernel at_peak = usual_kernel(1, 2);
  at_peak.most = 32;
  at_peak.multiply_adds = peak * usual(at_peak.chosen);
  SimulatedKernel slow = at_peak;
  slow.key = 2, slow.uses = 1, slow.multiply_adds /= 10;
  SimulatedBench bench({at_peak, slow});
  const TuneResult result = run(bench, {.trials = 40, .peak = peak});
  EXPECT_LT(result.kernels[0].trials, result.kernels[1].trials);
}

TEST(Tuner, GoesOnToOtherKernelsWhereNothingIsGained) {
  SimulatedKernel flat = usual_kernel(1, 3);
  flat.most = 40;
  flat.seconds = [](const Schedule&) { return 10 * kMicro; };
  SimulatedBench bench({flat, usual_kernel(2)});
  const TuneResult result = run(bench, {.trials = 60});
  EXPECT_GE(result.kernels[1].trials, 10);
  EXPECT_FALSE(result.choices.kernels.contains(1));
}

TEST(Tuner, NeverChoosesWhatCrashesHangsOrComputesSomethingElse) {
  SimulatedBench bench({usual_kernel(1)});
  bench.crashing = {to_string(simulated(3, 2))};
  bench.hanging = {to_string(simulated(2, 2))};
  bench.wrong = {to_string(simulated(4, 2))};
  bench.not_compiled = {to_string(simulated(1, 2))};
  RecordedReport report;
  const TuneResult result = run(bench, {.trials = 100}, report);
  EXPECT_EQ(result.choices.kernels.at(1), simulated(3, 1));
  std::map<std::string, std::string> failures;
  for (const Trial& trial : report.trials)
    if (trial.result.outcome == Outcome::Failed) failures[to_string(trial.schedule)] = trial.result.failure;
  EXPECT_EQ(failures, (std::map<std::string, std::string>{{to_string(simulated(3, 2)), "ended by signal 11"},
                                                          {to_string(simulated(2, 2)), "took longer than 5 s"},
                                                          {to_string(simulated(4, 2)), "computes something else"},
                                                          {to_string(simulated(1, 2)), "Halide refused"}}));
}

TEST(Tuner, StopsWhatIsClearlyWorseAfterThreeRounds) {
  SimulatedBench bench({usual_kernel(1)});
  bench.kernels[0].chosen = simulated(3, 2);
  run(bench, {.trials = 100});
  EXPECT_EQ(bench.rounds.at(to_string(simulated(3, 4))), 3);    // 60 % slower
  EXPECT_EQ(bench.rounds.at(to_string(simulated(2, 2))), 6);    // 10 % slower
}

TEST(Tuner, BelievesAWinnerOnlyWhenItWinsAgain) {
  SimulatedBench bench({usual_kernel(1)});
  bench.kernels[0].chosen = simulated(3, 2);
  bench.lucky = {to_string(simulated(1, 1))};
  const TuneResult result = run(bench, {.trials = 100});
  EXPECT_EQ(result.choices, Choices{});
  EXPECT_EQ(std::count(bench.raced.begin(), bench.raced.end(), to_string(simulated(1, 1))), 2);
}

TEST(Tuner, DoesNotTakeNoiseForAGain) {
  SimulatedKernel flat = usual_kernel(1);
  flat.most = 16;
  flat.seconds = [](const Schedule&) { return 10 * kMicro; };
  SimulatedBench bench({flat});
  bench.noise = 0.2;
  EXPECT_EQ(run(bench, {.trials = 200}).choices, Choices{});
}

TEST(Tuner, ShowsOneTimeOfOneSchedule) {
  SimulatedKernel only = usual_kernel(1);
  only.most = 1;
  SimulatedBench bench({only});
  bench.noise = 0.2;
  const TuneResult result = run(bench, {.trials = 10});
  ASSERT_EQ(result.kernels.size(), 1u);
  EXPECT_EQ(result.kernels[0].gain(), 1);
}

TEST(Tuner, KeepsToItsTime) {
  for (const double seconds : {20.0, 60.0, 200.0}) {
    SimulatedBench bench({usual_kernel(1), usual_kernel(2)});
    for (SimulatedKernel& kernel : bench.kernels) kernel.most = 60;
    run(bench, {.seconds = seconds});
    EXPECT_LE(bench.now(), seconds * 1.1);
    EXPECT_GE(bench.now(), seconds * 0.7);
  }
}

TEST(Tuner, KeepsToItsTrials) {
  SimulatedBench bench({usual_kernel(1), usual_kernel(2)}, {usual_kernel(3), usual_kernel(2)});
  RecordedReport report;
  EXPECT_EQ(run(bench, {.trials = 3}, report).trials, 3);
  EXPECT_EQ(report.trials.size(), 3u);
}

TEST(Tuner, KeepsWhatWasFoundWhenItIsInterrupted) {
  SimulatedBench bench({usual_kernel(1)});
  bench.kernels[0].most = 12;
  bench.interrupt_at = 40;
  const TuneResult result = run(bench, {.seconds = 1000});
  EXPECT_TRUE(result.was_interrupted);
  EXPECT_FALSE(result.choices.kernels.empty());
  EXPECT_LT(bench.now(), 43);
}

TEST(Tuner, InterruptedAtOnceItHasNothing) {
  SimulatedBench bench({usual_kernel(1)});
  bench.interrupt_at = 0;
  const TuneResult result = run(bench, {.seconds = 1000});
  EXPECT_TRUE(result.was_interrupted);
  EXPECT_EQ(result.choices, Choices{});
}

TEST(Tuner, IsNeverSlowerThanNoFile) {
  // Kernels that win alone, in a network that loses by it.
  SimulatedBench bench({usual_kernel(1)});
  bench.network_seconds = [](const Choices& choices) { return choices == Choices{} ? 1e-3 : 1.1e-3; };
  RecordedReport report;
  const TuneResult result = run(bench, {.trials = 100}, report);
  EXPECT_EQ(result.choices, Choices{});
  ASSERT_FALSE(report.notes.empty());
  EXPECT_EQ(report.notes[0], "the network is no faster with all of it: 1.10 ms instead of 1.00 ms");
}

TEST(Tuner, KeepsTheClearGainsWhereTheRestLoses) {
  SimulatedKernel small = usual_kernel(2);
  small.seconds = [](const Schedule& schedule) { return schedule == simulated(2, 1) ? 9.65 * kMicro : 10 * kMicro; };
  SimulatedBench bench({usual_kernel(1), small});
  bench.network_seconds = [](const Choices& choices) { return 1e-3 - (choices.kernels.contains(1) ? 1e-4 : 0) + (choices.kernels.contains(2) ? 3e-4 : 0); };
  const TuneResult result = run(bench, {.trials = 100});
  EXPECT_TRUE(result.choices.kernels.contains(1));
  EXPECT_FALSE(result.choices.kernels.contains(2));
}

TEST(Tuner, DoesNotKeepANetworkThatComputesSomethingElse) {
  SimulatedBench bench({usual_kernel(1)});
  bench.wrong_network = true;
  RecordedReport report;
  EXPECT_EQ(run(bench, {.trials = 100}, report).choices, Choices{});
  EXPECT_EQ(report.notes.at(0), "the network with all of it is not used: computes something else");
}

TEST(Tuner, GoesOnFromAFile) {
  SimulatedBench bench({usual_kernel(1), usual_kernel(2)});
  const TuneResult result = run(bench, {.trials = 1}, {.layouts = {}, .kernels = {{1, simulated(3, 2)}}});
  EXPECT_EQ(result.choices.kernels.at(1), simulated(3, 2));
  EXPECT_NEAR(result.kernels[0].gain(), 1.5, 0.05);
  EXPECT_EQ(bench.raced[0], to_string(simulated(3, 2)));   // measured beside the rule's
}

TEST(Tuner, LeavesAScheduleOfAFileThatNoLongerWorks) {
  SimulatedBench bench({usual_kernel(1)});
  bench.crashing = {to_string(simulated(3, 2))};
  RecordedReport report;
  const TuneResult result = run(bench, {.trials = 100}, report, {.layouts = {}, .kernels = {{1, simulated(3, 2)}}});
  EXPECT_EQ(report.trials.at(0).result.failure, "ended by signal 11");
  EXPECT_NE(result.choices.kernels.at(1), simulated(3, 2));
}

TEST(Tuner, ChoosesALayoutWhoseKernelsAreFaster) {
  SimulatedKernel fast = usual_kernel(3);
  fast.seconds = [](const Schedule& schedule) { return usual(schedule) / 2; };
  SimulatedBench bench({usual_kernel(1), usual_kernel(2)}, {fast, usual_kernel(2)});
  const TuneResult result = run(bench, {.trials = 100});
  EXPECT_EQ(result.choices.layouts.at(99).name, "winograd");
  EXPECT_EQ(result.choices.kernels.at(3), simulated(3, 2));
  EXPECT_FALSE(result.choices.kernels.contains(1));
}

TEST(Tuner, LeavesALayoutWhoseKernelsAreSlower) {
  SimulatedKernel slow = usual_kernel(3);
  slow.seconds = [](const Schedule& schedule) { return usual(schedule) * 2; };
  SimulatedBench bench({usual_kernel(1), usual_kernel(2)}, {slow, usual_kernel(2)});
  const TuneResult result = run(bench, {.trials = 100});
  EXPECT_TRUE(result.choices.layouts.empty());
  EXPECT_EQ(result.choices.kernels.at(1), simulated(3, 2));
}

TEST(Tuner, DoesNotKeepLayoutsThatTheRulesChoose) {
  SimulatedBench bench({usual_kernel(1)}, {usual_kernel(3)});
  bench.kernels[0].most = bench.other_kernels[0].most = 1;
  EXPECT_EQ(run(bench, {.trials = 1}, {.layouts = {{99, {"direct", {}}}}, .kernels = {}}).choices, Choices{});
}

}  // namespace
}  // namespace cnnc::test
