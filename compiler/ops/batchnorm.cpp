// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Batch normalisation of [channels] or [channels, height, width]. In training it normalises with the mean and the biased
// variance over all images and pixels, and the running statistics take a step towards the mean and the unbiased variance; in
// inference it uses the running statistics. A composite op with a gradient rule of its own, which goes through mean and
// variance; the rule writes the statistics again, and common subexpressions merge them with those of the forward pass.
#include <fmt/format.h>

#include "autodiff/gradient_builder.h"
#include "ops/formula.h"
#include "ops/layer_arguments.h"
#include "ops/shape_rules.h"

namespace cnnc {
namespace {

struct BatchnormAttributes {
  double momentum = 0.1, eps = 1e-5;
};

InferResult infer(const OpCall<BatchnormAttributes>& call) {
  if (auto complaint = check_count(call.in, 5, 5)) return *complaint;
  if (auto complaint = check_same_float(call.in)) return *complaint;
  const TensorType& x = call.in[0];
  if (x.dims.size() != 1 && x.dims.size() != 3) return "needs [channels] or [channels, height, width], but has " + to_string(x);
  const TensorType statistic{x.element, false, {x.dims[0]}};
  for (const TensorType& in : call.in.subspan(1))
    if (in != statistic) return fmt::format("needs {} for each channel, but has {}", to_string(statistic), to_string(in));
  return std::vector<TensorType>{x, statistic, statistic};
}

/// Writes the expansion, and the gradient, for one type of x.
class Expander {
 public:
  Expander(GraphBuilder& build, const OpCall<BatchnormAttributes>& call)
      : build_(&build), attributes_(call.attributes), x_type_(call.in[0]) {
    for (int64_t axis = 1; axis < static_cast<int64_t>(x_type_.dims.size()); ++axis) axes_.push_back(axis);
    spread_ = x_type_.dims;
    for (size_t axis = 1; axis < spread_.size(); ++axis) spread_[axis] = 1;
  }

  /// [channels] → [channels, 1, 1], to be broadcast over the pixels.
  ValueId spread(ValueId value) { return axes_.empty() ? value : build_->reshape(value, spread_); }
  /// Back to [channels].
  ValueId gather(ValueId value) { return axes_.empty() ? value : build_->reshape(value, {spread_[0]}); }
  /// The sum of each channel over images and pixels, spread.
  ValueId sum(ValueId value) { return build_->sum(value, axes_, x_type_.batched); }
  /// The same, over the pixels of each image first.
  ValueId sum_by_images(ValueId value) {
    return sums_by_images() ? build_->sum(build_->sum(value, axes_, false), {}, true) : sum(value);
  }
  /// A formula over the operands x0, x1, … and the op's attributes.
  ValueId map(std::string_view text, std::vector<ValueId> operands) {
    const Constants constants = {{"eps", attributes_.eps}, {"momentum", attributes_.momentum}, {"pixels", pixels()}};
    return build_->map(formula(text, operands.size(), constants), operands);
  }

  /// How many values a channel has: images times pixels.
  ValueId count() {
    if (!x_type_.batched) return build_->constant(pixels(), x_type_.element);
    const ValueId images = build_->add("images", {}, {{"element", std::string(element_name(x_type_.element))}});
    return pixels() == 1 ? images : map("x0 * pixels", {images});
  }

  struct Statistics {
    ValueId count, mean, variance, inverse;      // inverse = 1 / sqrt(variance + eps); all spread
  };
  /// Over the pixels of each image first, then over images: an image's pixels lie in caches where they are summed twice. The squares
  /// are those of distances from the image's own mean, and of its mean from that of all: Chan, Golub, LeVeque, "Updating formulae
  /// and a pairwise algorithm for computing sample variances", 1979.
  Statistics statistics(ValueId x) {
    Statistics s;
    s.count = count();
    if (sums_by_images()) {
      const ValueId image_mean = map("x0 / pixels", {build_->sum(x, axes_, false)});
      const ValueId image_squares = build_->sum(map("(x0 - x1) * (x0 - x1)", {x, image_mean}), axes_, false);
      s.mean = map("x0 * pixels / x1", {build_->sum(image_mean, {}, true), s.count});
      s.variance = map("x0 / x1", {build_->sum(map("x0 + pixels * ((x1 - x2) * (x1 - x2))", {image_squares, image_mean, s.mean}), {}, true), s.count});
    } else {
      s.mean = map("x0 / x1", {sum(x), s.count});
      s.variance = map("x0 / x1", {sum(map("(x0 - x1) * (x0 - x1)", {x, s.mean})), s.count});
    }
    s.inverse = inverse(s.variance);
    return s;
  }
  ValueId inverse(ValueId variance) { return map("1 / sqrt(x0 + eps)", {variance}); }
  /// (1 - momentum) running + momentum new.
  ValueId step(ValueId running, ValueId next) {
    return map("(1 - momentum) * x0 + momentum * x1", {running, next});
  }

 private:
  bool sums_by_images() const { return x_type_.batched && pixels() > 1; }
  double pixels() const { return static_cast<double>(element_count(x_type_.dims) / x_type_.dims[0]); }

  GraphBuilder* build_;
  BatchnormAttributes attributes_;
  TensorType x_type_;
  Dims axes_, spread_;
};

std::vector<ValueId> expand(const OpCall<BatchnormAttributes>& call, GraphBuilder& build, std::span<const ValueId> operands,
                            Mode mode) {
  Expander e(build, call);
  const ValueId x = operands[0], weight = operands[1], bias = operands[2], mean = operands[3], variance = operands[4];
  if (mode == Mode::Inference) {
    // One factor and one summand a channel, so that they can be computed ahead.
    const ValueId factor = e.map("x0 * x1", {weight, e.inverse(variance)});
    const ValueId summand = e.map("x0 - x1 * x2", {bias, mean, factor});
    return {e.map("x0 * x1 + x2", {x, e.spread(factor), e.spread(summand)}), mean, variance};
  }
  const auto s = e.statistics(x);
  const ValueId y = e.map("(x0 - x1) * x2 * x3 + x4", {x, s.mean, s.inverse, e.spread(weight), e.spread(bias)});
  const ValueId unbiased = e.map("x0 * (x1 / (x1 - 1))", {s.variance, s.count});
  return {y, e.step(mean, e.gather(s.mean)), e.step(variance, e.gather(unbiased))};
}

/// With n = (x - mean) inverse and M values a channel: d bias = sum dy, d weight = sum dy n, and
/// dx = weight inverse (dy - (d bias + n d weight) / M).
void gradient(const OpCall<BatchnormAttributes>& call, GradientBuilder& g) {
  if (!g.dy(0).valid()) return;
  Expander e(g.build(), call);
  const ValueId x = g.operand(0), dy = g.dy(0);
  const auto s = e.statistics(x);
  const ValueId dbias = e.sum_by_images(dy);
  const ValueId dweight = e.map("x0 * x1", {e.sum_by_images(e.map("x0 * (x1 - x2)", {dy, x, s.mean})), s.inverse});
  if (g.needed(1)) g.add_to(1, e.gather(dweight));
  if (g.needed(2)) g.add_to(2, e.gather(dbias));
  if (!g.needed(0)) return;
  const ValueId factor = e.map("x0 * x1", {e.spread(g.operand(1)), s.inverse});
  g.add_to(0, e.map("x0 * (x1 - (x2 + (x3 - x4) * x5 * x6) / x7)",
                    {factor, dy, dbias, x, s.mean, s.inverse, dweight, s.count}));
}

// ---- the layer

std::vector<ValueId> build_batchnorm(LayerContext& context) {
  const ValueId x = tensor_argument(context, "x");
  if (!require_float(context, x)) return {};
  const TensorType type = context.type(x);
  if ((type.dims.size() != 1 && type.dims.size() != 3) || !type.batched) {
    Diagnostic& error =
        context.error(DiagnosticKind::ShapeMismatch,
                      type.batched ? fmt::format("`{}` needs a vector or a feature map [channels, height, width], but its input is {}",
                                                 context.call_text(), shape_text(type.dims))
                                   : fmt::format("`{}` normalises over the images of a batch, but its input is the same for all images",
                                                 context.call_text()));
    context.note_origin(error, x);
    return {};
  }
  const Dims channels = {type.dims[0]};
  const Initialiser zeros{.name = "zeros"}, ones{.name = "ones"};
  const ValueId weight = context.weight("weight", channels, ones, "norm"), bias = context.weight("bias", channels, zeros, "norm");
  const ValueId mean = context.state("running_mean", channels, zeros), variance = context.state("running_var", channels, ones);
  const auto results =
      context.add("batchnorm", {x, weight, bias, mean, variance},
                  {{"momentum", number_argument(context, "momentum")}, {"eps", number_argument(context, "eps")}});
  context.update_state(mean, results.at(1));
  context.update_state(variance, results.at(2));
  return {results.at(0)};
}

std::vector<TensorType> operands_for(Dims dims) {
  const TensorType statistic{ElementType::F32, false, {dims[0]}};
  return {{ElementType::F32, true, std::move(dims)}, statistic, statistic, statistic, statistic};
}

}  // namespace

std::vector<OpDef> batchnorm_ops() {
  return {Op<BatchnormAttributes>{
      .name = "batchnorm",
      .doc = "Normalises each channel over images and pixels; gives the result and the next running statistics.",
      .operands = {{"x", "[channels] or [channels, height, width]"},
                   {"weight", "[channels]"},
                   {"bias", "[channels]"},
                   {"running_mean", "[channels]"},
                   {"running_var", "[channels]"}},
      .attributes = {attribute("momentum", &BatchnormAttributes::momentum, "the share of the batch in the running statistics"),
                     attribute("eps", &BatchnormAttributes::eps, "added to the variance")},
      .infer = infer,
      .gradient = gradient,
      .expand = expand,
      .samples = {{.operands = operands_for({3, 4, 2})},
                  {.operands = operands_for({5})},
                  {.operands = operands_for({2, 1, 3}), .attributes = {{"momentum", 0.3}, {"eps", 0.01}}}},
  }};
}

std::vector<LayerDef> batchnorm_layers() {
  return {{
      .name = "batchnorm",
      .doc = "Batch normalisation: each channel gets mean 0 and variance 1 over the batch, then a learned factor and summand. In training "
             "the batch's own statistics count (the biased variance), and running statistics follow them: running = (1 - momentum) "
             "running + momentum batch, the variance unbiased. In prediction the running statistics count, and cost nothing behind a "
             "convolution. Weights: `weight` (starts at 1) and `bias` (0); statistics: `running_mean` and `running_var`. A convolution "
             "before it needs no bias.",
      .arguments = {{.name = "x", .kind = ArgumentKind::Tensor, .doc = "a feature map or a vector"},
                    {.name = "momentum", .kind = ArgumentKind::Number, .doc = "the share of the batch in the running statistics",
                     .default_text = "0.1", .minimum = 0, .maximum = 1},
                    {.name = "eps", .kind = ArgumentKind::Number, .doc = "added to the variance, so that nothing is divided by 0",
                     .default_text = "1e-5", .minimum = 0}},
      .build = build_batchnorm,
      .example = "x -> conv(16, kernel: 3, bias: false) -> batchnorm -> relu",
  }};
}

}  // namespace cnnc
