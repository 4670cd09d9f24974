// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `reduce`: sum, maximum or minimum over axes (kept with extent 1) and, if asked for, over all images of the batch.
// Layers: sum, mean (over one image's elements).
#include <fmt/format.h>

#include "autodiff/gradient_builder.h"
#include "ops/layer_arguments.h"
#include "ops/shape_rules.h"

namespace cnnc {
namespace {

struct ReduceAttributes {
  std::string op = "sum";
  Dims axes;
  bool batch = false;
};

std::optional<Reduction> find_reduction(std::string_view name) {
  if (name == "sum") return Reduction::Sum;
  if (name == "max") return Reduction::Maximum;
  if (name == "min") return Reduction::Minimum;
  return {};
}

InferResult infer(const OpCall<ReduceAttributes>& call) {
  const ReduceAttributes& a = call.attributes;
  if (auto complaint = check_count(call.in, 1, 1)) return *complaint;
  if (auto complaint = check_same_float(call.in)) return *complaint;
  if (!find_reduction(a.op)) return "`op` is sum, max or min, not \"" + a.op + "\"";
  TensorType type = call.in[0];
  int64_t last = -1;
  for (int64_t axis : a.axes) {
    if (axis <= last || axis >= static_cast<int64_t>(type.dims.size()))
      return fmt::format("`axes` {} are not rising axes of {}", to_string(a.axes), to_string(type));
    type.dims[static_cast<size_t>(axis)] = 1;
    last = axis;
  }
  if (a.batch && !type.batched) return "`batch` needs a batched operand";
  type.batched = type.batched && !a.batch;
  return one_result(std::move(type));
}

/// A sum hands its gradient to all; of equal maxima (or minima) each takes an equal share.
void gradient(const OpCall<ReduceAttributes>& call, GradientBuilder& g) {
  if (!g.needed(0)) return;
  const ReduceAttributes& a = call.attributes;
  const TensorType& x = call.in[0];
  GraphBuilder& build = g.build();
  if (a.op == "sum") {
    g.add_to(0, build.add("broadcast", {g.dy()}, {{"dims", x.dims}, {"batched", x.batched}}));
    return;
  }
  const ValueId chosen = build.map("select(x0 == x1, 1, 0)", {g.operand(0), g.result()});
  const ValueId share = build.map("x0 / x1", {g.dy(), build.sum(chosen, a.axes, a.batch)});
  g.add_to(0, build.map("select(x0 == x1, x2, 0)", {g.operand(0), g.result(), share}));
}

Scalar define(const OpCall<ReduceAttributes>& call, Body& body, int, const Point& point) {
  const ReduceAttributes& a = call.attributes;
  Dims extents;
  for (int64_t axis : a.axes) extents.push_back(call.in[0].dims[static_cast<size_t>(axis)]);
  const auto element = [&](Scalar image, std::span<const Scalar> indices) {
    Point from{image, point.at};
    for (size_t i = 0; i < a.axes.size(); ++i) from.at[static_cast<size_t>(a.axes[i])] = indices[i];
    return body.at(0, from);
  };
  const Reduction reduction = *find_reduction(a.op);
  if (a.batch) return body.reduce_batch(reduction, extents, element);
  return body.reduce(reduction, extents, [&](std::span<const Scalar> indices) { return element(point.image, indices); });
}

// ---- layers

/// The sum of all elements of one image as a single number.
std::optional<ValueId> whole_sum(LayerContext& context) {
  const ValueId x = tensor_argument(context, "x");
  if (!require_float(context, x)) return {};
  Dims axes(context.type(x).dims.size());
  for (size_t axis = 0; axis < axes.size(); ++axis) axes[axis] = static_cast<int64_t>(axis);
  if (axes.empty()) return x;
  const ValueId sum = context.add("reduce", {x}, {{"op", std::string("sum")}, {"axes", axes}}).at(0);
  return context.add("reshape", {sum}, {{"dims", Dims{}}}).at(0);
}

std::vector<ValueId> build_sum(LayerContext& context) {
  const auto sum = whole_sum(context);
  return sum ? std::vector<ValueId>{*sum} : std::vector<ValueId>{};
}

std::vector<ValueId> build_mean(LayerContext& context) {
  const auto count = static_cast<double>(element_count(context.type(tensor_argument(context, "x")).dims));
  const auto sum = whole_sum(context);
  if (!sum) return {};
  return {add_map(context, ScalarExpression::argument(0) * ScalarExpression::constant(1 / count), {*sum})};
}

AttributeMap over(std::string op, Dims axes, bool batch = false) {
  return {{"op", std::move(op)}, {"axes", std::move(axes)}, {"batch", batch}};
}
TensorType image(Dims dims) { return {ElementType::F32, true, std::move(dims)}; }
TensorType weight(Dims dims) { return {ElementType::F32, false, std::move(dims)}; }

}  // namespace

std::vector<OpDef> reduce_ops() {
  return {Op<ReduceAttributes>{
      .name = "reduce",
      .doc = "Sum, maximum or minimum over axes, which keep extent 1, and over the images if `batch`.",
      .operands = {{"x", "any value of floats"}},
      .attributes = {attribute("op", &ReduceAttributes::op, "sum, max or min"),
                     attribute("axes", &ReduceAttributes::axes, "the axes, rising"),
                     attribute("batch", &ReduceAttributes::batch, "over all images too: the result is not batched")},
      .infer = infer,
      .gradient = gradient,
      .define = define,
      .samples = {{.operands = {image({2, 3, 4})}, .attributes = over("sum", {1, 2})},
                  {.operands = {image({2, 3, 4})}, .attributes = over("sum", {1, 2}, true)},
                  {.operands = {image({5})}, .attributes = over("sum", {}, true)},
                  {.operands = {image({4, 2, 2})}, .attributes = over("max", {0})},
                  {.operands = {image({4})}, .attributes = over("min", {0}, true)},
                  {.operands = {weight({2, 3})}, .attributes = over("max", {0, 1})}},
  }};
}

std::vector<LayerDef> reduce_layers() {
  return {
      {.name = "mean",
       .doc = "The mean of all elements of one image: a single number for each image.",
       .arguments = {{.name = "x", .kind = ArgumentKind::Tensor, .doc = "any value"}},
       .build = build_mean,
       .example = "mean((a - b) ^ 2)"},
      {.name = "sum",
       .doc = "The sum of all elements of one image: a single number for each image.",
       .arguments = {{.name = "x", .kind = ArgumentKind::Tensor, .doc = "any value"}},
       .build = build_sum,
       .example = "sum(abs(x))"},
  };
}

}  // namespace cnnc
