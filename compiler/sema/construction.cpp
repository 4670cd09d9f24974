// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Grows the graph of a network and keeps what sema knows about its values.
#include "sema/construction.h"

#include "ir/op.h"
#include "support/check.h"

namespace cnnc::sema {

ValueId Construction::add_argument(TensorType type, SourceRange origin) {
  const ValueId value = graph.add_argument(std::move(type));
  origins_.resize(static_cast<size_t>(graph.value_count()));
  set_origin(value, origin);
  return value;
}

std::vector<ValueId> Construction::add(std::string_view op, std::vector<ValueId> operands, AttributeMap attributes) {
  std::vector<ValueId> results = graph.add(get_op(op), std::move(operands), std::move(attributes), layer, location);
  origins_.resize(static_cast<size_t>(graph.value_count()), location);
  return results;
}

ValueId Construction::map(const ScalarExpression& expression, std::vector<ValueId> operands) {
  return add("map", std::move(operands), {{"f", expression}}).at(0);
}

ValueId Construction::constant(const Dims& dims, const Numbers& numbers) {
  return add("constant", {}, {{"dims", dims}, {"values", numbers}, {"element", std::string(element_name(float_type))}}).at(0);
}

std::optional<size_t> Construction::find_parameter(const std::string& name) const {
  const auto found = parameter_by_name_.find(name);
  return found == parameter_by_name_.end() ? std::nullopt : std::optional(found->second);
}

ValueId Construction::add_parameter(Parameter parameter) {
  const ValueId value = add_argument(parameter.type, parameter.location);
  parameter_by_name_[parameter.name] = parameters.size();
  if (parameter.role == Role::State) state_of_[value] = parameters.size();
  parameters.push_back(std::move(parameter));
  argument_.push_back(value);
  newest_.push_back(value);
  return value;
}

void Construction::update_state(ValueId state, ValueId next) {
  const auto found = state_of_.find(state);
  CNNC_CHECK(found != state_of_.end(), "what is updated is a state");
  newest_[found->second] = next;
  state_of_[next] = found->second;
}

const LayerDef* Construction::maker(ValueId value) const {
  const auto found = makers_.find(value);
  return found == makers_.end() ? nullptr : found->second;
}

std::vector<Port> Construction::parameter_arguments() const {
  std::vector<Port> ports;
  for (const Role role : {Role::Weight, Role::State})
    for (size_t i = 0; i < parameters.size(); ++i)
      if (parameters[i].role == role) ports.push_back({parameters[i].name, role, argument_[i]});
  return ports;
}

std::vector<Port> Construction::state_results() const {
  std::vector<Port> ports;
  for (size_t i = 0; i < parameters.size(); ++i)
    if (parameters[i].role == Role::State) ports.push_back({parameters[i].name, Role::State, newest_[i]});
  return ports;
}

}  // namespace cnnc::sema
