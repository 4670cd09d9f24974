// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `map`: one scalar expression at each element, with broadcasting on the dimensions of one image. Activations, arithmetic,
// the terms of losses and the formulas of optimizers are all this op. The layers that it makes are in activations.cpp and
// arithmetic.cpp.
#include <fmt/format.h>

#include "autodiff/gradient_builder.h"
#include "ir/layer.h"
#include "ops/formula.h"
#include "ops/shape_rules.h"

namespace cnnc {
namespace {

struct MapAttributes {
  ScalarExpression f = ScalarExpression::argument(0);
};

InferResult infer(const OpCall<MapAttributes>& call) {
  if (call.in.empty()) return "needs at least one operand";
  if (call.attributes.f.nodes().empty()) return "`f` is empty";
  if (call.attributes.f.argument_count() > static_cast<int>(call.in.size()))
    return fmt::format("`f` uses x{}, but the number of operands is {}", call.attributes.f.argument_count() - 1, call.in.size());
  TensorType type{ElementType::F32, false, {}};
  std::optional<ElementType> element;
  for (const TensorType& in : call.in) {
    if (is_float(in.element)) {
      if (element && *element != in.element)
        return fmt::format("needs operands of one floating-point type, but has {} and {}", element_name(*element),
                           element_name(in.element));
      element = in.element;
    }
    auto dims = broadcast(type.dims, in.dims);
    if (!dims) return fmt::format("dimensions {} and {} do not fit together", to_string(type.dims), to_string(in.dims));
    type.dims = *std::move(dims);
    type.batched |= in.batched;
  }
  if (auto complaint = check_dims(type.dims)) return *complaint;
  type.element = element.value_or(ElementType::F32);      // whole numbers alone are computed in f32
  return one_result(std::move(type));
}

/// Whether the function keeps its operand within bounds, as relu and relu6 do: then it takes the same branches at its result as at
/// its operand, and its derivative is the same at both.
bool is_bound(const ScalarExpression& f) {
  std::vector<double> bounds;
  for (const ScalarExpression::Node& node : f.nodes())
    if (node.op == ScalarOp::Constant && (bounds.empty() || bounds.back() != node.value)) bounds.push_back(node.value);
  if (bounds.size() == 1) return f == formula("max(x0, a)", 1, {{"a", bounds[0]}}) || f == formula("min(x0, a)", 1, {{"a", bounds[0]}});
  if (bounds.size() != 2 || !(bounds[0] < bounds[1])) return false;
  return f == formula("select(x0 <= a, a, select(b <= x0, b, x0))", 1, {{"a", bounds[0]}, {"b", bounds[1]}});
}

/// The derivative's product with dy, over those operands only that it uses, so that no other value must be kept; of a bound over the
/// result, which the next layer keeps anyway.
void gradient(const OpCall<MapAttributes>& call, GradientBuilder& g) {
  const bool at_result = is_bound(call.attributes.f);
  for (int i = 0; i < g.operand_count(); ++i) {
    if (!g.needed(i)) continue;
    const ScalarExpression derivative = call.attributes.f.derivative(i);
    if (derivative.constant_value() == 0.0) continue;
    std::vector<ValueId> operands;
    std::vector<ScalarExpression> arguments;
    for (int k = 0; k < g.operand_count(); ++k) {
      if (!derivative.uses_argument(k)) {
        arguments.push_back(ScalarExpression::constant(0));
        continue;
      }
      arguments.push_back(ScalarExpression::argument(static_cast<int>(operands.size())));
      operands.push_back(at_result ? g.result() : g.operand(k));
    }
    ValueId dx = g.dy();
    if (derivative.constant_value() != 1.0) {
      const auto dy = ScalarExpression::argument(static_cast<int>(operands.size()));
      operands.push_back(g.dy());
      dx = g.build().map(multiply_derivative(dy, derivative.substitute(arguments)), operands);
    }
    g.add_to(i, g.build().sum_to(dx, call.in[static_cast<size_t>(i)]));
  }
}

Scalar define(const OpCall<MapAttributes>& call, Body& body, int, const Point& point) {
  std::vector<Scalar> arguments;
  for (size_t i = 0; i < call.in.size(); ++i) {
    const Scalar element = body.at(static_cast<int>(i), point);
    arguments.push_back(is_float(call.in[i].element) ? element : body.to_number(element));
  }
  return body.apply(call.attributes.f, arguments);
}

TensorType image(std::initializer_list<int64_t> dims) { return {ElementType::F32, true, dims}; }
TensorType weight(std::initializer_list<int64_t> dims) { return {ElementType::F32, false, dims}; }

}  // namespace

std::vector<OpDef> map_ops() {
  return {Op<MapAttributes>{
      .name = "map",
      .doc = "A scalar expression at each element. Operands are broadcast on the dimensions of one image; the result is "
             "batched if an operand is.",
      .operands = {{.name = "operands", .doc = "x0, x1, … of the expression", .variadic = true}},
      .attributes = {attribute("f", &MapAttributes::f, "the expression")},
      .infer = infer,
      .gradient = gradient,
      .define = define,
      .samples = {{.operands = {image({3, 4})}, .attributes = {{"f", formula("select(x0 < 0, 0.1 * x0, x0)", 1)}}},
                  {.operands = {image({3, 4, 5}), weight({3, 1, 1})}, .attributes = {{"f", formula("x0 * x1 + x1", 2)}}},
                  {.operands = {weight({4}), image({2, 3, 4}), image({3, 1})},
                   .attributes = {{"f", formula("tanh(x0) * exp(x1) / (1 + x2 * x2)", 3)}}},
                  {.operands = {image({5}), weight({})}, .attributes = {{"f", formula("x0 + x1", 2)}}}},
  }};
}

std::vector<LayerDef> map_layers() { return {}; }

}  // namespace cnnc
