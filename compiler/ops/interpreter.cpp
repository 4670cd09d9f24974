// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A Body whose handles are numbers: each call computes at once. Handles are places on a stack, which is cut back after each
// element of a reduction, so that it stays short.
#include "ops/interpreter.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

#include "ir/body.h"
#include "ir/random.h"
#include "support/check.h"

namespace cnnc {
namespace {

class Interpreter final : public Body {
 public:
  Interpreter(std::span<const Array* const> operands, int64_t images) : operands_(operands), images_(images) {
    for (const Array* operand : operands) types_.push_back(operand ? operand->type : absent_type());
  }

  /// Forgets all handles.
  void clear() { stack_.clear(); }
  double value(Scalar scalar) const { return entry(scalar).value; }

  std::span<const TensorType> operand_types() const override { return types_; }
  bool has_operand(int operand) const override {
    return static_cast<size_t>(operand) < operands_.size() && operands_[static_cast<size_t>(operand)];
  }
  Scalar at(int operand, const Point& point) override {
    const auto place = place_of(operand, point, true);
    CNNC_CHECK(place, fmt::format("a definition reads operand {} inside its dimensions", operand));
    return element(operand, *place);
  }
  Scalar at_or(int operand, const Point& point, double outside) override {
    const auto place = place_of(operand, point, false);
    return place ? element(operand, *place) : push(outside, !is_float(operand));
  }
  Scalar number(double value) override { return push(value, false); }
  Scalar integer(int64_t value) override { return push(static_cast<double>(value), true); }
  Scalar to_number(Scalar integer) override { return push(value(integer), false); }
  Scalar to_integer(Scalar number) override { return push(std::floor(value(number)), true); }
  Scalar apply(ScalarOp op, std::span<const Scalar> operands) override;
  Scalar apply(const ScalarExpression& expression, std::span<const Scalar> arguments) override;
  Scalar reduce(Reduction reduction, const Dims& extents,
                const std::function<Scalar(std::span<const Scalar>)>& element) override;
  Scalar reduce_batch(Reduction reduction, const Dims& extents,
                      const std::function<Scalar(Scalar, std::span<const Scalar>)>& element) override;
  Scalar batch_size() override { return integer(images_); }
  Scalar random(std::span<const Scalar> integers) override;

 private:
  struct Entry {
    double value = 0;
    bool integer = false;
  };
  const Entry& entry(Scalar scalar) const {
    CNNC_CHECK(scalar.body() == this && scalar.id() >= 0 && static_cast<size_t>(scalar.id()) < stack_.size(),
               "a definition uses handles of its own body, while they live");
    return stack_[static_cast<size_t>(scalar.id())];
  }
  Scalar push(double value, bool integer) {
    stack_.push_back({value, integer});
    return {this, static_cast<int32_t>(stack_.size() - 1)};
  }
  bool is_float(int operand) const {
    const ElementType element = types_.at(static_cast<size_t>(operand)).element;
    return element == ElementType::F32 || element == ElementType::F64;
  }
  Scalar element(int operand, int64_t place) {
    return push(operands_[static_cast<size_t>(operand)]->values.at(static_cast<size_t>(place)), !is_float(operand));
  }
  std::optional<int64_t> place_of(int operand, const Point& point, bool broadcast) const;

  std::span<const Array* const> operands_;
  std::vector<TensorType> types_;
  int64_t images_;
  std::vector<Entry> stack_;
};

double combine(Reduction reduction, double a, double b) {
  switch (reduction) {
    case Reduction::Sum: return a + b;
    case Reduction::Maximum: return evaluate_scalar_op(ScalarOp::Maximum, a, b, 0);
    case Reduction::Minimum: return evaluate_scalar_op(ScalarOp::Minimum, a, b, 0);
  }
  CNNC_CHECK(false, "one of the reductions");
}

/// The operand's element at the point; nothing when a coordinate is outside.
std::optional<int64_t> Interpreter::place_of(int operand, const Point& point, bool broadcast) const {
  CNNC_CHECK(has_operand(operand), fmt::format("a definition reads an operand that is there, not {}", operand));
  const TensorType& type = types_[static_cast<size_t>(operand)];
  CNNC_CHECK(point.at.size() >= type.dims.size(), "a point has a coordinate for each axis");
  const size_t dropped = point.at.size() - type.dims.size();
  int64_t place = type.batched ? static_cast<int64_t>(value(point.image)) : 0;
  for (size_t axis = 0; axis < type.dims.size(); ++axis) {
    const int64_t extent = type.dims[axis];
    const bool repeated = broadcast && extent == 1;
    const int64_t coordinate = repeated ? 0 : static_cast<int64_t>(value(point.at[dropped + axis]));
    if (coordinate < 0 || coordinate >= extent) return {};
    place = place * extent + coordinate;
  }
  return place;
}

Scalar Interpreter::apply(ScalarOp op, std::span<const Scalar> operands) {
  double values[3] = {};
  bool integer = true;
  for (size_t i = 0; i < operands.size(); ++i) {
    values[i] = value(operands[i]);
    const bool condition = op == ScalarOp::Select && i == 0;      // which makes the result no number
    if (!condition) integer = integer && entry(operands[i]).integer;
  }
  double result = evaluate_scalar_op(op, values[0], values[1], values[2]);
  if (integer && op == ScalarOp::Divide) result = std::floor(result);
  return push(result, integer);
}

Scalar Interpreter::apply(const ScalarExpression& expression, std::span<const Scalar> arguments) {
  std::vector<double> numbers;
  for (const Scalar argument : arguments) numbers.push_back(value(argument));
  return push(expression.evaluate(numbers), false);
}

/// Calls `visit` with each tuple of indices, in row-major order.
void for_each_tuple(const Dims& extents, const std::function<void(const std::vector<int64_t>&)>& visit) {
  std::vector<int64_t> tuple(extents.size(), 0);
  while (true) {
    visit(tuple);
    size_t axis = extents.size();
    while (axis > 0 && ++tuple[axis - 1] == extents[axis - 1]) tuple[--axis] = 0;
    if (axis == 0) return;
  }
}

Scalar Interpreter::reduce(Reduction reduction, const Dims& extents,
                           const std::function<Scalar(std::span<const Scalar>)>& element) {
  Entry total;
  bool first = true;
  std::vector<Scalar> indices;
  for_each_tuple(extents, [&](const std::vector<int64_t>& tuple) {
    const size_t mark = stack_.size();
    indices.clear();
    for (const int64_t index : tuple) indices.push_back(integer(index));
    const Entry next = entry(element(indices));
    total = first ? next : Entry{combine(reduction, total.value, next.value), next.integer};
    first = false;
    stack_.resize(mark);
  });
  return push(total.value, total.integer);
}

Scalar Interpreter::reduce_batch(Reduction reduction, const Dims& extents,
                                 const std::function<Scalar(Scalar, std::span<const Scalar>)>& element) {
  Dims all = {images_};
  all.insert(all.end(), extents.begin(), extents.end());
  return reduce(reduction, all, [&](std::span<const Scalar> indices) { return element(indices[0], indices.subspan(1)); });
}

Scalar Interpreter::random(std::span<const Scalar> integers) {
  std::vector<int64_t> numbers;
  for (const Scalar integer : integers) numbers.push_back(static_cast<int64_t>(value(integer)));
  return push(random_uniform(numbers), false);
}

/// One result of an op, element by element.
Array interpret_result(const OpDef& op, const AttributeMap& attributes, Interpreter& body, int result, TensorType type,
                       int64_t images) {
  Array array{std::move(type), {}};
  const int64_t repetitions = array.type.batched ? images : 1;
  array.values.reserve(static_cast<size_t>(repetitions * element_count(array.type.dims)));
  for (int64_t image = 0; image < repetitions; ++image) {
    for_each_tuple(array.type.dims, [&](const std::vector<int64_t>& tuple) {
      body.clear();
      Point point{array.type.batched ? body.integer(image) : Scalar(), {}};
      for (const int64_t index : tuple) point.at.push_back(body.integer(index));
      array.values.push_back(body.value(op.define(attributes, body, result, point)));
    });
  }
  return array;
}

}  // namespace

std::vector<Array> interpret_op(const OpDef& op, const AttributeMap& attributes, std::span<const Array* const> operands,
                                int64_t images) {
  CNNC_CHECK(op.define, fmt::format("`{}` is primitive", op.name));
  Interpreter body(operands, images);
  InferResult inferred = op.infer(attributes, body.operand_types());
  CNNC_CHECK(std::holds_alternative<std::vector<TensorType>>(inferred), fmt::format("`{}` takes these operands", op.name));
  std::vector<Array> results;
  for (TensorType& type : std::get<std::vector<TensorType>>(inferred))
    results.push_back(interpret_result(op, attributes, body, static_cast<int>(results.size()), std::move(type), images));
  return results;
}

std::vector<Array> interpret(const Function& function, std::span<const Array> arguments, int64_t images) {
  const Graph& graph = function.graph;
  CNNC_CHECK(arguments.size() == function.arguments.size(), fmt::format("`{}` gets all its arguments", function.name));
  std::vector<Array> values(static_cast<size_t>(graph.value_count()));
  const auto value = [&](ValueId id) -> Array& { return values[static_cast<size_t>(id.index)]; };
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Port& port = function.arguments[i];
    const int64_t count = element_count(graph.type(port.value).dims) * (graph.type(port.value).batched ? images : 1);
    CNNC_CHECK(arguments[i].type == graph.type(port.value) && static_cast<int64_t>(arguments[i].values.size()) == count,
               fmt::format("argument `{}` has its type and size", port.name));
    value(port.value) = arguments[i];
  }

  std::vector<int32_t> last_use(values.size(), -1);
  for (size_t n = 0; n < graph.nodes().size(); ++n)
    for (const ValueId operand : graph.nodes()[n].operands)
      if (operand.valid()) last_use[static_cast<size_t>(operand.index)] = static_cast<int32_t>(n);
  for (const Port& port : function.results) last_use[static_cast<size_t>(port.value.index)] = INT32_MAX;

  for (size_t n = 0; n < graph.nodes().size(); ++n) {
    const Node& node = graph.nodes()[n];
    std::vector<const Array*> operands;
    for (const ValueId operand : node.operands) operands.push_back(operand.valid() ? &value(operand) : nullptr);
    std::vector<Array> results = interpret_op(*node.op, node.attributes, operands, images);
    for (size_t i = 0; i < results.size(); ++i) value(node.results[i]) = std::move(results[i]);
    for (const ValueId operand : node.operands)
      if (operand.valid() && last_use[static_cast<size_t>(operand.index)] == static_cast<int32_t>(n)) value(operand).values = {};
  }
  std::vector<Array> results;
  for (const Port& port : function.results) results.push_back(value(port.value));
  return results;
}

}  // namespace cnnc
