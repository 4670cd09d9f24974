// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Plans, objects and processes behind the tuner's questions.
#include "tune/machine_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "codegen/kernel_objects.h"
#include "schedule/space.h"
#include "support/check.h"
#include "tune/child.h"
#include "tune/measure.h"

namespace cnnc {
namespace {

class ChildRace : public Race {
 public:
  ChildRace(const std::function<void(const Channel&)>& work, double seconds) : child_(work), seconds_(seconds) {
    std::string ready;
    child_.receive(ready, seconds_);
  }
  std::optional<Times> round() override {
    if (!child_.failure().empty()) return {};
    child_.ask();
    std::string bytes;
    Times times;
    if (!child_.receive(bytes, seconds_)) return {};
    CNNC_CHECK(bytes.size() == sizeof times, "a measurement is a pair of times");
    std::memcpy(&times, bytes.data(), sizeof times);
    return times;
  }
  const std::string& failure() const override { return child_.failure(); }

 private:
  Child child_;
  const double seconds_;
};

/// A race that cannot be held.
class FailedRace : public Race {
 public:
  explicit FailedRace(std::string failure) : failure_(std::move(failure)) {}
  std::optional<Times> round() override { return {}; }
  const std::string& failure() const override { return failure_; }

 private:
  std::string failure_;
};

class PlannedSpace : public KernelSpace {
 public:
  PlannedSpace(const ScheduleSpace& space, const Kernel& kernel) : space_(space), kernel_(kernel) {}
  std::vector<Schedule> around(const Schedule& schedule, size_t most) const override { return space_.around(kernel_, schedule, most); }
  std::vector<Schedule> neighbours(const Schedule& schedule) const override { return space_.neighbours(kernel_, schedule); }
  double expected_cost(const Schedule& schedule) const override { return space_.expected_cost(kernel_, schedule); }

 private:
  const ScheduleSpace& space_;
  const Kernel& kernel_;
};

std::string text_of_layouts(const Choices& choices) {
  std::string text;
  for (const auto& [key, weights] : choices.layouts) text += fmt::format("{:016x} {} ", key, to_string(weights));
  return text;
}

}  // namespace

/// Where a kernel is planned.
struct MachineBench::Known {
  const FunctionPlan* plan;
  const Kernel* kernel;
  int64_t batch;
  ScheduleSpace space;
  PlannedSpace planned;

  Known(const FunctionPlan& function, const Kernel& k, const Target& target, int64_t images)
      : plan(&function), kernel(&k), batch(images), space(function, target), planned(space, k) {}
};

struct MachineBench::Compiled {
  std::unique_ptr<ModulePlan> plan;
  std::string object, failure;
};

ScheduleFile stanzas_of(const Choices& choices, const Target& target) {
  ScheduleFile file;
  const auto add = [&](StanzaKind kind, uint64_t key, const Schedule& schedule) {
    Stanza stanza;
    stanza.kind = kind;
    stanza.key.hash = key;
    stanza.target = target.name;
    stanza.schedule = schedule;
    file.add(std::move(stanza));
  };
  for (const auto& [key, weights] : choices.layouts) add(StanzaKind::Layout, key, weights);
  for (const auto& [key, schedule] : choices.kernels) add(StanzaKind::Kernel, key, schedule);
  return file;
}

MachineBench::MachineBench(const Module& module, const Target& target, MachineOptions options)
    : module_(module), target_(target), options_(std::move(options)) {}
MachineBench::~MachineBench() = default;

double MachineBench::now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

bool MachineBench::is_tuned(const FunctionPlan& function) const {
  return std::find(options_.functions.begin(), options_.functions.end(), function.function->name) != options_.functions.end();
}

const ModulePlan& MachineBench::planned(const Choices& choices) {
  auto& plan = plans_[text_of_layouts(choices)];
  if (!plan) {
    const ScheduleFile file = stanzas_of({choices.layouts, {}}, target_);
    PlanOptions options = options_.plan;
    options.stanzas = &file;
    options.legal_weights = true;
    plan = std::make_unique<ModulePlan>(make_plan(module_, target_, options));
    remember(*plan);
  }
  return *plan;
}

void MachineBench::remember(const ModulePlan& plan) {
  for (const FunctionPlan& function : plan.functions) {
    if (!is_tuned(function)) continue;
    for (const Kernel& kernel : function.kernels) {
      auto& known = known_[kernel.key.hash];
      if (!known) known = std::make_unique<Known>(function, kernel, target_, options_.batches.at(function.function->name));
    }
  }
}

Problem MachineBench::plan(const Choices& choices) {
  const ModulePlan& plan = planned(choices);
  Problem problem;
  const auto is_wanted = [&](const std::string& label, const std::string& words) { return !options_.wanted || options_.wanted(label, words); };
  for (const FunctionPlan& function : plan.functions) {
    if (!is_tuned(function)) continue;
    const auto batch = static_cast<double>(options_.batches.at(function.function->name));
    for (const Kernel& kernel : function.kernels) {
      if (!is_wanted(kernel.label, kernel.key.words)) continue;
      const auto same = std::find_if(problem.kernels.begin(), problem.kernels.end(), [&](const KernelTask& task) { return task.key == kernel.key.hash; });
      if (same != problem.kernels.end()) {
        same->uses += 1;
      } else {
        problem.kernels.push_back({kernel.key.hash, kernel.label, kernel.key.words, 1, kernel.multiply_adds * batch, kernel.schedule});
      }
    }
    for (const WeightsChoice& choice : function.weights_choices) {
      const bool met = std::any_of(problem.layouts.begin(), problem.layouts.end(), [&](const LayoutTask& task) { return task.key == choice.key.hash; });
      // Its kernel is the one whose words begin with the convolution's.
      const std::string operation = choice.key.words.substr(0, choice.key.words.find(": "));
      const auto kernel = std::find_if(problem.kernels.begin(), problem.kernels.end(), [&](const KernelTask& task) {
        return task.words.starts_with(operation) && (task.label + "+").find(choice.label + "+") != std::string::npos;
      });
      if (!met && is_wanted(choice.label, choice.key.words))
        problem.layouts.push_back({choice.key.hash, choice.label, choice.key.words, kernel == problem.kernels.end() ? 0 : kernel->key, choice.weights, choice.legal});
    }
  }
  return problem;
}

const KernelSpace& MachineBench::space(uint64_t kernel) { return known_.at(kernel)->planned; }

std::vector<std::string> MachineBench::compile(const std::vector<KernelRun>& runs) {
  std::vector<std::pair<const FunctionPlan*, Kernel>> missing;
  std::vector<std::string> signatures;
  for (const KernelRun& run : runs) {
    const Known& known = *known_.at(run.key);
    Kernel kernel = known.space.with_schedule(*known.kernel, run.schedule);
    signatures.push_back(kernel.signature);
    if (!objects_.contains(kernel.signature) && !failures_.contains(kernel.signature)) missing.emplace_back(known.plan, std::move(kernel));
  }
  // Equal ones are found by compile_kernels.
  make_objects(missing);
  std::vector<std::string> failures;
  for (const std::string& signature : signatures) failures.push_back(failures_.contains(signature) ? failures_.at(signature) : "");
  return failures;
}

void MachineBench::make_objects(const std::vector<std::pair<const FunctionPlan*, Kernel>>& kernels) {
  if (kernels.empty()) return;
  ModulePlan plan;
  plan.target = &target_;
  for (const auto& [function, kernel] : kernels) {
    FunctionPlan one = *function;
    one.kernels = {kernel};
    plan.functions.push_back(std::move(one));
  }
  KernelOptions options;
  options.jobs = options_.jobs;
  options.timeout_seconds = static_cast<int>(std::ceil(options_.kernel_seconds));
  const CompiledKernels compiled = compile_kernels(plan, options);
  for (const KernelFailure& failure : compiled.failures) failures_[failure.signature] = failure.reason;
  std::vector<std::string> signatures;
  std::vector<std::function<std::string()>> work;
  for (const auto& [signature, code] : compiled.by_signature) {
    if (failures_.contains(signature)) continue;
    signatures.push_back(signature);
    work.emplace_back([&code = code, this] { return kernel_object(code, target_); });
  }
  const std::vector<Made> made = make_in_children(work, options_.jobs, options_.kernel_seconds);
  for (size_t i = 0; i < made.size(); ++i) {
    if (made[i].failure.empty()) {
      objects_[signatures[i]] = made[i].text;
    } else {
      failures_[signatures[i]] = made[i].failure;
    }
  }
}

std::unique_ptr<Race> MachineBench::race(const std::vector<KernelRun>& first, const std::vector<KernelRun>& second) {
  // The child has copies of all of this.
  std::vector<std::unique_ptr<Kernel>> kernels;
  const auto side = [&](const std::vector<KernelRun>& runs) {
    KernelSide result;
    for (const KernelRun& run : runs) {
      const Known& known = *known_.at(run.key);
      kernels.push_back(std::make_unique<Kernel>(known.space.with_schedule(*known.kernel, run.schedule)));
      const std::string& signature = kernels.back()->signature;
      result.push_back({known.plan, kernels.back().get(), objects_.at(signature), kernel_entry_name(signature), known.batch, run.uses});
    }
    return result;
  };
  const KernelSide a = side(first), b = side(second);
  return std::make_unique<ChildRace>([&](const Channel& channel) { measure_kernels(channel, a, b, options_.threads); }, options_.kernel_seconds);
}

MachineBench::Compiled MachineBench::compile_network(const Choices& choices, const std::string& prefix) {
  const ScheduleFile file = stanzas_of(choices, target_);
  PlanOptions options = options_.plan;
  options.stanzas = &file;
  Compiled compiled{std::make_unique<ModulePlan>(make_plan(module_, target_, options)), {}, {}};
  std::erase_if(compiled.plan->functions, [&](const FunctionPlan& function) { return !is_tuned(function) && function.function->name != "prepare"; });
  KernelOptions kernel_options;
  kernel_options.jobs = options_.jobs;
  kernel_options.cache_folder = options_.cache_folder;
  const CompiledKernels kernels = compile_kernels(*compiled.plan, kernel_options);
  if (!kernels.failures.empty()) {
    compiled.failure = fmt::format("kernel {} does not compile: {}", kernels.failures[0].kernel, kernels.failures[0].reason);
    return compiled;
  }
  const Made made = make_in_children({[&] { return functions_object(*compiled.plan, kernels, prefix); }}, 1, options_.network_seconds).at(0);
  compiled.object = made.text, compiled.failure = made.failure;
  return compiled;
}

std::unique_ptr<Race> MachineBench::network(const Choices& first, const Choices& second) {
  const Compiled a = compile_network(first, "first."), b = compile_network(second, "second.");
  for (const Compiled* one : {&a, &b})
    if (!one->failure.empty()) return std::make_unique<FailedRace>(one->failure);
  const auto measured = [&](const Compiled& compiled, const std::string& prefix) {
    return MeasuredNetwork{&module_, compiled.plan.get(), compiled.object, prefix, options_.functions, options_.batches};
  };
  const MeasuredNetwork one = measured(a, "first."), other = measured(b, "second.");
  return std::make_unique<ChildRace>([&](const Channel& channel) { measure_networks(channel, one, other, options_.threads); }, options_.network_seconds);
}

}  // namespace cnnc
