// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolution and its two adjoints. As in every framework it is a cross-correlation, y[o, i, j] = sum over the group's
// channels a and the taps u, v of weight[o, a, u, v] * x[a, i·stride + u·dilation - pad, …]; `flip` turns the taps around,
// which makes it the textbook's convolution. Weights are OIHW, the inner I being channels / groups.
#include <fmt/format.h>

#include "autodiff/gradient_builder.h"
#include "ops/layer_arguments.h"
#include "ops/shape_rules.h"

namespace cnnc {
namespace {

// ---- what the three ops share

struct ConvAttributes {
  Dims stride = {1, 1}, pad = {0, 0, 0, 0}, dilation = {1, 1};
  int64_t groups = 1;
  bool flip = false;
  int64_t height = 1, width = 1;      // conv_grad_input: the size of x
  Dims kernel = {1, 1};               // conv_grad_weight: the size of a filter
};

std::vector<AttributeField<ConvAttributes>> shared_attributes() {
  return {attribute("stride", &ConvAttributes::stride, "step of the window: [vertical, horizontal]"),
          attribute("pad", &ConvAttributes::pad, "zeros around the image: [top, left, bottom, right]"),
          attribute("dilation", &ConvAttributes::dilation, "distance of neighbouring taps: [vertical, horizontal]"),
          attribute("groups", &ConvAttributes::groups, "channels and filters are cut into so many groups, which do not mix"),
          attribute("flip", &ConvAttributes::flip, "turns the taps around, in both directions")};
}

AttributeMap shared_map(const ConvAttributes& a) {
  return {{"stride", a.stride}, {"pad", a.pad}, {"dilation", a.dilation}, {"groups", a.groups}, {"flip", a.flip}};
}

Window window_of(const ConvAttributes& a, const Dims& kernel) {
  return {.kernel = kernel, .stride = a.stride, .pad = a.pad, .dilation = a.dilation};
}

/// The dimensions of y for those of x and the weight, or what is wrong.
std::variant<Dims, std::string> forward_dims(const ConvAttributes& a, const Dims& x, const Dims& weight) {
  if (x.size() != 3) return "needs an operand [channels, height, width], but has " + to_string(x);
  if (weight.size() != 4) return "needs a weight [filters, channels / groups, height, width], but has " + to_string(weight);
  if (auto complaint = check_dims(weight)) return *complaint;
  const Window window = window_of(a, {weight[2], weight[3]});
  if (auto complaint = check_window(window)) return *complaint;
  if (a.groups < 1 || x[0] % a.groups != 0 || weight[0] % a.groups != 0 || weight[1] != x[0] / a.groups)
    return fmt::format("{} channels in {} groups do not fit the weight {}", x[0], a.groups, to_string(weight));
  auto result = window_dims(window, x);
  if (auto* dims = std::get_if<Dims>(&result)) {
    (*dims)[0] = weight[0];
    if (auto complaint = check_dims(*dims)) return *complaint;
  }
  return result;
}

/// The index of tap u of k, turned around if `flip`.
Scalar tap(const ConvAttributes& a, Body& body, Scalar u, int64_t k) { return a.flip ? body.integer(k - 1) - u : u; }

/// The first of a group's channels, for a filter; constant where there is one group.
Scalar group_start(const ConvAttributes& a, Body& body, Scalar filter, int64_t filters_per_group, int64_t channels_per_group) {
  return a.groups == 1 ? body.integer(0) : filter / filters_per_group * channels_per_group;
}

/// The coordinate of x that tap u of output i reads.
Scalar source(const ConvAttributes& a, Scalar i, Scalar u, size_t axis) {
  return i * a.stride[axis] + u * a.dilation[axis] - a.pad[axis];
}

// ---- conv

InferResult infer_conv(const OpCall<ConvAttributes>& call) {
  if (auto complaint = check_count(call.in, 2, 3)) return *complaint;
  if (auto complaint = check_same_float(call.in)) return *complaint;
  if (call.in[1].batched) return "the weight must be one for all images";
  const auto result = forward_dims(call.attributes, call.in[0].dims, call.in[1].dims);
  if (const auto* message = std::get_if<std::string>(&result)) return *message;
  if (has_type(call.in, 2) && (call.in[2].batched || call.in[2].dims != Dims{call.in[1].dims[0]}))
    return fmt::format("needs a bias [{}], but has {}", call.in[1].dims[0], to_string(call.in[2]));
  return one_result({call.in[0].element, call.in[0].batched, std::get<Dims>(result)});
}

void gradient_conv(const OpCall<ConvAttributes>& call, GradientBuilder& g) {
  const Dims& x = call.in[0].dims;
  const Dims& weight = call.in[1].dims;
  if (g.needed(0)) {
    AttributeMap attributes = shared_map(call.attributes);
    attributes["height"] = x[1];
    attributes["width"] = x[2];
    g.add_to(0, g.build().add("conv_grad_input", {g.dy(), g.operand(1)}, attributes));
  }
  if (g.needed(1)) {
    AttributeMap attributes = shared_map(call.attributes);
    attributes["kernel"] = Dims{weight[2], weight[3]};
    g.add_to(1, g.build().add("conv_grad_weight", {g.operand(0), g.dy()}, attributes));
  }
  if (has_type(call.in, 2) && g.needed(2)) {
    const ValueId sum = g.build().sum(g.dy(), {1, 2}, call.in[0].batched);
    g.add_to(2, g.build().reshape(sum, call.in[2].dims));
  }
}

Scalar define_conv(const OpCall<ConvAttributes>& call, Body& body, int, const Point& point) {
  const ConvAttributes& a = call.attributes;
  const Dims& weight = call.in[1].dims;
  const Scalar first = group_start(a, body, point.at[0], weight[0] / a.groups, weight[1]);
  const Scalar sum = body.reduce(Reduction::Sum, {weight[1], weight[2], weight[3]}, [&](std::span<const Scalar> r) {
    const Point from{point.image, {first + r[0], source(a, point.at[1], r[1], 0), source(a, point.at[2], r[2], 1)}};
    const Point at{point.image, {point.at[0], r[0], tap(a, body, r[1], weight[2]), tap(a, body, r[2], weight[3])}};
    return body.at_or(0, from, 0) * body.at(1, at);
  });
  return body.has_operand(2) ? sum + body.at(2, {point.image, {point.at[0]}}) : sum;
}

double multiply_adds_conv(const OpCall<ConvAttributes>& call) {
  const auto result = forward_dims(call.attributes, call.in[0].dims, call.in[1].dims);
  const Dims& weight = call.in[1].dims;
  return static_cast<double>(element_count(std::get<Dims>(result))) * static_cast<double>(weight[1] * weight[2] * weight[3]);
}

/// Both gradients do the forward pass's work, counted from dy.
double multiply_adds_grad_input(const OpCall<ConvAttributes>& call) {
  const Dims& weight = call.in[1].dims;
  return static_cast<double>(element_count(call.in[0].dims)) * static_cast<double>(weight[1] * weight[2] * weight[3]);
}

double multiply_adds_grad_weight(const OpCall<ConvAttributes>& call) {
  const ConvAttributes& a = call.attributes;
  const int64_t taps = call.in[0].dims[0] / a.groups * a.kernel[0] * a.kernel[1];
  return static_cast<double>(element_count(call.in[1].dims)) * static_cast<double>(taps);
}

// ---- conv_grad_input

InferResult infer_grad_input(const OpCall<ConvAttributes>& call) {
  const ConvAttributes& a = call.attributes;
  if (auto complaint = check_count(call.in, 2, 2)) return *complaint;
  if (auto complaint = check_same_float(call.in)) return *complaint;
  const Dims& weight = call.in[1].dims;
  if (weight.size() != 4 || call.in[1].batched) return "needs a weight of four dimensions, but has " + to_string(call.in[1]);
  if (a.groups < 1 || a.groups >= kMaximumElements / weight[1]) return "`groups` must be positive";
  const Dims x = {weight[1] * a.groups, a.height, a.width};
  if (auto complaint = check_dims(x)) return *complaint;
  const auto y = forward_dims(a, x, weight);
  if (const auto* message = std::get_if<std::string>(&y)) return *message;
  if (std::get<Dims>(y) != call.in[0].dims)
    return fmt::format("x would be {} and y {}, but dy is {}", to_string(x), to_string(std::get<Dims>(y)), to_string(call.in[0].dims));
  return one_result({call.in[0].element, call.in[0].batched, x});
}

/// Gathers: tap u of output i reads place p = i·stride + u·dilation - pad, so i = (p + pad - u·dilation) / stride where that
/// is whole.
Scalar define_grad_input(const OpCall<ConvAttributes>& call, Body& body, int, const Point& point) {
  const ConvAttributes& a = call.attributes;
  const Dims& weight = call.in[1].dims;
  const int64_t filters = weight[0] / a.groups, channels = weight[1];
  const Scalar first = group_start(a, body, point.at[0], channels, filters);
  const Scalar channel = a.groups == 1 ? point.at[0] : point.at[0] % channels;
  return body.reduce(Reduction::Sum, {filters, weight[2], weight[3]}, [&](std::span<const Scalar> r) {
    const Scalar y = point.at[1] + a.pad[0] - r[1] * a.dilation[0];
    const Scalar x = point.at[2] + a.pad[1] - r[2] * a.dilation[1];
    const Scalar filter = first + r[0];
    const Scalar product = body.at_or(0, {point.image, {filter, y / a.stride[0], x / a.stride[1]}}, 0) *
                           body.at(1, {point.image, {filter, channel, tap(a, body, r[1], weight[2]), tap(a, body, r[2], weight[3])}});
    if (a.stride == Dims{1, 1}) return product;
    const Scalar zero = body.integer(0);
    return select(both(equal(y % a.stride[0], zero), equal(x % a.stride[1], zero)), product, body.number(0));
  });
}

// ---- conv_grad_weight

InferResult infer_grad_weight(const OpCall<ConvAttributes>& call) {
  const ConvAttributes& a = call.attributes;
  if (auto complaint = check_count(call.in, 2, 2)) return *complaint;
  if (auto complaint = check_same_float(call.in)) return *complaint;
  const Dims& x = call.in[0].dims;
  const Dims& dy = call.in[1].dims;
  if (x.size() != 3 || dy.size() != 3) return "needs operands of three dimensions";
  if (a.kernel.size() != 2) return "`kernel` needs two positive numbers";
  if (a.groups < 1) return "`groups` must be positive";
  const Dims weight = {dy[0], x[0] / a.groups, a.kernel[0], a.kernel[1]};
  const auto y = forward_dims(a, x, weight);
  if (const auto* message = std::get_if<std::string>(&y)) return *message;
  if (std::get<Dims>(y) != dy) return fmt::format("y would be {}, but dy is {}", to_string(std::get<Dims>(y)), to_string(dy));
  return one_result({call.in[0].element, false, weight});
}

Scalar define_grad_weight(const OpCall<ConvAttributes>& call, Body& body, int, const Point& point) {
  const ConvAttributes& a = call.attributes;
  const Dims& x = call.in[0].dims;
  const Dims& dy = call.in[1].dims;
  const Scalar channel = group_start(a, body, point.at[0], dy[0] / a.groups, x[0] / a.groups) + point.at[1];
  const Scalar u = tap(a, body, point.at[2], a.kernel[0]), v = tap(a, body, point.at[3], a.kernel[1]);
  const auto element = [&](Scalar image, std::span<const Scalar> r) {
    const Point from{image, {channel, source(a, r[0], u, 0), source(a, r[1], v, 1)}};
    return body.at_or(0, from, 0) * body.at(1, {image, {point.at[0], r[0], r[1]}});
  };
  if (call.in[0].batched || call.in[1].batched) return body.reduce_batch(Reduction::Sum, {dy[1], dy[2]}, element);
  return body.reduce(Reduction::Sum, {dy[1], dy[2]}, [&](std::span<const Scalar> r) { return element(point.image, r); });
}

// ---- the layer

/// Groups must divide channels and filters.
bool require_groups(LayerContext& context, ValueId x, int64_t filters, int64_t groups) {
  const int64_t channels = context.type(x).dims[0];
  if (channels % groups == 0 && filters % groups == 0) return true;
  Diagnostic& error =
      context.error_at("groups", DiagnosticKind::ShapeMismatch,
                       fmt::format("`{}` has {} input channels, {} filters and {} groups: the groups must divide both",
                                   context.call_text(), channels, filters, groups));
  context.note_origin(error, x);
  return false;
}

std::vector<ValueId> build_conv(LayerContext& context) {
  const ValueId x = tensor_argument(context, "x");
  if (!require_feature_map(context, x)) return {};
  const Dims image = context.type(x).dims;
  const int64_t filters = integer_argument(context, "filters"), groups = integer_argument(context, "groups");
  Window window{.kernel = size_argument(context, "kernel"),
                .stride = size_argument(context, "stride"),
                .pad = {0, 0, 0, 0},
                .dilation = size_argument(context, "dilation")};
  window.pad = padding_argument(context, window, image);
  if (!require_groups(context, x, filters, groups)) return {};
  auto outputs = require_window(context, x, window);
  if (!outputs) return {};
  (*outputs)[0] = filters;
  const Dims weight = {filters, image[0] / groups, window.kernel[0], window.kernel[1]};
  if (!require_size(context, *outputs) || !require_size(context, weight)) return {};

  Initialiser initialiser = std::get<Initialiser>(context.argument("init"));
  initialiser.fan_in = weight[1] * weight[2] * weight[3];
  initialiser.fan_out = filters * weight[2] * weight[3];
  std::vector<ValueId> operands = {x, context.weight("weight", weight, initialiser, "weight")};
  if (boolean_argument(context, "bias")) {
    const Initialiser start{.name = "uniform_fan_in", .fan_in = initialiser.fan_in, .fan_out = initialiser.fan_out};
    operands.push_back(context.weight("bias", {filters}, start, "bias"));
  }
  return context.add("conv", operands,
                     {{"stride", window.stride}, {"pad", window.pad}, {"dilation", window.dilation}, {"groups", groups},
                      {"flip", boolean_argument(context, "flip")}});
}

// ---- samples

struct Case {
  Dims x;
  int64_t filters, groups;
  Dims kernel, stride, pad, dilation;
  bool flip = false;
};

/// Padding, stride, dilation, groups, flip, and sizes that leave a remainder of rows unread.
std::vector<Case> cases() {
  return {{.x = {2, 5, 6}, .filters = 3, .groups = 1, .kernel = {3, 3}, .stride = {1, 1}, .pad = {0, 0, 0, 0}, .dilation = {1, 1}},
          {.x = {3, 6, 5}, .filters = 2, .groups = 1, .kernel = {3, 2}, .stride = {2, 1}, .pad = {1, 0, 1, 2}, .dilation = {1, 1}},
          {.x = {4, 7, 7}, .filters = 6, .groups = 2, .kernel = {3, 3}, .stride = {2, 3}, .pad = {1, 1, 1, 1}, .dilation = {1, 1}},
          {.x = {3, 7, 8}, .filters = 3, .groups = 3, .kernel = {2, 3}, .stride = {1, 2}, .pad = {2, 2, 0, 1}, .dilation = {2, 2}},
          {.x = {2, 4, 4}, .filters = 5, .groups = 1, .kernel = {1, 1}, .stride = {2, 2}, .pad = {0, 0, 0, 0}, .dilation = {1, 1}},
          {.x = {2, 5, 5}, .filters = 2, .groups = 1, .kernel = {3, 2}, .stride = {1, 1}, .pad = {1, 1, 1, 0}, .dilation = {1, 1},
           .flip = true}};
}

enum class Variant { Forward, GradInput, GradWeight };

std::vector<Sample> samples(Variant variant) {
  std::vector<Sample> result;
  for (const Case& c : cases()) {
    const ConvAttributes a{.stride = c.stride, .pad = c.pad, .dilation = c.dilation, .groups = c.groups, .flip = c.flip};
    const TensorType x{ElementType::F32, true, c.x};
    const TensorType weight{ElementType::F32, false, {c.filters, c.x[0] / c.groups, c.kernel[0], c.kernel[1]}};
    const TensorType bias{ElementType::F32, false, {c.filters}};
    const TensorType y{ElementType::F32, true, std::get<Dims>(forward_dims(a, c.x, weight.dims))};
    Sample sample{.operands = {}, .attributes = shared_map(a)};
    switch (variant) {
      case Variant::Forward:
        sample.operands = {x, weight};
        if (result.size() % 2 == 0) sample.operands.push_back(bias);
        break;
      case Variant::GradInput:
        sample.operands = {y, weight};
        sample.attributes["height"] = c.x[1];
        sample.attributes["width"] = c.x[2];
        break;
      case Variant::GradWeight:
        sample.operands = {x, y};
        sample.attributes["kernel"] = c.kernel;
        break;
    }
    result.push_back(std::move(sample));
  }
  return result;
}

}  // namespace

std::vector<OpDef> conv_ops() {
  auto input_attributes = shared_attributes(), weight_attributes = shared_attributes();
  input_attributes.push_back(attribute("height", &ConvAttributes::height, "rows of x"));
  input_attributes.push_back(attribute("width", &ConvAttributes::width, "columns of x"));
  weight_attributes.push_back(attribute("kernel", &ConvAttributes::kernel, "size of a filter: [height, width]"));
  return {
      Op<ConvAttributes>{
          .name = "conv",
          .doc = "Convolution (cross-correlation) of a feature map with filters, and a bias for each filter.",
          .operands = {{"x", "[channels, height, width]"},
                       {"weight", "[filters, channels / groups, kernel height, kernel width]"},
                       {.name = "bias", .doc = "[filters]", .optional = true}},
          .attributes = shared_attributes(),
          .infer = infer_conv,
          .gradient = gradient_conv,
          .define = define_conv,
          .multiply_adds = multiply_adds_conv,
          .samples = samples(Variant::Forward),
      },
      Op<ConvAttributes>{
          .name = "conv_grad_input",
          .doc = "The gradient of `conv` towards x.",
          .operands = {{"dy", "the gradient of the result"}, {"weight", "as in `conv`"}},
          .attributes = input_attributes,
          .infer = infer_grad_input,
          .gradient = not_differentiable,
          .define = define_grad_input,
          .multiply_adds = multiply_adds_grad_input,
          .samples = samples(Variant::GradInput),
      },
      Op<ConvAttributes>{
          .name = "conv_grad_weight",
          .doc = "The gradient of `conv` towards the weight, summed over the images.",
          .operands = {{"x", "as in `conv`"}, {"dy", "the gradient of the result"}},
          .attributes = weight_attributes,
          .infer = infer_grad_weight,
          .gradient = not_differentiable,
          .define = define_grad_weight,
          .multiply_adds = multiply_adds_grad_weight,
          .samples = samples(Variant::GradWeight),
      },
  };
}

std::vector<LayerDef> conv_layers() {
  return {{
      .name = "conv",
      .doc = "Convolution: each filter slides over the feature map and gives one channel of the result, the weighted sum of the "
             "pixels below it. The result is floor((n + padding - dilation (kernel - 1) - 1) / stride) + 1 rows and columns.\n\n"
             "As in every framework this is the cross-correlation; `flip: true` turns the filters around, the convolution of the "
             "textbooks. `groups: channels(x)` gives a depthwise convolution. Weights: `weight` [filters, channels / groups, height, "
             "width] and `bias` [filters], which starts as in PyTorch.",
      .arguments = {{.name = "x", .kind = ArgumentKind::Tensor, .doc = "a feature map [channels, height, width]"},
                    {.name = "filters", .kind = ArgumentKind::Integer, .doc = "channels of the result", .minimum = 1, .maximum = 1 << 24},
                    {.name = "kernel", .kind = ArgumentKind::Size, .doc = "size of the filters", .minimum = 1, .maximum = 1 << 15},
                    {.name = "stride", .kind = ArgumentKind::Size, .doc = "step of the window", .default_text = "1", .minimum = 1,
                     .maximum = 1 << 15},
                    {.name = "pad", .kind = ArgumentKind::Padding, .doc = "zeros around the image: `valid`, `same` or numbers",
                     .default_text = "valid", .minimum = 0, .maximum = 1 << 15},
                    {.name = "dilation", .kind = ArgumentKind::Size, .doc = "distance of neighbouring taps", .default_text = "1",
                     .minimum = 1, .maximum = 1 << 15},
                    {.name = "groups", .kind = ArgumentKind::Integer, .doc = "groups of channels that do not mix; divides both the input's channels and `filters`",
                     .default_text = "1", .minimum = 1, .maximum = 1 << 24},
                    {.name = "bias", .kind = ArgumentKind::Boolean, .doc = "adds a learned number to each filter's result",
                     .default_text = "true"},
                    {.name = "flip", .kind = ArgumentKind::Boolean, .doc = "true convolution f(x) g(n - x) instead of correlation",
                     .default_text = "false"},
                    {.name = "init", .kind = ArgumentKind::Initialiser, .doc = "how the weights start",
                     .default_text = "uniform_fan_in"}},
      .build = build_conv,
      .example = "x -> conv(16, kernel: 3, pad: same)",
  }};
}

}  // namespace cnnc
