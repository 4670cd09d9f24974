// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a layer is to a person who writes a .cnn file: its arguments, defaults, documentation, and how it builds ops. Layers
// stand beside their ops in compiler/ops/; sema sees this table only. Losses, metrics and arithmetic functions are layers too.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/graph.h"

namespace cnnc {

enum class ArgumentKind {
  Tensor,        // a value of the network; numbers are accepted where a tensor is (they become constants)
  Tensors,       // any number of them: concat
  Integer,
  Number,
  Boolean,
  Word,          // one of `words`
  Size,          // 3 or [3, 5] (height, width)
  Padding,       // valid, same, 1, [1, 2], [1, 2, 3, 4]
  Initialiser,   // he_normal, uniform(-1, 1), 0.5, …
  Table,         // a constant matrix or vector of numbers: filter's kernel
};

/// `pad`: words are resolved by the layer, which knows kernel and stride.
struct Padding {
  bool same = false;
  int64_t top = 0, left = 0, bottom = 0, right = 0;
};

/// A constant of the file: `[[-1, 0, 1], [-2, 0, 2]]` has dims [2, 3].
struct ConstantTable {
  Dims dims;
  Numbers numbers;
};

using ArgumentValue = std::variant<std::monostate, ValueId, std::vector<ValueId>, int64_t, double, bool, std::string, Dims,
                                   Padding, Initialiser, ConstantTable>;

struct ArgumentDef {
  std::string_view name;
  ArgumentKind kind{};
  std::string_view doc;
  /// The default in the language's text, or the name of an earlier argument, whose value it takes (a pool's stride is its
  /// kernel); empty: required.
  std::string_view default_text = {};
  std::vector<std::string_view> words = {};
  /// For Integer, Number, Size: the smallest legal value.
  std::optional<double> minimum = {};
  std::optional<double> maximum = {};
};

/// What a layer's builder may use. Implemented by sema. Every failure is reported through it, located at the call.
class LayerContext {
 public:
  virtual ~LayerContext() = default;
  /// Arguments by name, checked against the definition, defaults filled in. Size arguments come as Dims of two.
  virtual const ArgumentValue& argument(std::string_view name) const = 0;
  /// True when the argument was written in the call.
  virtual bool given(std::string_view name) const = 0;
  virtual const TensorType& type(ValueId value) const = 0;
  virtual ElementType float_type() const = 0;                 // f32, or f64 under --type f64
  virtual std::vector<ValueId> add(std::string_view op, std::vector<ValueId> operands, AttributeMap attributes = {}) = 0;
  /// A learned parameter of this layer: `name` is "weight", "bias"; its full name gets the layer's scope in front.
  virtual ValueId weight(std::string_view name, Dims dims, Initialiser initialiser, std::string_view group) = 0;
  virtual ValueId state(std::string_view name, Dims dims, Initialiser initialiser) = 0;
  /// What a state becomes after a training step (batchnorm's third and second result).
  virtual void update_state(ValueId state, ValueId next) = 0;
  /// A number that no other random layer of the network has: the attribute `stream` of its op.
  virtual int64_t next_random_stream() = 0;
  /// Reports at the call (or at one argument of it) and marks the call as failed; the builder returns {} afterwards.
  /// The call's own text is available as call_text(), `conv(16, kernel: 5)`.
  virtual Diagnostic& error(DiagnosticKind kind, std::string message) = 0;
  virtual Diagnostic& error_at(std::string_view argument, DiagnosticKind kind, std::string message) = 0;
  virtual Diagnostic& warning(DiagnosticKind kind, std::string message) = 0;
  virtual std::string call_text() const = 0;
  /// Adds the note "the shape 16x3x3 comes from here" for a value to a diagnostic.
  virtual void note_origin(Diagnostic& diagnostic, ValueId value) const = 0;
};

enum class LayerKind {
  Layer,      // conv, relu, …: usable after `->`
  Function,   // arithmetic on tensors and numbers: exp, min, sqrt; a number when all arguments are numbers
  Loss,       // of (output, label, …): one value a sample
  Metric,     // of (output, label, …): one value a sample
};

struct LayerDef {
  std::string_view name;
  LayerKind kind = LayerKind::Layer;
  std::string_view doc;                 // one sentence first, then details; Markdown
  std::vector<ArgumentDef> arguments;   // positional order; the first Tensor is what `->` fills
  std::vector<ValueId> (*build)(LayerContext&);   // null: the metric `loss`, which is what the loss gives
  std::string_view example;             // a line of the language for the reference: "x -> conv(16, kernel: 3, pad: same)"
  std::string_view results = {};        // names of several results, separated by a blank; empty: one
  /// Functions: the expression over the names of their arguments, which also computes plain numbers.
  std::string_view formula = {};
  /// Losses and metrics of (output, label): the label column's type that fits an output of this type.
  TensorType (*label)(const TensorType& output) = nullptr;
};

const LayerDef* find_layer(std::string_view name);
/// All layers, sorted by name.
std::span<const LayerDef> all_layers();

/// An optimizer: formulas over w (weight), g (gradient), rate, decay, step, its arguments and its moments; each moment's
/// formula gives its next value, and `weight` the weight's, which may use the next moments as NAME_next.
struct OptimizerDef {
  std::string_view name, doc;
  struct Argument {
    std::string_view name, doc;
    double default_value = 0;
    bool is_boolean = false;
  };
  std::vector<Argument> arguments;      // without rate, decay, no_decay, which all have
  double default_rate = 0.01;
  struct Moment {
    std::string_view name, formula;
  };
  std::vector<Moment> moments;          // in order; a later formula may use earlier NAME_next
  std::string_view weight;              // the weight's formula
};
const OptimizerDef* find_optimizer(std::string_view name);
std::span<const OptimizerDef> all_optimizers();

}  // namespace cnnc
