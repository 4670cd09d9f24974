// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The steps of make_plan, in the order in which they run on one function, and the draft that they share. Private to schedule.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "schedule/plan.h"

namespace cnnc {

/// What a function is for decides layouts and templates.
enum class Purpose {
  Plain,       // PlanOptions::plain
  Training,    // RECIPE.gradients: images innermost
  Inference,   // infer, RECIPE.evaluate: one image at a time, planar
  Update,      // RECIPE.update: flat buffers, the "images" are elements
  Prepare,     // once: what inference needs of weights and statistics
};

Purpose purpose_of(const Function& function, const PlanOptions& options);

struct PlanContext {
  const Module& module;
  const Target& target;
  const PlanOptions& options;
  FlatLayout flat;
  std::map<std::string, PreparedSlot, std::less<>> prepared;   // by name
};

/// How a node takes part in kernels.
enum class NodeRole : uint8_t {
  Computed,    // in one kernel, which stores its results or keeps them inside
  Inlined,     // evaluated wherever it is read
  Alias,       // its result is its operand's memory under other dimensions
  Data,        // a constant of several numbers: data of the plan
};

/// A function while it is being planned.
struct Draft {
  std::shared_ptr<Function> function;   // with the copies that layouts and results need
  Purpose purpose = Purpose::Plain;
  std::vector<Layout> layouts;          // by ValueId
  std::vector<WeightsChoice> weights_choices;
  std::vector<NodeRole> roles;          // by node
  std::vector<Kernel> kernels;          // in an order in which they may run
  std::vector<Chain> chains = {};       // of them
};

/// The batch that the choice is made for.
int64_t planned_batch(const Draft& draft, const PlanContext& context);

/// A new function in which every result is a computed value of its own: not an argument, a constant, an alias of one, or
/// another result too.
std::shared_ptr<Function> add_result_copies(const Function& function);
/// A copy of a value: map {f = x0}, appended to `graph`.
ValueId add_copy(Graph& graph, ValueId value, const std::string& layer);
/// Copies the node with other operands; gives the new results.
std::vector<ValueId> copy_node(Graph& graph, const Node& node, std::vector<ValueId> operands);

/// Chooses the layout of every value, and inserts copies where a value is read in another layout than it is stored.
Draft choose_layouts(const Function& function, Purpose purpose, const PlanContext& context);

/// Sets draft.roles and draft.kernels (nodes and anchors).
void fuse(Draft& draft, const PlanContext& context);
/// Sets reads and writes of the kernels from their nodes.
void set_parameters(Draft& draft);
/// The value whose memory this is: follows aliases.
ValueId memory_of(const Draft& draft, ValueId value);

/// Which kernels run for a few images at a time, in inference.
void choose_chains(Draft& draft, const PlanContext& context);

/// Template and parameters of each kernel.
void choose_schedules(Draft& draft, const PlanContext& context);

/// Places of arguments, results and constants.
void place_ports(const Draft& draft, const PlanContext& context, FunctionPlan& plan);
/// Places of everything else, in the workspace: first fit by live ranges.
void plan_memory(const Draft& draft, FunctionPlan& plan);

std::string kernel_signature(const Draft& draft, const Kernel& kernel, const Target& target);
KernelKey kernel_key(const Draft& draft, const Kernel& kernel);
/// "conv(pad: [1, 1, 1, 1])": the op, and its attributes that are not the usual ones.
std::string op_words(const Node& node);
/// FNV-1a: the same on every machine and in every version.
uint64_t stable_hash(std::string_view text);

class LegalSchedules;
/// Gives the kernel, which has its key, the schedule that the file has for it; where that is not legal, `refused` says why.
void use_stanza(const ScheduleFile& file, const LegalSchedules& legal, const Target& target, Kernel& kernel);

/// Whether a port of the results has this value.
bool is_result(const Function& function, ValueId value);

}  // namespace cnnc
