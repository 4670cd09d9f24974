// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The bench that is this machine: kernels are compiled by workers, and measured in processes of their own. Tests: test/tune/machine.cpp,
// test/run/tune.test
#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "codegen/kernels.h"
#include "schedule/schedule_file.h"
#include "tune/bench.h"

namespace cnnc {

struct MachineOptions {
  PlanOptions plan;                     // without stanzas
  std::vector<std::string> functions;   // what is tuned: infer, or RECIPE.gradients and RECIPE.update
  std::map<std::string, int64_t> batches;   // by function; an update's images are the weights
  std::function<bool(const std::string& label, const std::string& words)> wanted = {};   // kernels to tune; null: all
  int threads = 1;
  int jobs = 1;                         // compiled at the same time
  double kernel_seconds = 30;           // that compiling one kernel, or one of its measurements, may take
  double network_seconds = 300;         // the same of the network
  std::string cache_folder;             // of compiled kernels; candidates are not kept there
  std::function<bool()> interrupted = [] { return false; };
};

class MachineBench : public Bench {
 public:
  /// `module` and `target` outlive it. The caller has one thread.
  MachineBench(const Module& module, const Target& target, MachineOptions options);
  ~MachineBench() override;

  double now() override;
  bool interrupted() override { return options_.interrupted(); }
  int jobs() const override { return options_.jobs; }
  Problem plan(const Choices& choices) override;
  const KernelSpace& space(uint64_t kernel) override;
  std::vector<std::string> compile(const std::vector<KernelRun>& runs) override;
  std::unique_ptr<Race> race(const std::vector<KernelRun>& first, const std::vector<KernelRun>& second) override;
  std::unique_ptr<Race> network(const Choices& first, const Choices& second) override;

 private:
  struct Known;
  struct Compiled;

  const ModulePlan& planned(const Choices& choices);
  /// Remembers where each kernel of these functions is.
  void remember(const ModulePlan& plan);
  bool is_tuned(const FunctionPlan& function) const;
  Compiled compile_network(const Choices& choices, const std::string& prefix);
  /// Fills objects_ and failures_.
  void make_objects(const std::vector<std::pair<const FunctionPlan*, Kernel>>& kernels);

  const Module& module_;
  const Target& target_;
  const MachineOptions options_;
  std::map<std::string, std::unique_ptr<ModulePlan>> plans_;   // by the text of the layouts chosen
  std::map<uint64_t, std::unique_ptr<Known>> known_;           // by kernel
  std::map<std::string, std::string> objects_, failures_;      // by signature
};

/// Choices as stanzas for this target, without words, as plans are made with them.
ScheduleFile stanzas_of(const Choices& choices, const Target& target);

}  // namespace cnnc
