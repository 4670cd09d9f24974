// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Max pooling and its adjoint. The forward op also gives each window's winner (its place in the window, row-major), so that
// the gradient needs neither x nor y. Padding counts as minus infinity and never wins; of equal maxima the first wins; a
// NaN wins against all.
#include <fmt/format.h>

#include <array>
#include <limits>

#include "autodiff/gradient_builder.h"
#include "ops/layer_arguments.h"
#include "ops/shape_rules.h"

namespace cnnc {
namespace {

struct PoolAttributes {
  Dims kernel = {2, 2}, stride = {2, 2}, pad = {0, 0, 0, 0};
  bool ceil = false;
  int64_t height = 1, width = 1;      // maxpool_grad: the size of x
};

Window window_of(const PoolAttributes& a) { return {.kernel = a.kernel, .stride = a.stride, .pad = a.pad, .ceil = a.ceil}; }

AttributeMap shared_map(const PoolAttributes& a) {
  return {{"kernel", a.kernel}, {"stride", a.stride}, {"pad", a.pad}, {"ceil", a.ceil}};
}

std::vector<AttributeField<PoolAttributes>> shared_attributes() {
  return {attribute("kernel", &PoolAttributes::kernel, "size of the window: [height, width]"),
          attribute("stride", &PoolAttributes::stride, "step of the window: [vertical, horizontal]"),
          attribute("pad", &PoolAttributes::pad, "minus infinities around the image: [top, left, bottom, right]"),
          attribute("ceil", &PoolAttributes::ceil, "also a last window that reaches over the end")};
}

std::variant<Dims, std::string> forward_dims(const PoolAttributes& a, const Dims& x) {
  const Window window = window_of(a);
  if (auto complaint = check_window(window)) return *complaint;
  if (auto complaint = check_pool_padding(window)) return *complaint;
  return window_dims(window, x);
}

InferResult infer_maxpool(const OpCall<PoolAttributes>& call) {
  if (auto complaint = check_count(call.in, 1, 1)) return *complaint;
  if (auto complaint = check_same_float(call.in)) return *complaint;
  const auto y = forward_dims(call.attributes, call.in[0].dims);
  if (const auto* message = std::get_if<std::string>(&y)) return *message;
  const Dims& dims = std::get<Dims>(y);
  return std::vector<TensorType>{{call.in[0].element, call.in[0].batched, dims}, {ElementType::I32, call.in[0].batched, dims}};
}

void gradient_maxpool(const OpCall<PoolAttributes>& call, GradientBuilder& g) {
  if (!g.needed(0)) return;
  AttributeMap attributes = shared_map(call.attributes);
  attributes["height"] = call.in[0].dims[1];
  attributes["width"] = call.in[0].dims[2];
  g.add_to(0, g.build().add("maxpool_grad", {g.result(1), g.dy()}, attributes));
}

Scalar define_maxpool(const OpCall<PoolAttributes>& call, Body& body, int result, const Point& point) {
  const PoolAttributes& a = call.attributes;
  const Dims& x = call.in[0].dims;
  const bool inside = lies_inside(window_of(a), x);
  const auto place = [&](std::span<const Scalar> r) {
    return Point{point.image,
                 {point.at[0], point.at[1] * a.stride[0] + r[0] - a.pad[0], point.at[2] * a.stride[1] + r[1] - a.pad[1]}};
  };
  constexpr double kOutside = -std::numeric_limits<double>::infinity();
  const auto element = [&](const Point& at) { return inside ? body.at(0, at) : body.at_or(0, at, kOutside); };
  const Scalar maximum = body.reduce(Reduction::Maximum, a.kernel, [&](std::span<const Scalar> r) { return element(place(r)); });
  if (result == 0) return maximum;
  // The first place inside the image that holds the maximum, or that is NaN: only then is the maximum NaN, and equals nothing.
  return body.reduce(Reduction::Minimum, a.kernel, [&](std::span<const Scalar> r) {
    const Point at = place(r);
    const Scalar value = element(at);
    const Scalar zero = body.integer(0);
    Scalar wins = body.apply(ScalarOp::Or, std::array{equal(value, maximum), body.apply(ScalarOp::NotEqual, std::array{value, value})});
    for (size_t axis = 1; axis < 3 && !inside; ++axis)
      wins = both(wins, both(less_equal(zero, at.at[axis]), less(at.at[axis], body.integer(x[axis]))));
    return select(wins, r[0] * a.kernel[1] + r[1], body.integer(a.kernel[0] * a.kernel[1]));
  });
}

InferResult infer_maxpool_grad(const OpCall<PoolAttributes>& call) {
  const PoolAttributes& a = call.attributes;
  if (auto complaint = check_count(call.in, 2, 2)) return *complaint;
  if (call.in[0].element != ElementType::I32) return "needs the index of `maxpool`, but has " + to_string(call.in[0]);
  if (!is_float(call.in[1].element)) return "needs a gradient of floats, but has " + to_string(call.in[1]);
  const Dims& dy = call.in[1].dims;
  if (dy.size() != 3 || call.in[0].dims != dy) return "index and dy differ: " + to_string(dy) + " and " + to_string(call.in[0].dims);
  const Dims x = {dy[0], a.height, a.width};
  if (auto complaint = check_dims(x)) return *complaint;
  const auto y = forward_dims(a, x);
  if (const auto* message = std::get_if<std::string>(&y)) return *message;
  if (std::get<Dims>(y) != dy) return fmt::format("y would be {}, but dy is {}", to_string(std::get<Dims>(y)), to_string(dy));
  return one_result({call.in[1].element, call.in[0].batched || call.in[1].batched, x});
}

/// Gathers the gradient of all windows over the place whose winner it is.
Scalar define_maxpool_grad(const OpCall<PoolAttributes>& call, Body& body, int, const Point& point) {
  const PoolAttributes& a = call.attributes;
  return body.reduce(Reduction::Sum, a.kernel, [&](std::span<const Scalar> r) {
    const Scalar y = point.at[1] + a.pad[0] - r[0], x = point.at[2] + a.pad[1] - r[1];
    const Point window{point.image, {point.at[0], y / a.stride[0], x / a.stride[1]}};
    Scalar wins = equal(body.at_or(0, window, -1), r[0] * a.kernel[1] + r[1]);
    const Scalar zero = body.integer(0);
    if (a.stride[0] > 1) wins = both(wins, equal(y % a.stride[0], zero));
    if (a.stride[1] > 1) wins = both(wins, equal(x % a.stride[1], zero));
    return select(wins, body.at_or(1, window, 0), body.number(0));
  });
}

// ---- the layer

std::vector<ValueId> build_maxpool(LayerContext& context) {
  const ValueId x = tensor_argument(context, "x");
  if (!require_feature_map(context, x)) return {};
  const auto window = pool_window(context, x);
  if (!window) return {};
  const auto results = context.add("maxpool", {x}, {{"kernel", window->kernel}, {"stride", window->stride}, {"pad", window->pad},
                                                    {"ceil", window->ceil}});
  return {results.at(0)};
}

// ---- samples

TensorType image(Dims dims) { return {ElementType::F32, true, std::move(dims)}; }

/// Overlapping windows, gaps, padding on any side, a last window that reaches over the end.
std::vector<PoolAttributes> cases() {
  return {{.height = 6, .width = 6},
          {.kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}, .height = 7, .width = 6},
          {.kernel = {3, 2}, .stride = {1, 1}, .pad = {1, 0, 0, 1}, .height = 5, .width = 4},
          {.kernel = {2, 2}, .stride = {2, 2}, .ceil = true, .height = 5, .width = 7},
          {.kernel = {3, 3}, .stride = {2, 3}, .pad = {1, 1, 1, 1}, .ceil = true, .height = 6, .width = 8},
          {.kernel = {2, 2}, .stride = {3, 3}, .height = 8, .width = 6}};
}

std::vector<Sample> samples(bool gradient) {
  std::vector<Sample> result;
  for (const PoolAttributes& a : cases()) {
    const TensorType x = image({2, a.height, a.width});
    Sample sample{.operands = {x}, .attributes = shared_map(a)};
    if (gradient) {
      const TensorType dy = image(std::get<Dims>(forward_dims(a, x.dims)));
      sample.operands = {{ElementType::I32, true, dy.dims}, dy};
      sample.attributes["height"] = a.height;
      sample.attributes["width"] = a.width;
    }
    result.push_back(std::move(sample));
  }
  return result;
}

}  // namespace

std::vector<OpDef> maxpool_ops() {
  auto gradient_attributes = shared_attributes();
  gradient_attributes.push_back(attribute("height", &PoolAttributes::height, "rows of x"));
  gradient_attributes.push_back(attribute("width", &PoolAttributes::width, "columns of x"));
  return {
      Op<PoolAttributes>{
          .name = "maxpool",
          .doc = "The largest element of each window, and its place in the window (row-major).",
          .operands = {{"x", "[channels, height, width]"}},
          .attributes = shared_attributes(),
          .infer = infer_maxpool,
          .gradient = gradient_maxpool,
          .define = define_maxpool,
          .samples = samples(false),
      },
      Op<PoolAttributes>{
          .name = "maxpool_grad",
          .doc = "The gradient of `maxpool` towards x.",
          .operands = {{"index", "the second result of `maxpool`"}, {"dy", "the gradient of its first result"}},
          .attributes = gradient_attributes,
          .infer = infer_maxpool_grad,
          .gradient = not_differentiable,
          .define = define_maxpool_grad,
          .samples = samples(true),
      },
  };
}

std::vector<LayerDef> maxpool_layers() {
  return {{
      .name = "maxpool",
      .doc = "The largest value of each window. Padding never wins; of equal values the first takes the gradient; NaN shows up in the "
             "result.",
      .arguments = pool_arguments("a border that never wins, at most half the kernel: `valid`, `same` or numbers"),
      .build = build_maxpool,
      .example = "x -> maxpool(2)",
  }};
}

}  // namespace cnnc
