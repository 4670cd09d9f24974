// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What an op is. Each file of compiler/ops/ returns the ops (and layers, see layer.h) of one family; everything else reads
// this table. An author fills an Op<Attributes> with designated initialisers; required fields have no default, so
// forgetting one does not compile.
#pragma once
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "ir/graph.h"
#include "ir/body.h"

namespace cnnc {

class GradientBuilder;      // autodiff/gradient_builder.h
class GraphBuilder;         // ir/builder.h

/// The mode in which composite ops are expanded: batchnorm and dropout differ.
enum class Mode { Training, Inference };

struct OperandDef {
  std::string_view name, doc;
  bool optional = false;
  bool variadic = false;                // the last operand may: concat
};

struct AttributeDef {
  std::string name, doc;
  Attribute default_value;              // its alternative is the attribute's type
};

/// One automatic test of an op: types of the operands (per image where batched) and attributes.
struct Sample {
  std::vector<TensorType> operands;
  AttributeMap attributes = {};
};

/// The result types, or what is wrong with the operands (a sentence in the style of diagnostics).
using InferResult = std::variant<std::vector<TensorType>, std::string>;

/// Type-erased definition: what passes, printer, reader and documentation see.
struct OpDef {
  std::string name, doc;
  std::vector<OperandDef> operands;
  std::vector<AttributeDef> attributes;
  std::function<InferResult(const AttributeMap&, std::span<const TensorType>)> infer;
  /// Adds to the gradients of the operands; absent when not differentiable.
  std::function<void(const AttributeMap&, GradientBuilder&)> gradient;
  /// The value of result `result` at one point of it, from the operands at any points: gather form, pure.
  std::function<Scalar(const AttributeMap&, Body&, int result, const Point&)> define;
  /// A body made of other ops; such an op has no `define`.
  std::function<std::vector<ValueId>(const AttributeMap&, GraphBuilder&, std::span<const ValueId>, Mode)> expand;
  /// Multiply-adds forward for one image, as program.md counts them (0: not counted).
  std::function<double(const AttributeMap&, std::span<const TensorType>)> multiply_adds;
  /// Draws random numbers when expanded for training: its expansion uses GraphBuilder::random_key().
  bool random = false;
  std::vector<Sample> samples;
};

/// The op of that name; null when there is none. Defined by compiler/ops.
const OpDef* find_op(std::string_view name);
/// All ops, sorted by name.
std::span<const OpDef> all_ops();
/// find_op of a name that must exist.
const OpDef& get_op(std::string_view name);

// ---- the typed form that authors write

/// The operands' types and the attributes of one node, as seen by that op's rules.
template <class A>
struct OpCall {
  A attributes;
  std::span<const TensorType> in;
};

struct NoAttributes {};

/// One attribute of an op: how it is read from and written to the author's struct.
template <class A>
struct AttributeField {
  std::string_view name, doc;
  std::function<Attribute(const A&)> get;
  std::function<void(A&, const Attribute&)> set;
};
template <class A, class T>
AttributeField<A> attribute(std::string_view name, T A::*field, std::string_view doc) {
  return {name, doc, [field](const A& attributes) { return Attribute(attributes.*field); },
          [field](A& attributes, const Attribute& value) { attributes.*field = std::get<T>(value); }};
}

/// For `.gradient`: the op has no useful derivative (an index, a comparison); its operands get none.
template <class A>
void not_differentiable(const OpCall<A>&, GradientBuilder&) {}

/// For `.gradient` of a composite op: it has no rule of its own, and is expanded before the differentiation. (A composite
/// op with a rule is differentiated as it is, and expanded after.)
inline constexpr std::nullptr_t through_expansion = nullptr;

template <class A = NoAttributes>
struct Op {
  std::string_view name, doc;
  std::vector<OperandDef> operands;
  std::vector<AttributeField<A>> attributes;
  InferResult (*infer)(const OpCall<A>&);
  void (*gradient)(const OpCall<A>&, GradientBuilder&);      // not_differentiable is said explicitly
  Scalar (*define)(const OpCall<A>&, Body&, int, const Point&) = nullptr;
  std::vector<ValueId> (*expand)(const OpCall<A>&, GraphBuilder&, std::span<const ValueId>, Mode) = nullptr;
  double (*multiply_adds)(const OpCall<A>&) = nullptr;
  bool random = false;
  std::vector<Sample> samples;

  operator OpDef() const;
};

/// Types of a node's operands as its gradient rule and its expansion see them; defined with those builders.
std::vector<TensorType> gradient_operand_types(const GradientBuilder& builder);
std::vector<TensorType> builder_operand_types(const GraphBuilder& builder, std::span<const ValueId> operands);

template <class A>
A read_attributes(const std::vector<AttributeField<A>>& fields, const AttributeMap& map) {
  A result{};
  for (const auto& field : fields)
    if (auto it = map.find(field.name); it != map.end()) field.set(result, it->second);
  return result;
}

}  // namespace cnnc

#include "ir/op_conversion.h"
