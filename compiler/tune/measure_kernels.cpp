// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loads the kernels of both sides, compares, and answers requests.
#include <fmt/format.h>

#include <memory>
#include <set>

#include "codegen/kernel_objects.h"
#include "tune/bench.h"
#include "tune/kernel_memory.h"
#include "tune/measure.h"
#include "tune/stopwatch.h"
#include "tune/threads.h"

namespace cnnc {
namespace {

struct LoadedKernel {
  KernelEntry entry = nullptr;
  std::unique_ptr<KernelMemory> memory;
  double uses = 1;
};

std::vector<LoadedKernel> load(const LoadedObjects& objects, const KernelSide& side) {
  std::vector<LoadedKernel> loaded;
  for (const MeasuredKernel& kernel : side) {
    loaded.push_back({objects.kernel(kernel.entry), std::make_unique<KernelMemory>(*kernel.plan, *kernel.kernel, kernel.batch), kernel.uses});
    loaded.back().memory->reset(false);
  }
  return loaded;
}

std::vector<std::vector<double>> results_of(const LoadedKernel& kernel, const cnn_context* context, bool absolute) {
  kernel.memory->reset(absolute);
  kernel.entry(context, static_cast<int32_t>(kernel.memory->batch()), kernel.memory->values());
  return kernel.memory->results();
}

/// docs/promises.md bounds each result by c eps A; two that are right differ by twice as much at most. A is taken from a run on
/// absolute values, which leaves out what the transforms of Winograd's algorithm add and subtract: that factor stands here.
double bound_of(const MeasuredKernel& kernel) {
  constexpr double kConstant = 2 * 16, kTransforms = 1000;
  const bool is_double = kernel.plan->function->graph.type(kernel.kernel->writes.at(0)).element == ElementType::F64;
  const double eps = is_double ? 0x1p-53 : 0x1p-24;
  return kConstant * eps * (kernel.kernel->schedule.name.find("winograd") == std::string::npos ? 1 : kTransforms);
}

std::string compare(const MeasuredKernel& kernel, const LoadedKernel& first, const LoadedKernel& second, const cnn_context* context) {
  const auto magnitude = results_of(first, context, true), right = results_of(first, context, false), found = results_of(second, context, false);
  return compare_results(right, found, magnitude, *second.memory, bound_of(kernel));
}

/// A run of all kernels of a side.
class TimedSide {
 public:
  TimedSide(const std::vector<LoadedKernel>& kernels, const cnn_context* context) {
    for (const LoadedKernel& kernel : kernels) {
      watches_.emplace_back([&kernel, context] { kernel.entry(context, static_cast<int32_t>(kernel.memory->batch()), kernel.memory->values()); });
      uses_.push_back(kernel.uses);
    }
  }
  double seconds() const {
    double sum = 0;
    for (size_t i = 0; i < watches_.size(); ++i) sum += uses_[i] * watches_[i].seconds();
    return sum;
  }

 private:
  std::vector<Stopwatch> watches_;
  std::vector<double> uses_;
};

}  // namespace

void measure_kernels(const Channel& channel, const KernelSide& first, const KernelSide& second, int threads) {
  if (threads == 1) pin_to_a_core();
  const MeasuringThreads pool(threads);
  LoadedObjects objects;
  std::set<std::string> added;
  for (const KernelSide* side : {&first, &second})
    for (const MeasuredKernel& kernel : *side)
      if (added.insert(kernel.entry).second) objects.add(kernel.object);
  const auto a = load(objects, first), b = load(objects, second);
  const bool is_one_kernel = first.size() == 1 && second.size() == 1 && first[0].kernel->key.hash == second[0].kernel->key.hash;
  if (const std::string failure = is_one_kernel ? compare(first[0], a[0], b[0], pool.context()) : std::string(); !failure.empty()) {
    channel.send('f', failure);
    return;
  }
  const TimedSide timed_first(a, pool.context()), timed_second(b, pool.context());
  channel.send('k', "");
  answer_with_times(channel, [&] { return timed_first.seconds(); }, [&] { return timed_second.seconds(); });
}

}  // namespace cnnc
