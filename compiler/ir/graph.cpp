// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Growing a graph: completes attributes, runs the op's shape rule, checks both. Roles and their names.
#include "ir/graph.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/op.h"
#include "support/check.h"

namespace cnnc {
namespace {

/// Every attribute of the op: what is given, else the default. An integer stands for a number.
AttributeMap complete_attributes(const OpDef& op, AttributeMap given) {
  AttributeMap result;
  for (const AttributeDef& def : op.attributes) {
    const auto found = given.find(def.name);
    Attribute value = found == given.end() ? def.default_value : std::move(found->second);
    if (found != given.end()) given.erase(found);
    const int64_t* integer = std::get_if<int64_t>(&value);
    if (integer != nullptr && std::holds_alternative<double>(def.default_value)) value = static_cast<double>(*integer);
    CNNC_CHECK(value.index() == def.default_value.index(),
               fmt::format("attribute `{}` of `{}` is {}", def.name, op.name, attribute_kind(def.default_value)));
    result.emplace(def.name, std::move(value));
  }
  CNNC_CHECK(given.empty(), fmt::format("`{}` has an attribute `{}`", op.name, given.begin()->first));
  return result;
}

}  // namespace

ValueId Graph::add_argument(TensorType type) {
  values_.push_back({std::move(type), -1, 0});
  return {value_count() - 1};
}

std::vector<ValueId> Graph::add(const OpDef& op, std::vector<ValueId> operands, AttributeMap attributes, std::string layer,
                                SourceRange location) {
  // Absent optional operands at the end are written out, so that an operand's place says which one it is.
  const bool variadic = !op.operands.empty() && op.operands.back().variadic;
  if (!variadic && operands.size() < op.operands.size()) operands.resize(op.operands.size());
  CNNC_CHECK(variadic || operands.size() == op.operands.size(), fmt::format("`{}` has that many operands", op.name));

  std::vector<TensorType> types;
  for (size_t i = 0; i < operands.size(); ++i) {
    const bool optional = i < op.operands.size() && op.operands[i].optional;
    CNNC_CHECK(operands[i].valid() || optional, fmt::format("operand {} of `{}` is there", i, op.name));
    types.push_back(operands[i].valid() ? type(operands[i]) : absent_type());
  }
  Node node{&op, std::move(operands), complete_attributes(op, std::move(attributes)), {}, std::move(layer), location};
  InferResult inferred = op.infer(node.attributes, types);
  if (const std::string* refusal = std::get_if<std::string>(&inferred)) {
    CNNC_CHECK(false, fmt::format("`{}` of layer `{}`: {}", op.name, node.layer, *refusal));
  }
  for (TensorType& result : std::get<std::vector<TensorType>>(inferred)) {
    values_.push_back({std::move(result), static_cast<int32_t>(nodes_.size()), static_cast<int32_t>(node.results.size())});
    node.results.push_back({value_count() - 1});
  }
  nodes_.push_back(std::move(node));
  return nodes_.back().results;
}

std::string_view role_name(Role role) {
  switch (role) {
    case Role::Input: return "input";
    case Role::Label: return "label";
    case Role::SampleIndex: return "sample_index";
    case Role::Weight: return "weight";
    case Role::State: return "state";
    case Role::Prepared: return "prepared";
    case Role::Gradient: return "gradient";
    case Role::Moment: return "moment";
    case Role::Scalar: return "scalar";
    case Role::Output: return "output";
    case Role::Loss: return "loss";
    case Role::Metric: return "metric";
  }
  CNNC_CHECK(false, "a role without a name");
}

std::optional<Role> find_role(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Role::Metric); ++i) {
    if (role_name(static_cast<Role>(i)) == name) return static_cast<Role>(i);
  }
  return std::nullopt;
}

const Port* find_port(const std::vector<Port>& ports, std::string_view name, Role role) {
  for (const Port& port : ports) {
    if (port.name == name && port.role == role) return &port;
  }
  return nullptr;
}

const Function* Module::find(std::string_view name) const {
  for (const Function& function : functions) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

}  // namespace cnnc
