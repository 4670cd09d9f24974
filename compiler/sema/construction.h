// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The graph of a network while it is built: nodes, weights and states by name, and where each value's shape comes from.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "ir/layer.h"

namespace cnnc::sema {

class Construction {
 public:
  Graph graph;
  std::vector<Port> inputs, labels;
  std::vector<Parameter> parameters;
  ElementType float_type = ElementType::F32;

  /// The layer that the nodes which follow belong to; may be empty.
  std::string layer;
  SourceRange location;

  ValueId add_argument(TensorType type, SourceRange origin);
  std::vector<ValueId> add(std::string_view op, std::vector<ValueId> operands, AttributeMap attributes = {});
  ValueId map(const ScalarExpression& expression, std::vector<ValueId> operands);
  ValueId constant(const Dims& dims, const Numbers& numbers);

  /// The index in `parameters`, if there is one of that name.
  std::optional<size_t> find_parameter(const std::string& name) const;
  ValueId add_parameter(Parameter parameter);
  /// The value of a parameter: of a state that was updated already, its newest value.
  ValueId parameter_value(size_t index) const { return newest_.at(index); }
  void update_state(ValueId state, ValueId next);

  SourceRange origin(ValueId value) const { return origins_.at(static_cast<size_t>(value.index)); }
  void set_origin(ValueId value, SourceRange range) { origins_.at(static_cast<size_t>(value.index)) = range; }

  /// The layer whose call gave the value; null for inputs and arithmetic.
  const LayerDef* maker(ValueId value) const;
  void set_maker(ValueId value, const LayerDef* layer) { makers_[value] = layer; }

  /// The ports of weights and states, weights first.
  std::vector<Port> parameter_arguments() const;
  std::vector<Port> state_results() const;

 private:
  std::vector<SourceRange> origins_;           // by value
  std::map<ValueId, const LayerDef*> makers_;
  std::map<std::string, size_t> parameter_by_name_;
  std::map<ValueId, size_t> state_of_;         // the states' arguments and next values
  std::vector<ValueId> argument_, newest_;     // by parameter
};

}  // namespace cnnc::sema
