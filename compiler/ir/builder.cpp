// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Nodes by the names of ops, and the few combinations that gradients and expansions use all the time.
#include "ir/builder.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/check.h"

namespace cnnc {

void GraphBuilder::set_origin(std::string layer, SourceRange location) {
  layer_ = std::move(layer);
  location_ = location;
}

std::vector<ValueId> GraphBuilder::add_all(std::string_view op, std::vector<ValueId> operands, AttributeMap attributes) {
  return graph_->add(get_op(op), std::move(operands), std::move(attributes), layer_, location_);
}

ValueId GraphBuilder::add(std::string_view op, std::vector<ValueId> operands, AttributeMap attributes) {
  return add_all(op, std::move(operands), std::move(attributes)).at(0);
}

ValueId GraphBuilder::map(const ScalarExpression& expression, std::vector<ValueId> operands) {
  return add("map", std::move(operands), {{"f", expression}});
}

ValueId GraphBuilder::map(std::string_view expression, std::vector<ValueId> operands) {
  std::string error;
  const auto parsed = parse_scalar_expression(expression, {}, error);
  CNNC_CHECK(parsed.has_value(), fmt::format("`{}` is an expression: {}", expression, error));
  return map(*parsed, std::move(operands));
}

ValueId GraphBuilder::map_used(const ScalarExpression& expression, std::span<const ValueId> operands) {
  std::vector<ValueId> used;
  std::vector<ScalarExpression> arguments;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (!expression.uses_argument(static_cast<int>(i))) {
      arguments.push_back(ScalarExpression::constant(0));
      continue;
    }
    auto place = std::find(used.begin(), used.end(), operands[i]);
    if (place == used.end()) place = used.insert(used.end(), operands[i]);
    arguments.push_back(ScalarExpression::argument(static_cast<int>(place - used.begin())));
  }
  return map(expression.substitute(arguments), std::move(used));
}

TensorType GraphBuilder::type_of_used(const ScalarExpression& expression, std::span<const ValueId> operands) const {
  TensorType result;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (!expression.uses_argument(static_cast<int>(i))) continue;
    const TensorType& operand = type(operands[i]);
    result.batched = result.batched || operand.batched;
    result.dims = broadcast(result.dims, operand.dims).value();
    if (operand.element == ElementType::F32 || operand.element == ElementType::F64) result.element = operand.element;
  }
  return result;
}

ValueId GraphBuilder::constant(double value, ElementType element) {
  return add("constant", {}, {{"dims", Dims{}}, {"values", Numbers{value}}, {"element", std::string(element_name(element))}});
}

ValueId GraphBuilder::reshape(ValueId value, Dims dims) {
  if (type(value).dims == dims) return value;
  return add("reshape", {value}, {{"dims", std::move(dims)}});
}

ValueId GraphBuilder::sum(ValueId value, Dims axes, bool batch) {
  return add("reduce", {value}, {{"op", std::string("sum")}, {"axes", std::move(axes)}, {"batch", batch}});
}

ValueId GraphBuilder::sum_to(ValueId value, const TensorType& target) {
  const TensorType from = type(value);
  CNNC_CHECK(from.dims.size() >= target.dims.size() && (from.batched || !target.batched),
             fmt::format("{} sums down to {}", to_string(from), to_string(target)));
  const size_t shift = from.dims.size() - target.dims.size();
  Dims axes;
  for (size_t i = 0; i < from.dims.size(); ++i) {
    const int64_t wanted = i < shift ? 1 : target.dims[i - shift];
    if (from.dims[i] != wanted) axes.push_back(static_cast<int64_t>(i));
  }
  const bool batch = from.batched && !target.batched;
  if (!axes.empty() || batch) value = sum(value, std::move(axes), batch);
  value = reshape(value, target.dims);
  CNNC_CHECK(type(value) == target, fmt::format("{} sums down to {}", to_string(from), to_string(target)));
  return value;
}

std::vector<TensorType> builder_operand_types(const GraphBuilder& builder, std::span<const ValueId> operands) {
  std::vector<TensorType> types;
  for (const ValueId operand : operands) types.push_back(operand.valid() ? builder.type(operand) : absent_type());
  return types;
}

}  // namespace cnnc
