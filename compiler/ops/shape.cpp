// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Ops that only move elements' places: `reshape` (same elements, other dimensions) and `broadcast` (repeats along axes of
// extent 1, new outer axes, and the batch). Layers: flatten, reshape, identity.
#include <fmt/format.h>

#include "autodiff/gradient_builder.h"
#include "ops/layer_arguments.h"
#include "ops/shape_rules.h"

namespace cnnc {
namespace {

// ---- reshape

struct ReshapeAttributes {
  Dims dims;
};

InferResult infer_reshape(const OpCall<ReshapeAttributes>& call) {
  if (auto complaint = check_count(call.in, 1, 1)) return *complaint;
  const Dims& dims = call.attributes.dims;
  if (auto complaint = check_dims(dims)) return *complaint;
  if (element_count(dims) != element_count(call.in[0].dims))
    return fmt::format("{} has {} elements, but {} has {}", to_string(dims), element_count(dims), to_string(call.in[0]),
                       element_count(call.in[0].dims));
  return one_result({call.in[0].element, call.in[0].batched, dims});
}

void gradient_reshape(const OpCall<ReshapeAttributes>& call, GradientBuilder& g) {
  if (g.needed(0)) g.add_to(0, g.build().reshape(g.dy(), call.in[0].dims));
}

Scalar define_reshape(const OpCall<ReshapeAttributes>& call, Body& body, int, const Point& point) {
  const Dims& dims = call.in[0].dims;
  Scalar rest = flatten_coordinates(body, point.at, call.attributes.dims);
  std::vector<Scalar> at(dims.size());
  for (size_t axis = dims.size(); axis-- > 0;) {
    at[axis] = axis == 0 ? rest : rest % dims[axis];
    if (axis > 0) rest = rest / dims[axis];
  }
  return body.at(0, {point.image, at});
}

// ---- broadcast

struct BroadcastAttributes {
  Dims dims;
  bool batched = false;
};

InferResult infer_broadcast(const OpCall<BroadcastAttributes>& call) {
  if (auto complaint = check_count(call.in, 1, 1)) return *complaint;
  const Dims& dims = call.attributes.dims;
  if (auto complaint = check_dims(dims)) return *complaint;
  if (broadcast(call.in[0].dims, dims) != dims)
    return fmt::format("{} does not repeat to {}", to_string(call.in[0].dims), to_string(dims));
  if (call.in[0].batched && !call.attributes.batched) return "a batched value cannot become one for all images";
  return one_result({call.in[0].element, call.attributes.batched, dims});
}

void gradient_broadcast(const OpCall<BroadcastAttributes>& call, GradientBuilder& g) {
  if (g.needed(0)) g.add_to(0, g.build().sum_to(g.dy(), call.in[0]));
}

Scalar define_broadcast(const OpCall<BroadcastAttributes>&, Body& body, int, const Point& point) { return body.at(0, point); }

// ---- layers

std::vector<ValueId> build_flatten(LayerContext& context) {
  const ValueId x = tensor_argument(context, "x");
  const Dims dims{element_count(context.type(x).dims)};
  if (!require_size(context, dims)) return {};
  return context.add("reshape", {x}, {{"dims", dims}});
}

std::vector<ValueId> build_reshape(LayerContext& context) {
  const ValueId x = tensor_argument(context, "x");
  const ConstantTable& table = std::get<ConstantTable>(context.argument("shape"));
  const Dims& from = context.type(x).dims;
  Dims dims;
  for (double extent : table.numbers) {
    if (!(extent >= 1 && extent < static_cast<double>(kMaximumElements)) || extent != static_cast<double>(static_cast<int64_t>(extent))) {
      context.error_at("shape", DiagnosticKind::ShapeMismatch, "a shape is made of positive whole numbers");
      return {};
    }
    dims.push_back(static_cast<int64_t>(extent));
  }
  if (!require_size(context, dims)) return {};
  if (element_count(dims) != element_count(from)) {
    Diagnostic& error = context.error(DiagnosticKind::ShapeMismatch,
                                      fmt::format("`{}` makes {} elements, but its input {} has {}", context.call_text(),
                                                  element_count(dims), shape_text(from), element_count(from)));
    context.note_origin(error, x);
    return {};
  }
  return context.add("reshape", {x}, {{"dims", dims}});
}

std::vector<ValueId> build_identity(LayerContext& context) { return {tensor_argument(context, "x")}; }

TensorType image(Dims dims) { return {ElementType::F32, true, std::move(dims)}; }
TensorType weight(Dims dims) { return {ElementType::F32, false, std::move(dims)}; }

}  // namespace

std::vector<OpDef> shape_ops() {
  return {
      Op<ReshapeAttributes>{
          .name = "reshape",
          .doc = "The same elements in row-major order under other dimensions.",
          .operands = {{"x", "any value"}},
          .attributes = {attribute("dims", &ReshapeAttributes::dims, "the new dimensions of one image")},
          .infer = infer_reshape,
          .gradient = gradient_reshape,
          .define = define_reshape,
          .samples = {{.operands = {image({2, 3, 4})}, .attributes = {{"dims", Dims{24}}}},
                      {.operands = {image({12})}, .attributes = {{"dims", Dims{3, 2, 2}}}},
                      {.operands = {weight({2, 6})}, .attributes = {{"dims", Dims{3, 4}}}},
                      {.operands = {image({1, 1})}, .attributes = {{"dims", Dims{}}}}},
      },
      Op<BroadcastAttributes>{
          .name = "broadcast",
          .doc = "Repeats a value along axes of extent 1, along new outer axes, and for each image.",
          .operands = {{"x", "the value to repeat"}},
          .attributes = {attribute("dims", &BroadcastAttributes::dims, "the dimensions of the result"),
                         attribute("batched", &BroadcastAttributes::batched, "whether the result is one for each image")},
          .infer = infer_broadcast,
          .gradient = gradient_broadcast,
          .define = define_broadcast,
          .samples = {{.operands = {weight({3, 1, 1})}, .attributes = {{"dims", Dims{3, 2, 4}}, {"batched", true}}},
                      {.operands = {image({1, 4})}, .attributes = {{"dims", Dims{2, 3, 4}}, {"batched", true}}},
                      {.operands = {weight({})}, .attributes = {{"dims", Dims{2, 2}}}}},
      },
  };
}

std::vector<LayerDef> shape_layers() {
  return {
      {.name = "flatten",
       .doc = "All elements of an image as one vector, channel by channel and row by row. It stands between the feature maps and "
              "the first `dense` layer.",
       .arguments = {{.name = "x", .kind = ArgumentKind::Tensor, .doc = "any value"}},
       .build = build_flatten,
       .example = "x -> flatten -> dense(10)"},
      {.name = "identity",
       .doc = "Its input, unchanged. Useful where a layer is asked for and nothing shall be done.",
       .arguments = {{.name = "x", .kind = ArgumentKind::Tensor, .doc = "any value"}},
       .build = build_identity,
       .example = "x -> identity"},
      {.name = "reshape",
       .doc = "The same elements, in the same order, under other dimensions. The number of elements must stay the same.",
       .arguments = {{.name = "x", .kind = ArgumentKind::Tensor, .doc = "any value"},
                     {.name = "shape", .kind = ArgumentKind::Table, .doc = "the new dimensions of one image, without the batch"}},
       .build = build_reshape,
       .example = "x -> reshape([64, 7, 7])"},
  };
}

}  // namespace cnnc
