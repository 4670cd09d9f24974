// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The steps: measure all kernels once; try the layouts of the convolutions that take the most time; then kernel by kernel, always
// the one where the most may be gained; at last the whole network both ways.
#include "tune/tuner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "support/check.h"
#include "tune/search.h"

namespace cnnc {
namespace {

// Shares of the budget: for layouts, and for the network as a whole at the end.
constexpr double kForLayouts = 0.4, kForNetwork = 0.15;
// Convolutions that take less than this share of the time keep their layout.
constexpr double kSmallShare = 0.02;
constexpr size_t kLayoutsTried = 5;
constexpr size_t kBaselineRounds = 3, kNetworkRounds = 9;

class Tuner {
 public:
  Tuner(Bench& bench, const TuneOptions& options, const Choices& start, TuneReport& report)
      : bench_(bench), options_(options), report_(report), choices_(start), begin_(bench.now()) {}

  TuneResult run() {
    forget_what_rules_choose();
    problem_ = bench_.plan(choices_);
    measure_kernels();
    tune_layouts();
    tune_kernels();
    result_.was_interrupted = bench_.interrupted();
    compare_networks();
    for (const auto& [key, state] : states_)
      if (is_in_problem(key)) result_.kernels.push_back(state);
    result_.trials = trials_;
    return std::move(result_);
  }

 private:
  // ---- the budget

  double elapsed() const { return bench_.now() - begin_; }
  bool is_spent(double share) const {
    if (bench_.interrupted()) return true;
    if (options_.trials > 0 && static_cast<double>(trials_) >= std::ceil(static_cast<double>(options_.trials) * share)) return true;
    return options_.seconds > 0 && elapsed() >= options_.seconds * share * (1 - kForNetwork);
  }
  double left() const {
    if (options_.trials > 0) return static_cast<double>(options_.trials - trials_);
    return std::max(0.0, options_.seconds - elapsed());
  }
  void tell_state() {
    std::vector<KernelState> shown;
    for (const KernelTask& task : problem_.kernels) shown.push_back(states_.at(task.key));
    std::stable_sort(shown.begin(), shown.end(), [](const auto& a, const auto& b) { return total(a) > total(b); });
    report_.state(shown, left());
  }

  /// A file may hold the layouts that the rules choose anyway.
  void forget_what_rules_choose() {
    for (const LayoutTask& task : bench_.plan({}).layouts)
      if (const auto fixed = choices_.layouts.find(task.key); fixed != choices_.layouts.end() && fixed->second == task.now) choices_.layouts.erase(fixed);
  }

  // ---- kernels and their times

  static double total(const KernelState& state) { return state.after * state.task.uses; }
  bool is_in_problem(uint64_t key) const {
    return std::any_of(problem_.kernels.begin(), problem_.kernels.end(), [&](const KernelTask& task) { return task.key == key; });
  }
  const Schedule& best_of(const KernelTask& task) const {
    if (const auto known = states_.find(task.key); known != states_.end()) return known->second.best;
    const auto fixed = choices_.kernels.find(task.key);
    return fixed == choices_.kernels.end() ? task.chosen : fixed->second;
  }

  /// The time of each kernel of the problem that has none yet, with the rule's schedule and with that of the file.
  void measure_kernels() {
    std::vector<KernelRun> runs;
    for (const KernelTask& task : problem_.kernels)
      if (!states_.contains(task.key)) runs.push_back({task.key, task.chosen}), runs.push_back({task.key, best_of(task)});
    const std::vector<std::string> failures = bench_.compile(runs);
    for (size_t i = 0; i < runs.size(); i += 2) measure_kernel(runs[i], runs[i + 1], failures[i], failures[i + 1]);
    tell_state();
  }

  void measure_kernel(const KernelRun& chosen, const KernelRun& best, const std::string& chosen_failure, const std::string& best_failure) {
    const auto task = std::find_if(problem_.kernels.begin(), problem_.kernels.end(), [&](const KernelTask& t) { return t.key == chosen.key; });
    KernelState state{.task = *task, .best = best.schedule};
    CNNC_CHECK(chosen_failure.empty(), fmt::format("the schedule that the rules choose for {} does not compile: {}", task->label, chosen_failure));
    const Rules rules{.rounds = kBaselineRounds};
    Result result;
    if (best_failure.empty()) result = race(chosen, best, rules);
    if (!best_failure.empty() || result.outcome == Outcome::Failed) {
      tell({task->label, best.schedule, {.outcome = Outcome::Failed, .failure = best_failure.empty() ? result.failure : best_failure}}, nullptr);
      state.best = chosen.schedule;
      result = race(chosen, chosen, rules);
    }
    state.before = result.first, state.after = result.second;
    // What another machine, or an earlier version, has found may be slow here.
    constexpr double kSlower = 1.02;
    if (result.ratio > kSlower) state.best = chosen.schedule;
    // Two times of one schedule differ only by what else the machine did.
    if (state.best == chosen.schedule) state.after = state.before;
    // A kernel whose rule's schedule cannot be measured is left alone.
    state.is_done = result.outcome == Outcome::Failed || result.rounds == 0;
    states_.insert_or_assign(task->key, std::move(state));
  }

  Result race(const KernelRun& first, const KernelRun& second, const Rules& rules) {
    return race(std::vector{first}, std::vector{second}, rules);
  }
  Result race(const std::vector<KernelRun>& first, const std::vector<KernelRun>& second, const Rules& rules) {
    return run_race(*bench_.race(first, second), rules, [this] { return bench_.interrupted(); });
  }

  /// A race, and a second one in a new process if the first is won.
  Trial try_out(const std::vector<KernelRun>& first, const std::vector<KernelRun>& second, std::string label, const Schedule& schedule) {
    ++trials_;
    Trial trial{.label = std::move(label), .schedule = schedule};
    trial.result = race(first, second, {});
    if (trial.result.outcome != Outcome::Better) return trial;
    const Result again = race(first, second, {});
    trial.is_confirmed = again.outcome == Outcome::Better;
    trial.result = again;
    return trial;
  }

  void tell(const Trial& trial, const KernelState* kernel) { report_.trial(trial, kernel); }

  // ---- layouts

  void tune_layouts() {
    std::vector<LayoutTask> tasks = problem_.layouts;
    double all = 0;
    for (const KernelTask& task : problem_.kernels) all += total(states_.at(task.key));
    const auto time_of = [&](const LayoutTask& task) {
      const auto state = states_.find(task.kernel);
      return state == states_.end() ? 0 : total(state->second);
    };
    std::erase_if(tasks, [&](const LayoutTask& task) { return time_of(task) < kSmallShare * all; });
    std::stable_sort(tasks.begin(), tasks.end(), [&](const auto& a, const auto& b) { return time_of(a) > time_of(b); });
    for (const LayoutTask& task : tasks) {
      size_t tried = 0;
      for (const Schedule& weights : task.legal) {
        if (is_spent(kForLayouts)) return;
        const auto now = choices_.layouts.find(task.key);
        if (weights == (now == choices_.layouts.end() ? task.now : now->second)) continue;
        if (tried++ < kLayoutsTried) try_layout(task, weights);
      }
    }
  }

  /// The kernels that only the first problem has, or has more often.
  std::vector<KernelRun> difference(const Problem& a, const Problem& b) const {
    std::vector<KernelRun> runs;
    for (const KernelTask& task : a.kernels) {
      double uses = task.uses;
      for (const KernelTask& other : b.kernels)
        if (other.key == task.key) uses -= other.uses;
      if (uses > 0) runs.push_back({task.key, best_of(task), uses});
    }
    return runs;
  }

  void try_layout(const LayoutTask& task, const Schedule& weights) {
    Choices choices = choices_;
    choices.layouts[task.key] = weights;
    Problem problem = bench_.plan(choices);
    const std::vector<KernelRun> first = difference(problem_, problem), second = difference(problem, problem_);
    if (first.empty() || second.empty()) return;
    for (const std::string& failure : bench_.compile(second)) {
      if (failure.empty()) continue;
      ++trials_;
      tell({.label = task.label, .schedule = weights, .result = {.outcome = Outcome::Failed, .failure = failure}, .is_layout = true}, nullptr);
      return;
    }
    Trial trial = try_out(first, second, task.label, weights);
    trial.is_layout = true;
    if (trial.is_confirmed) {
      choices_ = std::move(choices);
      problem_ = std::move(problem);
      measure_kernels();
    }
    tell(trial, nullptr);
    tell_state();
  }

  // ---- schedules

  /// Where the most may be gained: much time, far from the peak, and candidates that were not all in vain.
  double promise(const KernelState& state) const {
    if (state.is_done) return 0;
    constexpr double kPatience = 4, kLeast = 0.1;
    const double share = options_.peak > 0 ? state.task.multiply_adds / state.after / options_.peak : 0;
    return total(state) * std::max(kLeast, 1 - share) / (1 + static_cast<double>(state.since_gain) / kPatience);
  }

  KernelState* most_promising() {
    KernelState* best = nullptr;
    for (const KernelTask& task : problem_.kernels) {
      KernelState& state = states_.at(task.key);
      if (promise(state) > (best ? promise(*best) : 0)) best = &state;
    }
    return best;
  }

  KernelSearch& search_of(const KernelState& state) {
    auto& search = searches_[state.task.key];
    if (!search) search = std::make_unique<KernelSearch>(bench_.space(state.task.key), state.task.key, state.best);
    return *search;
  }

  void tune_kernels() {
    while (!is_spent(1)) {
      KernelState* state = most_promising();
      if (!state) return;
      size_t count = static_cast<size_t>(std::max(1, bench_.jobs())) * 2;
      if (options_.trials > 0) count = std::min(count, static_cast<size_t>(options_.trials - trials_));
      tune_kernel(*state, search_of(*state).next(count));
      tell_state();
    }
  }

  void tune_kernel(KernelState& state, const std::vector<Schedule>& candidates) {
    state.is_done = candidates.empty();
    std::vector<KernelRun> runs;
    for (const Schedule& schedule : candidates) runs.push_back({state.task.key, schedule});
    const std::vector<std::string> failures = bench_.compile(runs);
    for (size_t i = 0; i < runs.size() && !is_spent(1); ++i) {
      ++state.trials, ++state.since_gain;
      if (!failures[i].empty()) {
        ++trials_;
        tell({state.task.label, runs[i].schedule, {.outcome = Outcome::Failed, .failure = failures[i]}}, &state);
        continue;
      }
      const Trial trial = try_out({{state.task.key, state.best}}, {runs[i]}, state.task.label, runs[i].schedule);
      if (trial.is_confirmed) accept(state, trial);
      tell(trial, &state);
    }
  }

  void accept(KernelState& state, const Trial& trial) {
    state.best = trial.schedule;
    // As a share of the rule's time: both sides of a race feel what else the machine does.
    state.after = std::min(state.after, state.after * trial.result.ratio);
    state.since_gain = 0;
    search_of(state).moved_to(trial.schedule);
  }

  // ---- the end

  /// The choices that differ from the rules and gain at least so much.
  Choices better_choices(double least_gain, bool layouts) const {
    Choices choices;
    if (layouts) choices.layouts = choices_.layouts;
    for (const KernelTask& task : problem_.kernels) {
      const KernelState& state = states_.at(task.key);
      if (!(state.best == task.chosen) && state.gain() >= least_gain) choices.kernels[task.key] = state.best;
    }
    return choices;
  }

  /// Keeps what makes the whole network faster: all of it, or the parts with the clearest gains, or nothing.
  void compare_networks() {
    constexpr double kClearGain = 1.05;
    const Choices all = better_choices(0, true);
    if (all == Choices{}) return;
    std::vector<std::pair<Choices, std::string_view>> attempts = {{all, "all of it"},
                                                                   {better_choices(kClearGain, true), "the clear gains"},
                                                                   {better_choices(kClearGain, false), "the clear gains of single kernels"}};
    for (size_t i = 0; i < attempts.size(); ++i) {
      const auto& [choices, name] = attempts[i];
      if (choices == Choices{} || (i > 0 && choices == attempts[i - 1].first)) continue;
      const Result result = race_networks(choices);
      if (result.outcome != Outcome::Failed && result.ratio < 1) {
        keep(choices, result);
        return;
      }
      report_.note(result.outcome == Outcome::Failed ? fmt::format("the network with {} is not used: {}", name, result.failure)
                                                     : fmt::format("the network is no faster with {}: {:.2f} ms instead of {:.2f} ms", name, result.second * 1e3, result.first * 1e3));
    }
  }

  Result race_networks(const Choices& choices) {
    // Whoever has ended the search by Ctrl-C still gets this: without it nothing could be kept.
    return run_race(*bench_.network({}, choices), {.rounds = kNetworkRounds, .won_rounds = 0.5}, [] { return false; });
  }

  void keep(const Choices& choices, const Result& result) {
    result_.choices = choices;
    result_.before = result.first, result_.after = result.second;
    for (const auto& [key, schedule] : choices.kernels) result_.seconds[key] = states_.at(key).after;
  }

  Bench& bench_;
  const TuneOptions options_;
  TuneReport& report_;
  Choices choices_;
  Problem problem_;
  const double begin_;
  int64_t trials_ = 0;
  std::map<uint64_t, KernelState> states_;
  std::map<uint64_t, std::unique_ptr<KernelSearch>> searches_;
  TuneResult result_;
};

}  // namespace

TuneResult tune(Bench& bench, const TuneOptions& options, const Choices& start, TuneReport& report) {
  return Tuner(bench, options, start, report).run();
}

}  // namespace cnnc
