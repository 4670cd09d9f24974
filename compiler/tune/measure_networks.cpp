// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Whole networks on numbers drawn at random: the buffers of runtime/abi/program.h, results compared, functions timed in turn.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>

#include "codegen/kernel_objects.h"
#include "support/check.h"
#include "tune/bench.h"
#include "tune/kernel_memory.h"
#include "tune/measure.h"
#include "tune/stopwatch.h"
#include "tune/threads.h"

namespace cnnc {
namespace {

class LoadedNetwork {
 public:
  LoadedNetwork(const LoadedObjects& objects, const MeasuredNetwork& network, const cnn_context* context) : network_(network), context_(context) {
    const ModulePlan& plan = *network.plan;
    const int64_t element = element_bytes(floats());
    flat_.resize(CNN_COLUMNS);
    for (const int buffer : {CNN_WEIGHTS, CNN_GRADIENTS}) flat_[static_cast<size_t>(buffer)] = bytes(plan.flat.weight_elements * element);
    for (const int buffer : {CNN_STATES, CNN_NEXT_STATES}) flat_[static_cast<size_t>(buffer)] = bytes(plan.flat.state_elements * element);
    flat_[CNN_PREPARED] = bytes(plan.prepared_bytes);
    // Moments are columns of an update, scalars belong to a call.
    flat_[CNN_MOMENTS] = bytes(0), flat_[CNN_SCALARS] = bytes(0);
    fill_parameters();
    if (plan_of("prepare")) call(objects, "prepare", 1);
    for (const std::string& name : network.functions) calls_.push_back(prepare_call(objects, name, network.batches.at(name)));
  }

  void run() const {
    for (const Call& call : calls_) invoke(call);
  }

  /// What the functions give: outputs, losses, gradients.
  std::vector<double> results() const {
    std::vector<double> all;
    const auto add = [&](const GuardedBytes& memory, ElementType element, int64_t count) {
      for (int64_t i = 0; i < count; ++i) {
        const uint8_t* at = memory.data() + i * element_bytes(element);
        if (element == ElementType::F32) all.push_back(static_cast<double>(*reinterpret_cast<const float*>(at)));
        if (element == ElementType::F64) all.push_back(*reinterpret_cast<const double*>(at));
      }
    };
    for (const Call& call : calls_) {
      const Function& function = *call.plan->function;
      for (size_t i = 0; i < call.plan->columns.size(); ++i) {
        const Port& port = call.plan->columns[i];
        const TensorType& type = function.graph.type(port.value);
        const bool is_result = std::any_of(function.results.begin(), function.results.end(), [&](const Port& result) { return result.value == port.value; });
        if (is_result) add(*call.columns[i], type.element, element_count(type.dims) * call.batch);
      }
      const bool has_gradients = std::any_of(function.results.begin(), function.results.end(), [](const Port& port) { return port.role == Role::Gradient; });
      if (has_gradients) add(*flat_[CNN_GRADIENTS], floats(), network_.plan->flat.weight_elements);
    }
    return all;
  }

 private:
  using Bytes = std::unique_ptr<GuardedBytes>;
  struct Call {
    FunctionEntry entry = nullptr;
    const FunctionPlan* plan = nullptr;
    int64_t batch = 1;
    std::vector<Bytes> columns;
    Bytes scalars, workspace;
    std::vector<void*> buffers;
  };

  static Bytes bytes(int64_t count) {
    auto memory = std::make_unique<GuardedBytes>(count + 2 * CNN_SPARE);
    std::memset(memory->data(), 0, memory->size());
    return memory;
  }

  ElementType floats() const {
    for (const Parameter& parameter : network_.module->parameters) return parameter.type.element;
    return ElementType::F32;
  }

  const FunctionPlan* plan_of(const std::string& name) const {
    for (const FunctionPlan& plan : network_.plan->functions)
      if (plan.function->name == name) return &plan;
    return nullptr;
  }

  void put(GuardedBytes& memory, int64_t place, double value) const {
    if (floats() == ElementType::F64) {
      reinterpret_cast<double*>(memory.data())[place] = value;
    } else {
      reinterpret_cast<float*>(memory.data())[place] = static_cast<float>(value);
    }
  }

  /// Weights of a size that keeps activations near 1, variances and scales near 1.
  void fill_parameters() {
    uint64_t seed = 1;
    for (const Parameter& parameter : network_.module->parameters) {
      const int64_t count = element_count(parameter.type.dims), outputs = parameter.type.dims.empty() ? 1 : parameter.type.dims[0];
      const double scale = std::sqrt(6.0 / static_cast<double>(std::max<int64_t>(1, count / std::max<int64_t>(1, outputs))));
      std::vector<double> numbers(static_cast<size_t>(count));
      fill_with_numbers(reinterpret_cast<uint8_t*>(numbers.data()), ElementType::F64, count, seed++);
      const bool is_state = parameter.role == Role::State;
      GuardedBytes& memory = *flat_[is_state ? CNN_STATES : CNN_WEIGHTS];
      const int64_t offset = network_.plan->flat.offsets.find(parameter.name)->second;
      for (int64_t i = 0; i < count; ++i) {
        const double number = numbers[static_cast<size_t>(i)];
        put(memory, offset + i, is_state || parameter.type.dims.size() < 2 ? 1 + number / 2 : number * scale);
      }
    }
  }

  Call prepare_call(const LoadedObjects& objects, const std::string& name, int64_t batch) const {
    Call call;
    call.plan = plan_of(name);
    CNNC_CHECK(call.plan, "the network has no function " + name);
    call.entry = objects.function(network_.prefix + name);
    call.batch = batch;
    const int64_t group = call.plan->group, groups = (batch + group - 1) / group;
    for (const Bytes& memory : flat_) call.buffers.push_back(memory->data());
    call.scalars = bytes(static_cast<int64_t>(call.plan->scalars.size()) * 8);
    for (size_t i = 0; i < call.plan->scalars.size(); ++i) {
      const ElementType element = call.plan->function->graph.type(call.plan->scalars[i].value).element;
      const double half = 0.5;
      const float half_float = 0.5F;
      const int32_t one = 1;
      uint8_t* cell = call.scalars->data() + 8 * i;
      if (element == ElementType::F64) std::memcpy(cell, &half, sizeof half);
      if (element == ElementType::F32) std::memcpy(cell, &half_float, sizeof half_float);
      if (element == ElementType::I32) std::memcpy(cell, &one, sizeof one);
    }
    call.buffers[CNN_SCALARS] = call.scalars->data();
    for (size_t i = 0; i < call.plan->columns.size(); ++i) {
      const TensorType& type = call.plan->function->graph.type(call.plan->columns[i].value);
      const int64_t count = element_count(type.dims) * groups * group;
      call.columns.push_back(bytes(count * element_bytes(type.element)));
      fill_with_numbers(call.columns.back()->data(), type.element, count, 100 + i);
      call.buffers.push_back(call.columns.back()->data());
    }
    call.workspace = bytes(call.plan->workspace_fixed + call.plan->workspace_per_group * groups);
    return call;
  }

  void invoke(const Call& call) const {
    const int32_t status = call.entry(call.buffers.data(), call.batch, call.workspace->data(), context_);
    CNNC_CHECK(status == CNN_OK, "a function of the network failed");
  }

  void call(const LoadedObjects& objects, const std::string& name, int64_t batch) const { invoke(prepare_call(objects, name, batch)); }

  const MeasuredNetwork network_;
  const cnn_context* context_;
  std::vector<Bytes> flat_;
  std::vector<Call> calls_;
};

/// Kernels were compared one by one, within the bound that is promised; what rounding becomes in a network with weights drawn at random
/// is not known, so this tells wrong from right only.
std::string compare(const std::vector<double>& right, const std::vector<double>& found) {
  constexpr double kShare = 1e-2;
  double scale = 0;
  for (const double number : right)
    if (std::isfinite(number)) scale = std::max(scale, std::abs(number));
  for (size_t i = 0; i < right.size(); ++i) {
    const double a = right[i], b = found[i];
    if (a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= kShare * scale) continue;
    return fmt::format("it computes something else: {} instead of {}", b, a);
  }
  return {};
}

}  // namespace

void measure_networks(const Channel& channel, const MeasuredNetwork& first, const MeasuredNetwork& second, int threads) {
  if (threads == 1) pin_to_a_core();
  const MeasuringThreads pool(threads);
  LoadedObjects objects;
  objects.add(first.object);
  objects.add(second.object);
  const LoadedNetwork a(objects, first, pool.context()), b(objects, second, pool.context());
  a.run(), b.run();
  if (const std::string failure = compare(a.results(), b.results()); !failure.empty()) {
    channel.send('f', failure);
    return;
  }
  const Stopwatch watch_first([&] { a.run(); }), watch_second([&] { b.run(); });
  channel.send('k', "");
  answer_with_times(channel, [&] { return watch_first.seconds(); }, [&] { return watch_second.seconds(); });
}

}  // namespace cnnc
