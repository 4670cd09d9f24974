// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The machine of formulas.
#include "simulated_bench.h"

#include <algorithm>

#include "support/check.h"

namespace cnnc::test {
namespace {

constexpr double kCompileSeconds = 0.5, kStartSeconds = 0.2, kRoundSeconds = 0.01, kHangSeconds = 5;

class SimulatedRace : public Race {
 public:
  SimulatedRace(SimulatedBench& bench, std::function<double()> first, std::function<double()> second, std::string name, std::string failure)
      : bench_(bench), first_(std::move(first)), second_(std::move(second)), name_(std::move(name)), failure_(std::move(failure)) {
    bench.pass(kStartSeconds);
  }
  std::optional<Times> round() override {
    if (!failure_.empty()) {
      if (failure_.starts_with("took")) bench_.pass(kHangSeconds);
      return {};
    }
    bench_.pass(kRoundSeconds);
    ++bench_.rounds[name_];
    return Times{bench_.noisy(first_()), bench_.noisy(second_())};
  }
  const std::string& failure() const override { return failure_; }

 private:
  SimulatedBench& bench_;
  std::function<double()> first_, second_;
  std::string name_, failure_;
};

}  // namespace

Schedule simulated(int64_t a, int64_t b) { return {"simulated", {{"a", a}, {"b", b}}}; }

int64_t parameter(const Schedule& schedule, const std::string& name) { return schedule.parameters.at(name); }

std::vector<Schedule> SimulatedSpace::around(const Schedule&, size_t most) const {
  std::vector<Schedule> all;
  for (int64_t a = 1; a <= most_; ++a)
    for (int64_t b = 1; b <= most_ && all.size() < most; ++b) all.push_back(simulated(a, b));
  return all;
}

std::vector<Schedule> SimulatedSpace::neighbours(const Schedule& schedule) const {
  std::vector<Schedule> all;
  for (int64_t a = 1; a <= most_; ++a)
    if (a != parameter(schedule, "a")) all.push_back(simulated(a, parameter(schedule, "b")));
  for (int64_t b = 1; b <= most_; ++b)
    if (b != parameter(schedule, "b")) all.push_back(simulated(parameter(schedule, "a"), b));
  return all;
}

double SimulatedSpace::expected_cost(const Schedule& schedule) const { return 1.0 / static_cast<double>(parameter(schedule, "a")); }

Problem SimulatedBench::plan(const Choices& choices) {
  Problem problem;
  const auto layout = choices.layouts.find(99);
  const bool is_other = layout != choices.layouts.end() && layout->second.name == "winograd";
  for (const SimulatedKernel& k : is_other ? other_kernels : kernels)
    problem.kernels.push_back({k.key, "kernel" + std::to_string(k.key), "", k.uses, k.multiply_adds, k.chosen});
  if (!other_kernels.empty())
    problem.layouts.push_back({99, "conv", "", problem.kernels[0].key, {is_other ? "winograd" : "direct", {}}, {{"direct", {}}, {"winograd", {}}}});
  return problem;
}

const SimulatedKernel& SimulatedBench::kernel(uint64_t key) const {
  for (const auto* list : {&kernels, &other_kernels})
    for (const SimulatedKernel& k : *list)
      if (k.key == key) return k;
  CNNC_CHECK(false, "no such kernel");
  return kernels.front();
}

const KernelSpace& SimulatedBench::space(uint64_t key) { return spaces_.try_emplace(key, SimulatedSpace(kernel(key).most)).first->second; }

std::vector<std::string> SimulatedBench::compile(const std::vector<KernelRun>& runs) {
  std::vector<std::string> failures;
  for (const KernelRun& run : runs) {
    ++compiled;
    pass(kCompileSeconds);
    failures.emplace_back(not_compiled.contains(to_string(run.schedule)) ? "Halide refused" : "");
  }
  return failures;
}

std::unique_ptr<Race> SimulatedBench::race(const std::vector<KernelRun>& first, const std::vector<KernelRun>& second) {
  const std::string name = to_string(second[0].schedule);
  raced.push_back(name);
  const auto time_of = [this](std::vector<KernelRun> runs) {
    return [this, runs] {
      double seconds = 0;
      for (const KernelRun& run : runs) seconds += run.uses * kernel(run.key).seconds(run.schedule);
      return seconds;
    };
  };
  std::function<double()> second_time = time_of(second);
  if (lucky.contains(name) && std::count(raced.begin(), raced.end(), name) == 1) second_time = [first_time = time_of(first)] { return first_time() / 2; };
  const std::string failure = crashing.contains(name) ? "ended by signal 11" : hanging.contains(name) ? "took longer than 5 s" : wrong.contains(name) ? "computes something else" : "";
  return std::make_unique<SimulatedRace>(*this, time_of(first), second_time, name, failure);
}

double SimulatedBench::network_time(const Choices& choices) {
  if (network_seconds) return network_seconds(choices);
  double seconds = 0;
  for (const KernelTask& task : plan(choices).kernels) {
    const auto fixed = choices.kernels.find(task.key);
    seconds += task.uses * kernel(task.key).seconds(fixed == choices.kernels.end() ? task.chosen : fixed->second);
  }
  return seconds;
}

std::unique_ptr<Race> SimulatedBench::network(const Choices& first, const Choices& second) {
  pass(kCompileSeconds);
  const auto time_of = [this](const Choices& choices) { return [this, choices] { return network_time(choices); }; };
  return std::make_unique<SimulatedRace>(*this, time_of(first), time_of(second), "network", wrong_network ? "computes something else" : "");
}

double SimulatedBench::noisy(double seconds) {
  random_ = random_ * 6364136223846793005u + 1442695040888963407u;
  const double unit = static_cast<double>(random_ >> 33) / static_cast<double>(uint64_t{1} << 31);
  return seconds * (1 + noise * (2 * unit - 1));
}

}  // namespace cnnc::test
