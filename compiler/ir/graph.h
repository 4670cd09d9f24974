// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The graph IR: typed tensor values in SSA form, nodes in the order in which they may run.
//
// Invariants (verify() checks them after each phase):
//  - a node's operands are function arguments or results of earlier nodes; a node has an operand for each that its op
//    declares (absent optional ones are invalid ids, of absent_type() for the shape rule), more only where the last is variadic;
//  - every value has exactly one definition: a function argument or a node's result;
//  - result types equal what the op's `infer` gives for operands and attributes; attributes are complete and of their type;
//  - all ops are pure: equal operands and attributes give equal results. What happens in place is decided when memory is
//    planned; random ops take their seed as an operand;
//  - everything is planar (NCHW) here; layouts are the schedule's business.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/attributes.h"
#include "ir/types.h"
#include "support/diagnostic.h"
#include "support/source.h"

namespace cnnc {

struct OpDef;

struct ValueId {
  int32_t index = -1;
  bool valid() const { return index >= 0; }
  auto operator<=>(const ValueId&) const = default;
};

struct Node {
  const OpDef* op = nullptr;
  std::vector<ValueId> operands;      // an absent optional operand is an invalid id
  AttributeMap attributes;
  std::vector<ValueId> results;
  std::string layer;                  // the layer in the source that it belongs to, "stem.conv1", backward "stem.conv1'"; may be empty
  SourceRange location;
};

struct Value {
  TensorType type;
  int32_t node = -1;                  // its defining node; -1: a function argument
  int32_t result = 0;                 // which result of the node
};

/// The body of a function. Grows only through add_argument and add.
class Graph {
 public:
  ValueId add_argument(TensorType type);
  /// Appends a node: fills in default attributes, runs the op's shape rule, returns the results. The caller has made sure
  /// that the rule accepts the operands (layers check and report to the user); a refusal here is an internal error.
  std::vector<ValueId> add(const OpDef& op, std::vector<ValueId> operands, AttributeMap attributes = {},
                           std::string layer = {}, SourceRange location = {});

  const std::vector<Node>& nodes() const { return nodes_; }
  const Node& node(int32_t index) const { return nodes_.at(static_cast<size_t>(index)); }
  const Value& value(ValueId id) const { return values_.at(static_cast<size_t>(id.index)); }
  const TensorType& type(ValueId id) const { return value(id).type; }
  int32_t value_count() const { return static_cast<int32_t>(values_.size()); }

 private:
  std::vector<Node> nodes_;
  std::vector<Value> values_;
};

/// What an argument or result of a function is to the program around it.
enum class Role : uint8_t {
  Input,        // a column of the data (planar, batched)
  Label,        // a label column (batched)
  SampleIndex,  // i32[N]: each image's number in the epoch, for random draws
  Weight,       // learned parameter
  State,        // kept, not learned: running statistics
  Prepared,     // what @prepare computes once from weights and state for inference
  Gradient,     // gradient of the weight of the same name
  Moment,       // optimizer state, flat like the weights; named after the optimizer's slot
  Scalar,       // a number of the run: rate, step, seed, …; cell of the scalars' buffer, by name
  Output,       // a result of the network
  Loss,         // per sample, f32[N]
  Metric,       // per sample, f32[N]; named after the metric
};
std::string_view role_name(Role role);                          // "input", "sample_index"
std::optional<Role> find_role(std::string_view name);

struct Port {
  std::string name;
  Role role{};
  ValueId value;
};
/// The port of that name and role; null when there is none.
const Port* find_port(const std::vector<Port>& ports, std::string_view name, Role role);

struct Function {
  std::string name;                   // "infer", "finetune.gradients"
  std::vector<Port> arguments;
  Graph graph;
  std::vector<Port> results;          // State results are the next values of the states
};

/// How a parameter starts; `fan_in` and `fan_out` are stored so that nothing needs the layer any more.
struct Initialiser {
  std::string name = "zeros";         // uniform_fan_in (PyTorch's default), he_normal, …, constant
  double value = 0;                   // constant; or the gain, bound or deviation where the name takes one
  double second = 0;                  // upper bound of uniform(a, b), deviation of normal(mean, deviation)
  int64_t fan_in = 1, fan_out = 1;
  bool operator==(const Initialiser&) const = default;
};

/// A weight or state of the module. Its offset in the flat buffers is a multiple of 16 elements.
struct Parameter {
  std::string name;                   // "stem.conv1.weight"
  Role role = Role::Weight;           // Weight or State
  TensorType type;
  Initialiser initialiser;
  std::string group;                  // what `no_decay: [bias, norm]` selects: "weight", "bias" or "norm"
  SourceRange location;
};

/// A named, typed column of data: an input or a label.
struct Column {
  std::string name;
  Role role = Role::Input;
  TensorType type;
};

/// A setting of a recipe in canonical text: {"optimizer", "sgd(rate: 0.05, momentum: 0.9)"}.
struct SettingText {
  std::string name, text;
  SourceRange location;
};

/// One `train` block.
struct Recipe {
  std::string name;                   // "default" where the file gives none
  std::vector<SettingText> settings;  // those that the file sets; defaults are in runtime/settings
  std::vector<std::string> classes;
};

struct Module {
  std::string network;
  std::vector<Parameter> parameters;  // order of creation = order in the flat buffers
  std::vector<Column> inputs;
  std::vector<Recipe> recipes;        // the first one is the default; empty without a `train` block
  std::vector<Function> functions;
  const Function* find(std::string_view name) const;
};

}  // namespace cnnc
