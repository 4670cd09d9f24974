// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Fully connected layers: y[o] = sum over i of weight[o, i] * x[i] + bias[o], and the two adjoints. Weights are [out, in].
#include <fmt/format.h>

#include "autodiff/gradient_builder.h"
#include "ops/layer_arguments.h"
#include "ops/shape_rules.h"

namespace cnnc {
namespace {

using Call = OpCall<NoAttributes>;

/// What is wrong with operands that must be a vector and a matrix (one for all images), of one float type.
Complaint check_vector_and_matrix(std::span<const TensorType> in) {
  if (in[0].dims.size() != 1) return "needs a vector, but has " + to_string(in[0]);
  if (in[1].dims.size() != 2 || in[1].batched) return "needs a weight [out, in], but has " + to_string(in[1]);
  return {};
}

InferResult infer_dense(const Call& call) {
  if (auto complaint = check_count(call.in, 2, 3)) return *complaint;
  if (auto complaint = check_same_float(call.in)) return *complaint;
  if (auto complaint = check_vector_and_matrix(call.in)) return *complaint;
  const Dims& weight = call.in[1].dims;
  if (weight[1] != call.in[0].dims[0])
    return fmt::format("{} does not fit the weight {}", to_string(call.in[0]), to_string(call.in[1]));
  if (has_type(call.in, 2) && (call.in[2].batched || call.in[2].dims != Dims{weight[0]}))
    return fmt::format("needs a bias [{}], but has {}", weight[0], to_string(call.in[2]));
  return one_result({call.in[0].element, call.in[0].batched, {weight[0]}});
}

void gradient_dense(const Call& call, GradientBuilder& g) {
  GraphBuilder& build = g.build();
  if (g.needed(0)) g.add_to(0, build.add("dense_grad_input", {g.dy(), g.operand(1)}));
  if (g.needed(1)) g.add_to(1, build.add("dense_grad_weight", {g.operand(0), g.dy()}));
  if (has_type(call.in, 2) && g.needed(2)) g.add_to(2, build.sum_to(g.dy(), call.in[2]));
}

Scalar define_dense(const Call& call, Body& body, int, const Point& point) {
  const Scalar sum = body.reduce(Reduction::Sum, {call.in[1].dims[1]}, [&](std::span<const Scalar> r) {
    return body.at(0, {point.image, {r[0]}}) * body.at(1, {point.image, {point.at[0], r[0]}});
  });
  return body.has_operand(2) ? sum + body.at(2, point) : sum;
}

double multiply_adds_dense(const Call& call) { return static_cast<double>(element_count(call.in[1].dims)); }

/// x and dy, as vectors, in either order.
double multiply_adds_grad_weight(const Call& call) {
  return static_cast<double>(element_count(call.in[0].dims)) * static_cast<double>(element_count(call.in[1].dims));
}

InferResult infer_grad_input(const Call& call) {
  if (auto complaint = check_count(call.in, 2, 2)) return *complaint;
  if (auto complaint = check_same_float(call.in)) return *complaint;
  if (auto complaint = check_vector_and_matrix(call.in)) return *complaint;
  const Dims& weight = call.in[1].dims;
  if (weight[0] != call.in[0].dims[0])
    return fmt::format("{} does not fit the weight {}", to_string(call.in[0]), to_string(call.in[1]));
  return one_result({call.in[0].element, call.in[0].batched, {weight[1]}});
}

Scalar define_grad_input(const Call& call, Body& body, int, const Point& point) {
  return body.reduce(Reduction::Sum, {call.in[1].dims[0]}, [&](std::span<const Scalar> r) {
    return body.at(0, {point.image, {r[0]}}) * body.at(1, {point.image, {r[0], point.at[0]}});
  });
}

InferResult infer_grad_weight(const Call& call) {
  if (auto complaint = check_count(call.in, 2, 2)) return *complaint;
  if (auto complaint = check_same_float(call.in)) return *complaint;
  if (call.in[0].dims.size() != 1 || call.in[1].dims.size() != 1) return "needs two vectors";
  const Dims weight = {call.in[1].dims[0], call.in[0].dims[0]};
  if (auto complaint = check_dims(weight)) return *complaint;
  return one_result({call.in[0].element, false, weight});
}

Scalar define_grad_weight(const Call& call, Body& body, int, const Point& point) {
  const auto element = [&](Scalar image, std::span<const Scalar>) {
    return body.at(0, {image, {point.at[1]}}) * body.at(1, {image, {point.at[0]}});
  };
  if (call.in[0].batched || call.in[1].batched) return body.reduce_batch(Reduction::Sum, {}, element);
  return element(point.image, {});
}

std::vector<ValueId> build_dense(LayerContext& context) {
  const ValueId x = tensor_argument(context, "x");
  if (!require_float(context, x)) return {};
  const Dims dims = context.type(x).dims;
  if (dims.size() != 1) {
    Diagnostic& error = context.error(DiagnosticKind::ShapeMismatch, fmt::format("`{}` needs a vector, but its input is {}",
                                                                                 context.call_text(), shape_text(dims)));
    context.note_origin(error, x);
    error.help("put `flatten` before it");
    return {};
  }
  const Dims weight = {integer_argument(context, "units"), dims[0]};
  if (!require_size(context, weight)) return {};
  Initialiser initialiser = std::get<Initialiser>(context.argument("init"));
  initialiser.fan_in = weight[1];
  initialiser.fan_out = weight[0];
  std::vector<ValueId> operands = {x, context.weight("weight", weight, initialiser, "weight")};
  if (boolean_argument(context, "bias")) {
    const Initialiser start{.name = "uniform_fan_in", .fan_in = weight[1], .fan_out = weight[0]};
    operands.push_back(context.weight("bias", {weight[0]}, start, "bias"));
  }
  return context.add("dense", operands);
}

TensorType image(Dims dims) { return {ElementType::F32, true, std::move(dims)}; }
TensorType weight(Dims dims) { return {ElementType::F32, false, std::move(dims)}; }

}  // namespace

std::vector<OpDef> dense_ops() {
  return {
      Op<>{
          .name = "dense",
          .doc = "A matrix times each image's vector, and a bias.",
          .operands = {{"x", "[in]"}, {"weight", "[out, in]"}, {.name = "bias", .doc = "[out]", .optional = true}},
          .attributes = {},
          .infer = infer_dense,
          .gradient = gradient_dense,
          .define = define_dense,
          .multiply_adds = multiply_adds_dense,
          .samples = {{.operands = {image({7}), weight({3, 7}), weight({3})}},
                      {.operands = {image({4}), weight({5, 4})}},
                      {.operands = {weight({3}), weight({2, 3}), weight({2})}}},
      },
      Op<>{
          .name = "dense_grad_input",
          .doc = "The gradient of `dense` towards x.",
          .operands = {{"dy", "[out]"}, {"weight", "[out, in]"}},
          .attributes = {},
          .infer = infer_grad_input,
          .gradient = not_differentiable,
          .define = define_grad_input,
          .multiply_adds = multiply_adds_dense,
          .samples = {{.operands = {image({3}), weight({3, 7})}}},
      },
      Op<>{
          .name = "dense_grad_weight",
          .doc = "The gradient of `dense` towards the weight, summed over the images.",
          .operands = {{"x", "[in]"}, {"dy", "[out]"}},
          .attributes = {},
          .infer = infer_grad_weight,
          .gradient = not_differentiable,
          .define = define_grad_weight,
          .multiply_adds = multiply_adds_grad_weight,
          .samples = {{.operands = {image({7}), image({3})}}, {.operands = {weight({2}), weight({3})}}},
      },
  };
}

std::vector<LayerDef> dense_layers() {
  return {{
      .name = "dense",
      .doc = "A fully connected layer: each of its outputs is a weighted sum of all inputs, plus a bias. It takes vectors, so "
             "`flatten` stands between it and feature maps. Weights: `weight` [units, inputs] and `bias` [units].",
      .arguments = {{.name = "x", .kind = ArgumentKind::Tensor, .doc = "a vector"},
                    {.name = "units", .kind = ArgumentKind::Integer, .doc = "the number of outputs", .minimum = 1, .maximum = 1 << 30},
                    {.name = "bias", .kind = ArgumentKind::Boolean, .doc = "adds a learned number to each output",
                     .default_text = "true"},
                    {.name = "init", .kind = ArgumentKind::Initialiser, .doc = "how the weights start",
                     .default_text = "uniform_fan_in"}},
      .build = build_dense,
      .example = "x -> flatten -> dense(10)",
  }};
}

}  // namespace cnnc
