// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// PlanRunner: memory as the plan says, kernels as pipelines that are compiled once.
#include "plan_runner.h"

#include <Halide.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <memory>

#include "lower/kernel_builder.h"
#include "lower/numbers.h"
#include "runtime/abi/program.h"
#include "support/check.h"

namespace cnnc {
namespace {

/// Bytes aligned to 64, filled with ones: NaN as floats, -1 as integers.
class Memory {
 public:
  explicit Memory(int64_t bytes) : bytes_(static_cast<size_t>(bytes + 64) / 64 * 64), data_(static_cast<uint8_t*>(std::aligned_alloc(64, bytes_))) {
    std::memset(data_, 0xff, bytes_);
  }
  ~Memory() { std::free(data_); }
  Memory(const Memory&) = delete;
  uint8_t* data() const { return data_; }

 private:
  size_t bytes_;
  uint8_t* data_;
};

void write_element(uint8_t* memory, ElementType element, size_t index, double value) {
  const auto put = [&](auto typed) { std::memcpy(memory + index * sizeof typed, &typed, sizeof typed); };
  switch (element) {
    case ElementType::F32: put(static_cast<float>(value)); break;
    case ElementType::F64: put(value); break;
    case ElementType::I32: put(static_cast<int32_t>(value)); break;
    case ElementType::U8: put(static_cast<uint8_t>(value)); break;
  }
}

double read_element(const uint8_t* memory, ElementType element, size_t index) {
  const auto get = [&](auto typed) {
    std::memcpy(&typed, memory + index * sizeof typed, sizeof typed);
    return static_cast<double>(typed);
  };
  switch (element) {
    case ElementType::F32: return get(float{});
    case ElementType::F64: return get(double{});
    case ElementType::I32: return get(int32_t{});
    case ElementType::U8: return get(uint8_t{});
  }
  return 0;
}

/// Tasks of the largest parallel loop of a kernel.
thread_local int most_tasks = 0;

int tasks_in_reverse(Halide::JITUserContext* context, int (*task)(Halide::JITUserContext*, int, uint8_t*), int begin, int count, uint8_t* closure) {
  most_tasks = std::max(most_tasks, count);
  for (int i = begin + count - 1; i >= begin; --i)
    if (const int result = task(context, i, closure)) return result;
  return 0;
}

int tasks_in_order(Halide::JITUserContext* context, int (*task)(Halide::JITUserContext*, int, uint8_t*), int begin, int count, uint8_t* closure) {
  most_tasks = std::max(most_tasks, count);
  for (int i = begin; i < begin + count; ++i)
    if (const int result = task(context, i, closure)) return result;
  return 0;
}

int64_t images_stored(const FunctionPlan& plan, int64_t images) { return (images + plan.group - 1) / plan.group * plan.group; }

}  // namespace

struct PlanRunner::Implementation {
  struct Compiled {
    std::unique_ptr<KernelBuilder> builder;
    Halide::Pipeline pipeline;
  };
  const ModulePlan& module;
  const FunctionPlan& plan;
  Halide::Target target;
  std::vector<Compiled> kernels;
  std::vector<double> seconds;
  std::vector<int> tasks = {};

  const Graph& graph() const { return plan.function->graph; }
  const Place& place(ValueId value) const { return plan.places.at(static_cast<size_t>(value.index)); }
  const Layout& layout(ValueId value) const { return plan.layouts.at(static_cast<size_t>(value.index)); }

  int64_t extent(const StoredDim& dim, ValueId value, int64_t images) const {
    const int64_t vector = layout(value).kind == LayoutKind::Lanes ? layout(value).vector : 1;
    return dim.is_batch ? (images + vector - 1) / vector : dim.extent;
  }

  Halide::Buffer<> buffer(ValueId value, uint8_t* memory, int64_t images, bool is_result) const {
    std::vector<halide_dimension_t> shape;
    const auto dims = stored_dims(graph().type(value), layout(value));
    for (const StoredDim& dim : dims) {
      const int64_t before = is_result ? 0 : dim.before, after = is_result ? 0 : dim.after;
      shape.emplace_back(static_cast<int>(-before), static_cast<int>(before + extent(dim, value, images) + after), static_cast<int>(dim.stride));
    }
    const ElementType element = graph().type(value).element;
    if (is_result) memory += border_elements(dims) * element_bytes(element);
    return Halide::Buffer<>(halide_type(element), memory, static_cast<int>(shape.size()), shape.data());
  }

  /// Zeros in the border of the value.
  void zero_border(ValueId value, uint8_t* memory, int64_t images) const {
    if (layout(value).border.empty()) return;
    const auto dims = stored_dims(graph().type(value), layout(value));
    const ElementType element = graph().type(value).element;
    const int64_t step = step_bytes(graph().type(value), layout(value)) / element_bytes(element);
    for (int64_t image = 0; image < (graph().type(value).batched ? images : 1); ++image) {
      for (int64_t i = 0; i < dims[3].extent * dims[3].stride; ++i) {
        const int64_t column = i / dims[1].stride % (dims[2].stride / dims[1].stride) - dims[1].before;
        const int64_t row = i / dims[2].stride % (dims[3].stride / dims[2].stride) - dims[2].before;
        const bool inside = column >= 0 && column < dims[1].extent && row >= 0 && row < dims[2].extent;
        if (!inside) write_element(memory, element, static_cast<size_t>(image * step + i), 0);
      }
    }
  }
};

PlanRunner::PlanRunner(const ModulePlan& plan, size_t function, const Target& target, bool contract)
    : implementation_(new Implementation{plan, plan.functions.at(function), Halide::Target(std::string(target.halide)), {}, {}}) {
  for (auto feature : {Halide::Target::NoAsserts, Halide::Target::NoBoundsQuery}) implementation_->target.set_feature(feature);
  if (!contract) implementation_->target.set_feature(Halide::Target::StrictFloat);
  for (const Kernel& kernel : implementation_->plan.kernels) {
    auto builder = std::make_unique<KernelBuilder>(implementation_->plan, kernel, target);
    Halide::Pipeline pipeline = build_pipeline(*builder);
    implementation_->kernels.push_back({std::move(builder), pipeline});
  }
}

const std::vector<double>& PlanRunner::seconds() const { return implementation_->seconds; }
const std::vector<int>& PlanRunner::tasks() const { return implementation_->tasks; }

PlanRunner::~PlanRunner() { delete implementation_; }

std::vector<Array> PlanRunner::run(const std::vector<Array>& arguments, int64_t images, const RunOptions& options) {
  const Implementation& self = *implementation_;
  const FunctionPlan& plan = self.plan;
  const Graph& graph = self.graph();
  const int64_t stored = images_stored(plan, images);
  std::map<int, std::unique_ptr<Memory>> flat;
  for (int i = CNN_WEIGHTS; i < CNN_COLUMNS; ++i)
    flat[i] = std::make_unique<Memory>(8 * (self.module.flat.weight_elements + self.module.flat.state_elements + 64) + self.module.prepared_bytes);
  std::vector<std::unique_ptr<Memory>> columns, constants;
  for (const Port& port : plan.columns) {
    const TensorType& type = graph.type(port.value);
    columns.push_back(std::make_unique<Memory>(element_count(type.dims) * element_bytes(type.element) * stored));
  }
  for (const ConstantData& data : plan.constants) {
    constants.push_back(std::make_unique<Memory>(8 * element_count(data.type.dims)));
    for (size_t i = 0; i < data.numbers.size(); ++i) write_element(constants.back()->data(), data.type.element, i, data.numbers[i]);
  }
  const Memory workspace(plan.workspace_fixed + plan.workspace_per_group * (stored / plan.group));

  const auto address = [&](ValueId value) -> uint8_t* {
    const Place& place = self.place(value);
    switch (place.kind) {
      case Place::Flat: return flat.at(place.buffer)->data() + place.offset;
      case Place::Column: {
        const auto shared = options.results_over.find(place.buffer);
        return columns.at(static_cast<size_t>(shared == options.results_over.end() ? place.buffer : shared->second))->data() + place.inner;
      }
      case Place::Scalar: return flat.at(CNN_SCALARS)->data() + 8 * place.buffer;
      case Place::Fixed: return workspace.data() + place.offset;
      case Place::Slot: {
        const Chain& chain = plan.chains.at(static_cast<size_t>(place.buffer));
        return workspace.data() + chain.offset + kTakenSlotsBytes + (chain.slots - 1) * chain.slot_bytes + place.offset + place.inner;
      }
      case Place::PerGroup: return workspace.data() + plan.workspace_fixed + place.offset * (stored / plan.group) + place.inner;
      case Place::Constant: return constants.at(static_cast<size_t>(place.buffer))->data();
      case Place::None: break;
    }
    CNNC_CHECK(false, "a value that is read or written has a place");
    return nullptr;
  };

  for (size_t i = 0; i < arguments.size(); ++i)
    for (size_t j = 0; j < arguments[i].values.size(); ++j)
      write_element(address(plan.function->arguments[i].value), arguments[i].type.element, j, arguments[i].values[j]);
  // Of a value that lies in memory for the whole batch.
  const auto at_image = [&](ValueId value, int64_t first) {
    const bool is_whole = self.place(value).kind == Place::Column || self.place(value).kind == Place::PerGroup;
    return address(value) + (is_whole ? first * step_bytes(graph.type(value), self.layout(value)) : 0);
  };
  implementation_->seconds.assign(plan.kernels.size(), 0);
  implementation_->tasks.assign(plan.kernels.size(), 1);
  const auto run_kernel = [&](size_t k, int64_t first, int64_t count) {
    const Kernel& kernel = plan.kernels[k];
    auto& [builder, pipeline] = implementation_->kernels[k];
    builder->batch_parameter().set(static_cast<int32_t>(count));
    for (ValueId value : kernel.reads) builder->memory(value).set(self.buffer(value, at_image(value, first), count, false));
    std::vector<Halide::Buffer<>> results;
    for (ValueId value : kernel.writes) {
      self.zero_border(value, at_image(value, first), count);
      results.push_back(self.buffer(value, at_image(value, first), count, true));
    }
    pipeline.jit_handlers().custom_do_par_for = options.tasks_backwards ? tasks_in_reverse : tasks_in_order;
    Halide::Realization realization(results);
    double best = std::numeric_limits<double>::infinity();
    most_tasks = 1;
    for (int i = 0; i < options.repetitions; ++i) {
      const auto start = std::chrono::steady_clock::now();
      pipeline.realize(realization, self.target);
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    implementation_->seconds[k] += best;
    implementation_->tasks[k] = std::max(implementation_->tasks[k], most_tasks);
  };
  for (size_t k = 0; k < plan.kernels.size();) {
    const Chain* chain = chain_of(plan.chains, k);
    const size_t end = chain ? chain->end : k + 1;
    const int64_t part = images_at_once(plan.chains, k, images);
    for (int64_t first = 0; first < images; first += part)
      for (size_t i = k; i < end; ++i) run_kernel(i, first, std::min(part, images - first));
    k = end;
  }
  std::vector<Array> results;
  for (const Port& port : plan.function->results) {
    Array array{graph.type(port.value), {}};
    const auto count = static_cast<size_t>(element_count(array.type.dims) * (array.type.batched ? images : 1));
    for (size_t i = 0; i < count; ++i) array.values.push_back(read_element(address(port.value), array.type.element, i));
    results.push_back(std::move(array));
  }
  return results;
}

Module module_of(const OpDef& op, const Sample& sample, const std::string& function_name) {
  Module module;
  module.network = "sample";
  Function function;
  function.name = function_name;
  std::vector<ValueId> operands;
  for (size_t i = 0; i < sample.operands.size(); ++i) {
    const TensorType& type = sample.operands[i];
    if (is_absent(type)) {
      operands.emplace_back();
      continue;
    }
    const std::string name = "x" + std::to_string(i);
    const bool floats = type.element == ElementType::F32 || type.element == ElementType::F64;
    const Role role = type.batched ? Role::Input : floats ? Role::Weight : Role::Scalar;
    operands.push_back(function.graph.add_argument(type));
    function.arguments.push_back({name, role, operands.back()});
    if (role == Role::Weight) module.parameters.push_back({name, Role::Weight, type, {}, "weight", {}});
  }
  const auto results = function.graph.add(op, operands, sample.attributes);
  for (size_t i = 0; i < results.size(); ++i) {
    const TensorType& type = function.graph.type(results[i]);
    const std::string name = "y" + std::to_string(i);
    function.results.push_back({name, type.batched ? Role::Output : Role::Gradient, results[i]});
    if (!type.batched) module.parameters.push_back({name, Role::Weight, type, {}, "weight", {}});
  }
  module.functions.push_back(std::move(function));
  return module;
}

ValueId FunctionMaker::argument(const std::string& name, Role role, TensorType type) {
  const ValueId value = function.graph.add_argument(type);
  function.arguments.push_back({name, role, value});
  if (role == Role::Weight) module.parameters.push_back({name, role, std::move(type), {}, "weight", {}});
  return value;
}

ValueId FunctionMaker::weight(const std::string& name, Dims dims, ElementType element) { return argument(name, Role::Weight, {element, false, std::move(dims)}); }

ValueId FunctionMaker::input(const std::string& name, Dims dims, ElementType element) { return argument(name, Role::Input, {element, true, std::move(dims)}); }

Module FunctionMaker::finish() {
  module.functions.push_back(std::move(function));
  return std::move(module);
}

std::vector<Array> random_arguments(const Function& function, int64_t images) {
  std::vector<TensorType> types;
  for (const Port& port : function.arguments) types.push_back(function.graph.type(port.value));
  return random_arrays(types, images, 5);
}

std::vector<Array> random_arrays(const std::vector<TensorType>& types, int64_t images, uint32_t seed) {
  std::vector<Array> arrays;
  uint32_t state = seed * 2654435761u + 12345u;
  const auto next = [&] {
    state = state * 1664525u + 1013904223u;
    return static_cast<double>(state >> 8) / 16777216.0;
  };
  for (const TensorType& type : types) {
    if (is_absent(type)) continue;
    Array array{type, {}};
    const auto count = element_count(type.dims) * (type.batched ? images : 1);
    const bool floats = type.element == ElementType::F32 || type.element == ElementType::F64;
    for (int64_t i = 0; i < count; ++i) {
      const double u = next();
      // As f32 numbers, so that reference and kernel start from the same ones.
      array.values.push_back(floats ? static_cast<float>(u < 0.5 ? -0.1 - 1.8 * u : 0.1 + 1.8 * (u - 0.5)) : std::floor(4 * u));
    }
    arrays.push_back(std::move(array));
  }
  return arrays;
}

bool runs_here(const Target& target) { return &target >= &host_target(); }   // the table of targets begins with the best

double difference(const Array& a, const Array& b) {
  double largest = 0, scale = 0;
  CNNC_CHECK(a.values.size() == b.values.size(), "arrays of one size");
  for (double value : b.values)
    if (std::isfinite(value)) scale = std::max(scale, std::abs(value));
  for (size_t i = 0; i < a.values.size(); ++i) {
    const double x = a.values[i], y = b.values[i];
    if (std::isnan(x) && std::isnan(y)) continue;
    if (x == y) continue;
    if (!std::isfinite(x) || !std::isfinite(y)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, std::abs(x - y) / std::max(scale, 1e-30));
  }
  return largest;
}

}  // namespace cnnc
