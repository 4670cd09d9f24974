// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs the plan of a function on arrays, kernel by kernel with Halide's JIT, in the memory that the plan says. What no kernel
// has written is NaN, so that a read of it shows.
#pragma once
#include <map>
#include <vector>

#include "ir/builder.h"
#include "ops/interpreter.h"
#include "schedule/plan.h"

namespace cnnc {

/// A module of one function that is a single node; operands are arguments, results are results. Batched ones are columns,
/// others weights and gradients.
Module module_of(const OpDef& op, const Sample& sample, const std::string& function_name);

/// A module of one function that a test builds node by node.
struct FunctionMaker {
  explicit FunctionMaker(const std::string& name) { function.name = name; }
  ValueId argument(const std::string& name, Role role, TensorType type);
  ValueId weight(const std::string& name, Dims dims, ElementType element = ElementType::F32);
  /// Of each image.
  ValueId input(const std::string& name, Dims dims, ElementType element = ElementType::F32);
  void result(const std::string& name, ValueId value) { function.results.push_back({name, Role::Output, value}); }
  Module finish();

  Module module;
  Function function;
  GraphBuilder build{function.graph};
};

struct RunOptions {
  bool tasks_backwards = false;     // parallel tasks run in reverse order
  int repetitions = 1;              // of each kernel
  std::map<int, int> results_over = {};   // columns that share the memory of other columns
};

/// The compiled kernels of a function.
class PlanRunner {
 public:
  /// `contract`: multiply and add may become one operation, as in built programs (Halide then also reassociates).
  PlanRunner(const ModulePlan& plan, size_t function, const Target& target, bool contract = false);
  ~PlanRunner();
  PlanRunner(const PlanRunner&) = delete;

  /// The results in the order of the ports.
  std::vector<Array> run(const std::vector<Array>& arguments, int64_t images, const RunOptions& options = {});
  /// The shortest time of each kernel in the last run, in seconds.
  const std::vector<double>& seconds() const;
  /// The tasks of each kernel in the last run, which threads share out.
  const std::vector<int>& tasks() const;

 private:
  struct Implementation;
  Implementation* implementation_;
};

/// Random operands for the types: floats in [-1, 1] away from 0, small integers.
std::vector<Array> random_arrays(const std::vector<TensorType>& types, int64_t images, uint32_t seed);

/// The same for the arguments of a function.
std::vector<Array> random_arguments(const Function& function, int64_t images);

/// Whether this machine has what the target needs.
bool runs_here(const Target& target);

/// The largest |a - b|, relative to the largest |b|; infinite where one is NaN and the other is not, or infinities differ.
double difference(const Array& a, const Array& b);

}  // namespace cnnc
