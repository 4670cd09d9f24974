// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Op<Attributes> → OpDef: wraps the typed rules of an author so that everyone else sees attribute maps.
#pragma once
#include "ir/op.h"

namespace cnnc {

template <class A>
Op<A>::operator OpDef() const {
  OpDef def;
  def.name = name;
  def.doc = doc;
  def.operands = operands;
  for (const auto& field : attributes)
    def.attributes.push_back({std::string(field.name), std::string(field.doc), field.get(A{})});
  auto call = [fields = attributes](const AttributeMap& map, std::span<const TensorType> in) {
    return OpCall<A>{read_attributes(fields, map), in};
  };
  def.infer = [call, rule = infer](const AttributeMap& map, std::span<const TensorType> in) { return rule(call(map, in)); };
  if (gradient && gradient != &not_differentiable<A>)
    def.gradient = [call, rule = gradient](const AttributeMap& map, GradientBuilder& g) {
      const auto in = gradient_operand_types(g);
      rule(call(map, in), g);
    };
  if (define)
    def.define = [call, rule = define](const AttributeMap& map, Body& body, int result, const Point& point) {
      return rule(call(map, body.operand_types()), body, result, point);
    };
  if (expand)
    def.expand = [call, rule = expand](const AttributeMap& map, GraphBuilder& builder, std::span<const ValueId> operands,
                                       Mode mode) {
      const auto in = builder_operand_types(builder, operands);
      return rule(call(map, in), builder, operands, mode);
    };
  if (multiply_adds)
    def.multiply_adds = [call, rule = multiply_adds](const AttributeMap& map, std::span<const TensorType> in) {
      return rule(call(map, in));
    };
  def.random = random;
  def.samples = samples;
  return def;
}

}  // namespace cnnc
