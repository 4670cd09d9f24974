// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Average pooling and its adjoint. The divisor counts the window's pixels: with the padding if `count_pad` (but never what
// `ceil` lets reach beyond it), else those of the image alone. Layers: avgpool, global_avgpool.
#include <fmt/format.h>

#include <array>

#include "autodiff/gradient_builder.h"
#include "ops/layer_arguments.h"
#include "ops/shape_rules.h"

namespace cnnc {
namespace {

struct PoolAttributes {
  Dims kernel = {2, 2}, stride = {2, 2}, pad = {0, 0, 0, 0};
  bool ceil = false, count_pad = true;
  int64_t height = 1, width = 1;      // avgpool_grad: the size of x
};

Window window_of(const PoolAttributes& a) { return {.kernel = a.kernel, .stride = a.stride, .pad = a.pad, .ceil = a.ceil}; }

AttributeMap shared_map(const PoolAttributes& a) {
  return {{"kernel", a.kernel}, {"stride", a.stride}, {"pad", a.pad}, {"ceil", a.ceil}, {"count_pad", a.count_pad}};
}

std::vector<AttributeField<PoolAttributes>> shared_attributes() {
  return {attribute("kernel", &PoolAttributes::kernel, "size of the window: [height, width]"),
          attribute("stride", &PoolAttributes::stride, "step of the window: [vertical, horizontal]"),
          attribute("pad", &PoolAttributes::pad, "zeros around the image: [top, left, bottom, right]"),
          attribute("ceil", &PoolAttributes::ceil, "also a last window that reaches over the end"),
          attribute("count_pad", &PoolAttributes::count_pad, "the divisor counts the padding")};
}

std::variant<Dims, std::string> forward_dims(const PoolAttributes& a, const Dims& x) {
  const Window window = window_of(a);
  if (auto complaint = check_window(window)) return *complaint;
  if (auto complaint = check_pool_padding(window)) return *complaint;
  return window_dims(window, x);
}

/// How many pixels window `i` counts along one axis (0: vertical), on an extent of x.
Scalar counted(const PoolAttributes& a, Body& body, Scalar i, size_t axis, int64_t extent) {
  const int64_t before = a.pad[axis], after = a.pad[axis + 2], kernel = a.kernel[axis];
  const Window window = window_of(a);
  const int64_t outputs = window_outputs(window, static_cast<int>(axis), extent);
  const bool reaches_over = (outputs - 1) * a.stride[axis] + kernel > extent + before + after;
  if (a.count_pad && !reaches_over) return body.integer(kernel);
  const int64_t low = a.count_pad ? -before : 0, high = a.count_pad ? extent + after : extent;
  const Scalar begin = i * a.stride[axis] - before;
  const Scalar first = body.apply(ScalarOp::Maximum, std::array{begin, body.integer(low)});
  const Scalar last = body.apply(ScalarOp::Minimum, std::array{begin + kernel, body.integer(high)});
  return last - first;
}

/// The number by which window (i, j) is divided.
Scalar divisor(const PoolAttributes& a, Body& body, Scalar i, Scalar j, int64_t height, int64_t width) {
  return body.to_number(counted(a, body, i, 0, height) * counted(a, body, j, 1, width));
}

InferResult infer_avgpool(const OpCall<PoolAttributes>& call) {
  if (auto complaint = check_count(call.in, 1, 1)) return *complaint;
  if (auto complaint = check_same_float(call.in)) return *complaint;
  const auto y = forward_dims(call.attributes, call.in[0].dims);
  if (const auto* message = std::get_if<std::string>(&y)) return *message;
  return one_result({call.in[0].element, call.in[0].batched, std::get<Dims>(y)});
}

void gradient_avgpool(const OpCall<PoolAttributes>& call, GradientBuilder& g) {
  if (!g.needed(0)) return;
  AttributeMap attributes = shared_map(call.attributes);
  attributes["height"] = call.in[0].dims[1];
  attributes["width"] = call.in[0].dims[2];
  g.add_to(0, g.build().add("avgpool_grad", {g.dy()}, attributes));
}

Scalar define_avgpool(const OpCall<PoolAttributes>& call, Body& body, int, const Point& point) {
  const PoolAttributes& a = call.attributes;
  const Dims& x = call.in[0].dims;
  const bool inside = lies_inside(window_of(a), x);
  const Scalar sum = body.reduce(Reduction::Sum, a.kernel, [&](std::span<const Scalar> r) {
    const Point from{point.image,
                     {point.at[0], point.at[1] * a.stride[0] + r[0] - a.pad[0], point.at[2] * a.stride[1] + r[1] - a.pad[1]}};
    return inside ? body.at(0, from) : body.at_or(0, from, 0);
  });
  return sum / divisor(a, body, point.at[1], point.at[2], x[1], x[2]);
}

InferResult infer_avgpool_grad(const OpCall<PoolAttributes>& call) {
  const PoolAttributes& a = call.attributes;
  if (auto complaint = check_count(call.in, 1, 1)) return *complaint;
  if (auto complaint = check_same_float(call.in)) return *complaint;
  const Dims& dy = call.in[0].dims;
  if (dy.size() != 3) return "needs an operand [channels, height, width], but has " + to_string(dy);
  const Dims x = {dy[0], a.height, a.width};
  if (auto complaint = check_dims(x)) return *complaint;
  const auto y = forward_dims(a, x);
  if (const auto* message = std::get_if<std::string>(&y)) return *message;
  if (std::get<Dims>(y) != dy) return fmt::format("y would be {}, but dy is {}", to_string(std::get<Dims>(y)), to_string(dy));
  return one_result({call.in[0].element, call.in[0].batched, x});
}

/// Gathers the shares of all windows over the place.
Scalar define_avgpool_grad(const OpCall<PoolAttributes>& call, Body& body, int, const Point& point) {
  const PoolAttributes& a = call.attributes;
  return body.reduce(Reduction::Sum, a.kernel, [&](std::span<const Scalar> r) {
    const Scalar y = point.at[1] + a.pad[0] - r[0], x = point.at[2] + a.pad[1] - r[1];
    const Scalar i = y / a.stride[0], j = x / a.stride[1];
    const Dims& outputs = call.in[0].dims;
    // Windows that do not exist have no share, whatever their divisor would be.
    const Scalar zero = body.integer(0);
    Scalar exists = both(both(less_equal(zero, i), less(i, body.integer(outputs[1]))),
                         both(less_equal(zero, j), less(j, body.integer(outputs[2]))));
    if (a.stride[0] > 1) exists = both(exists, equal(y % a.stride[0], zero));
    if (a.stride[1] > 1) exists = both(exists, equal(x % a.stride[1], zero));
    const Scalar share = body.at_or(0, {point.image, {point.at[0], i, j}}, 0) / divisor(a, body, i, j, a.height, a.width);
    return select(exists, share, body.number(0));
  });
}

// ---- layers

std::vector<ValueId> build_avgpool(LayerContext& context) {
  const ValueId x = tensor_argument(context, "x");
  if (!require_feature_map(context, x)) return {};
  const auto window = pool_window(context, x);
  if (!window) return {};
  return context.add("avgpool", {x}, {{"kernel", window->kernel}, {"stride", window->stride}, {"pad", window->pad},
                                      {"ceil", window->ceil}, {"count_pad", boolean_argument(context, "count_pad")}});
}

std::vector<ValueId> build_global_avgpool(LayerContext& context) {
  const ValueId x = tensor_argument(context, "x");
  if (!require_feature_map(context, x)) return {};
  const Dims dims = context.type(x).dims;
  const ValueId sum = context.add("reduce", {x}, {{"op", std::string("sum")}, {"axes", Dims{1, 2}}}).at(0);
  const double share = 1.0 / static_cast<double>(dims[1] * dims[2]);
  return {add_map(context, ScalarExpression::argument(0) * ScalarExpression::constant(share), {sum})};
}

// ---- samples

TensorType image(Dims dims) { return {ElementType::F32, true, std::move(dims)}; }

/// Overlapping windows, gaps, padding counted and not, a last window that reaches over the end.
std::vector<PoolAttributes> cases() {
  return {{.height = 6, .width = 6},
          {.kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}, .height = 7, .width = 6},
          {.kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}, .count_pad = false, .height = 7, .width = 6},
          {.kernel = {3, 2}, .stride = {2, 3}, .pad = {1, 0, 0, 1}, .ceil = true, .height = 6, .width = 8},
          {.kernel = {3, 2}, .stride = {2, 3}, .pad = {1, 0, 0, 1}, .ceil = true, .count_pad = false, .height = 6, .width = 8},
          {.kernel = {2, 2}, .stride = {3, 1}, .height = 8, .width = 4}};
}

std::vector<Sample> samples(bool gradient) {
  std::vector<Sample> result;
  for (const PoolAttributes& a : cases()) {
    Sample sample{.operands = {image({2, a.height, a.width})}, .attributes = shared_map(a)};
    if (gradient) {
      sample.operands = {image(std::get<Dims>(forward_dims(a, {2, a.height, a.width})))};
      sample.attributes["height"] = a.height;
      sample.attributes["width"] = a.width;
    }
    result.push_back(std::move(sample));
  }
  return result;
}

}  // namespace

std::vector<OpDef> avgpool_ops() {
  auto gradient_attributes = shared_attributes();
  gradient_attributes.push_back(attribute("height", &PoolAttributes::height, "rows of x"));
  gradient_attributes.push_back(attribute("width", &PoolAttributes::width, "columns of x"));
  return {
      Op<PoolAttributes>{
          .name = "avgpool",
          .doc = "The mean of each window.",
          .operands = {{"x", "[channels, height, width]"}},
          .attributes = shared_attributes(),
          .infer = infer_avgpool,
          .gradient = gradient_avgpool,
          .define = define_avgpool,
          .samples = samples(false),
      },
      Op<PoolAttributes>{
          .name = "avgpool_grad",
          .doc = "The gradient of `avgpool` towards x.",
          .operands = {{"dy", "the gradient of the result"}},
          .attributes = gradient_attributes,
          .infer = infer_avgpool_grad,
          .gradient = not_differentiable,
          .define = define_avgpool_grad,
          .samples = samples(true),
      },
  };
}

std::vector<LayerDef> avgpool_layers() {
  auto arguments = pool_arguments("zeros around the image, at most half the kernel: `valid`, `same` or numbers");
  arguments.push_back({.name = "count_pad", .kind = ArgumentKind::Boolean,
                       .doc = "the mean counts the padding's zeros; `false`: the image's pixels only", .default_text = "true"});
  return {
      {.name = "avgpool",
       .doc = "The mean of each window. By default zeros of the padding count as pixels, as in PyTorch; what `ceil` lets reach beyond "
              "the padding never does.",
       .arguments = arguments,
       .build = build_avgpool,
       .example = "x -> avgpool(2)"},
      {.name = "global_avgpool",
       .doc = "The mean of each channel over all its pixels: [channels, 1, 1]. It makes a network independent of the picture's size; "
              "`flatten` and `dense` usually follow.",
       .arguments = {{.name = "x", .kind = ArgumentKind::Tensor, .doc = "a feature map [channels, height, width]"}},
       .build = build_global_avgpool,
       .example = "x -> global_avgpool -> flatten -> dense(10)"},
  };
}

}  // namespace cnnc
