// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tuner's processes on this machine: what crashes, hangs, or computes something else is told; the spaces of planned kernels.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cmath>
#include <stdexcept>

#include "schedule/space.h"
#include "test/schedule/networks.h"
#include "tune/child.h"
#include "tune/kernel_memory.h"

namespace cnnc::test {
namespace {

TEST(Child, AnswersWhenAsked) {
  Child child([](const Channel& channel) {
    for (int i = 0; channel.wait(); ++i) channel.send('k', std::to_string(i));
  });
  std::string text;
  for (const char* expected : {"0", "1", "2"}) {
    child.ask();
    ASSERT_TRUE(child.receive(text, 60));
    EXPECT_EQ(text, expected);
  }
}

TEST(Child, SaysHowItEnded) {
  std::string text;
  const auto crash = [](const Channel&) {
    signal(SIGSEGV, SIG_DFL);      // a sanitizer would report it and end the process otherwise
    raise(SIGSEGV);
  };
  Child crashes(crash), hangs([](const Channel&) { pause(); }), throws([](const Channel&) { throw std::runtime_error("no such thing"); }),
      leaves([](const Channel&) { _exit(3); });
  EXPECT_FALSE(crashes.receive(text, 60));
  EXPECT_EQ(crashes.failure(), "ended by signal 11 (Segmentation fault)");
  EXPECT_FALSE(hangs.receive(text, 1));
  EXPECT_EQ(hangs.failure(), "took longer than 1 s");
  EXPECT_FALSE(throws.receive(text, 60));
  EXPECT_EQ(throws.failure(), "no such thing");
  EXPECT_FALSE(leaves.receive(text, 60));
  EXPECT_EQ(leaves.failure(), "ended with status 3");
  EXPECT_FALSE(hangs.receive(text, 1)) << "what has failed stays so";
}

TEST(Child, ManyMakeTheirResults) {
  std::vector<std::function<std::string()>> work;
  for (int i = 0; i < 7; ++i)
    work.emplace_back([i]() -> std::string {
      if (i == 4) std::abort();
      return std::string(100000, static_cast<char>('a' + i));
    });
  const std::vector<Made> made = make_in_children(work, 3, 60);
  ASSERT_EQ(made.size(), 7u);
  for (size_t i = 0; i < made.size(); ++i) {
    EXPECT_EQ(made[i].failure, i == 4 ? "ended by signal 6 (Aborted)" : "");
    EXPECT_EQ(made[i].text, i == 4 ? std::string() : std::string(100000, static_cast<char>('a' + static_cast<int>(i))));
  }
}

/// The kernels of all networks that the tests of plans have, with their plans.
class Planned {
 public:
  explicit Planned(const PlannedNetwork& network) : module_(make_module(network)), plan_(make_plan(module_, *find_target("avx512"), {})) {}
  const FunctionPlan& function() const { return plan_.functions.at(0); }

 private:
  Module module_;
  ModulePlan plan_;
};

TEST(Space, HoldsLegalSchedulesAndTheChosenOne) {
  size_t larger = 0;
  for (const PlannedNetwork& network : planned_networks()) {
    const Planned planned(network);
    const ScheduleSpace space(planned.function(), *find_target("avx512"));
    for (const Kernel& kernel : planned.function().kernels) {
      const auto all = space.around(kernel, kernel.schedule, 50);
      EXPECT_EQ(all.at(0), kernel.schedule);
      larger += all.size() > 1;
      for (const Schedule& schedule : all) EXPECT_TRUE(space.is_legal(kernel, schedule)) << to_string(schedule);
      for (const Schedule& other : space.neighbours(kernel, kernel.schedule)) {
        int changed = 0;
        for (const auto& [name, value] : other.parameters) changed += value != kernel.schedule.parameters.at(name);
        EXPECT_EQ(changed, 1) << to_string(other);
        EXPECT_NE(space.with_schedule(kernel, other).signature, kernel.signature);
      }
      EXPECT_EQ(space.with_schedule(kernel, kernel.schedule).signature, kernel.signature);
    }
  }
  EXPECT_GT(larger, 10u);
}

TEST(KernelMemory, FindsWhatIsWrongAndAllowsRounding) {
  const Planned planned(planned_networks().at(0));
  const Kernel& kernel = planned.function().kernels.at(0);
  KernelMemory memory(planned.function(), kernel, 3);
  memory.reset(false);
  const auto unwritten = memory.results();
  for (const double number : unwritten.at(0)) EXPECT_TRUE(std::isnan(number)) << "what is not written shows";
  const std::vector<std::vector<double>> right = {{1, -2, 300}}, magnitude = {{1, 2, 400}};
  const double bound = 1e-6;
  EXPECT_EQ(compare_results(right, {{1, -2 + 3e-4, 300}}, magnitude, memory, bound), "");
  EXPECT_EQ(compare_results(right, {{1, -2 + 5e-4, 300}}, magnitude, memory, bound), "computes something else: -1.9995 instead of -2");
  EXPECT_NE(compare_results(right, {{std::nan(""), -2, 300}}, magnitude, memory, bound), "");
  static_cast<uint8_t*>(memory.values()[kernel.reads.size()])[-1] = 0;
  EXPECT_EQ(compare_results(right, right, magnitude, memory, bound), "writes outside of its results");
}

}  // namespace
}  // namespace cnnc::test
