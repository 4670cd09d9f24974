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
  Alias,       // it moves nothing: reshape, and where parts lie in their wholes concat and slice
  Data,        // a constant of several numbers: data of the plan
};

/// The whole that a value is some channels of, in whose memory it lies, and the first of them.
struct Part {
  ValueId whole;
  int64_t begin = 0;
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
  std::map<ValueId, Part> parts = {};   // by the part
};

/// The batch that the choice is made for.
int64_t planned_batch(const Function& function, Purpose purpose, const PlanContext& context);

/// A new function in which every result is a computed value of its own: not an argument, a constant, an alias of one, or
/// another result too.
std::shared_ptr<Function> add_result_copies(const Function& function);
/// By node: whether a result depends on it.
std::vector<bool> used_nodes(const Function& function);
/// Whether the value's memory may be that of something else, or nowhere.
bool is_borrowed(const Graph& graph, ValueId value);
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

/// Channels of the whole at which the operands of a `concat`, or the result of a `slice`, begin, if they can lie in its memory in this
/// layout; empty: they cannot, or the node is another one.
std::vector<int64_t> part_begins(const Graph& graph, const Node& node, const Layout& layout);
/// Gives parts and their wholes one border, and parts the step of the whole.
void lay_out_parts(Draft& draft);
/// The value in whose memory another one lies, and how many bytes behind its begin, in every image.
struct Memory {
  ValueId owner;
  int64_t offset = 0;
};
/// Follows aliases and wholes.
Memory memory_of(const Draft& draft, ValueId value);

/// Which kernels run for a few images at a time, in inference.
void choose_chains(Draft& draft, const PlanContext& context);

/// Template and parameters of each kernel.
void choose_schedules(Draft& draft, const PlanContext& context);

/// Places of arguments, results and constants.
void place_ports(const Draft& draft, const PlanContext& context, FunctionPlan& plan);
/// Places of everything else, in the workspace: first fit by live ranges.
void plan_memory(const Draft& draft, FunctionPlan& plan);

/// The value whose element type decides which templates there are: of a convolution with a pool its own result, since the pool's places
/// may be stored before what is made of its values.
inline ValueId computed_value(const Graph& graph, const Kernel& kernel) { return kernel.pool >= 0 ? graph.node(kernel.anchor).results[0] : kernel.writes[0]; }

/// Whether the node is a pool, or the gradient of one.
bool is_pool(const Node& node);

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
