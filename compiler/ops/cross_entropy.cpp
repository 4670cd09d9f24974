// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The classification loss. Composite: loss = log(sum(exp(x - m))) - (1 - e)(x_label - m) - e/C sum(x - m), m the maximum and e
// the smoothing; with the gradient rule softmax(x) - target, which has no logarithm and no quotient of it. On [C, H, W]
// it is the mean over all pixels. A label outside 0..C-1 is refused before it comes here.
#include <fmt/format.h>

#include "autodiff/gradient_builder.h"
#include "ops/formula.h"
#include "ops/layer_arguments.h"
#include "ops/shape_rules.h"

namespace cnnc {
namespace {

struct CrossEntropyAttributes {
  double smoothing = 0;
};

/// The label's dimensions for those of the output: [C] has one label, [C, H, W] one for each pixel.
Dims label_dims(const Dims& output) { return output.empty() ? Dims{} : Dims(output.begin() + 1, output.end()); }

InferResult infer(const OpCall<CrossEntropyAttributes>& call) {
  if (auto complaint = check_count(call.in, 2, 2)) return *complaint;
  const TensorType& x = call.in[0];
  const TensorType& label = call.in[1];
  if (!is_float(x.element) || x.dims.empty()) return "needs logits [classes, …], but has " + to_string(x);
  if (label.element != ElementType::I32 || label.dims != label_dims(x.dims))
    return fmt::format("labels {} do not fit the logits {}", to_string(label), to_string(x));
  if (!(call.attributes.smoothing >= 0 && call.attributes.smoothing <= 1)) return "`smoothing` must lie between 0 and 1";
  return one_result({x.element, x.batched || label.batched, {}});
}

double classes(const TensorType& logits) { return static_cast<double>(logits.dims[0]); }
double pixels(const TensorType& logits) { return static_cast<double>(element_count(logits.dims) / logits.dims[0]); }

Constants constants_of(const OpCall<CrossEntropyAttributes>& call) {
  const double smoothing = call.attributes.smoothing;
  return {{"keep", 1 - smoothing}, {"share", smoothing / classes(call.in[0])}, {"per_pixel", 1 / pixels(call.in[0])}};
}

ValueId over_classes(GraphBuilder& build, std::string op, ValueId x) {
  return build.add("reduce", {x}, {{"op", std::move(op)}, {"axes", Dims{0}}});
}

/// The class of each channel, 0 to C - 1, to be compared with labels.
ValueId class_numbers(GraphBuilder& build, const TensorType& logits) {
  Dims dims = logits.dims;
  for (size_t axis = 1; axis < dims.size(); ++axis) dims[axis] = 1;
  return build.add("iota", {}, {{"dims", dims}, {"axis", int64_t{0}}, {"element", std::string(element_name(logits.element))}});
}

std::vector<ValueId> expand(const OpCall<CrossEntropyAttributes>& call, GraphBuilder& build, std::span<const ValueId> operands, Mode) {
  const TensorType& type = call.in[0];
  const Constants constants = constants_of(call);
  const ValueId x = operands[0];
  const ValueId maximum = over_classes(build, "max", x);
  const ValueId sum = over_classes(build, "sum", build.map("exp(x0 - x1)", {x, maximum}));
  const ValueId chosen = over_classes(
      build, "sum", build.map("select(x2 == x3, x0 - x1, 0)", {x, maximum, operands[1], class_numbers(build, type)}));
  ValueId loss;
  if (call.attributes.smoothing == 0) {
    loss = build.map("log(x0) - x1", {sum, chosen});
  } else {
    const ValueId all = over_classes(build, "sum", build.map("x0 - x1", {x, maximum}));
    loss = build.map(formula("log(x0) - keep * x1 - share * x2", 3, constants), {sum, chosen, all});
  }
  if (type.dims.size() > 1) {
    Dims axes;
    for (size_t axis = 1; axis < type.dims.size(); ++axis) axes.push_back(static_cast<int64_t>(axis));
    loss = build.map(formula("x0 * per_pixel", 1, constants), {build.sum(loss, axes, false)});
  }
  return {build.reshape(loss, {})};
}

/// d logits = (softmax - target) dy / pixels, with target = (1 - e) [class is the label] + e / C.
void gradient(const OpCall<CrossEntropyAttributes>& call, GradientBuilder& g) {
  if (!g.needed(0)) return;
  GraphBuilder& build = g.build();
  const TensorType& type = call.in[0];
  const ValueId x = g.operand(0);
  const ValueId maximum = over_classes(build, "max", x);
  const ValueId exponential = build.map("exp(x0 - x1)", {x, maximum});
  const ValueId sum = over_classes(build, "sum", exponential);
  const std::string text = "(x0 / x1 - (select(x2 == x3, keep, 0) + share)) * (x4 * per_pixel)";
  const ValueId dx = build.map(formula(text, 5, constants_of(call)),
                               {exponential, sum, g.operand(1), class_numbers(build, type), g.dy()});
  g.add_to(0, build.sum_to(dx, type));
}

// ---- the loss of the language

TensorType label_type(const TensorType& output) { return {ElementType::I32, true, label_dims(output.dims)}; }

std::vector<ValueId> build_cross_entropy(LayerContext& context) {
  const ValueId output = tensor_argument(context, "output"), label = tensor_argument(context, "label");
  if (!require_class_labels(context, output, label)) return {};
  return context.add("cross_entropy", {output, label}, {{"smoothing", number_argument(context, "smoothing")}});
}

std::vector<TensorType> operands_for(Dims dims) {
  const Dims labels = label_dims(dims);
  return {{ElementType::F32, true, std::move(dims)}, {ElementType::I32, true, labels}};
}

}  // namespace

std::vector<OpDef> cross_entropy_ops() {
  return {Op<CrossEntropyAttributes>{
      .name = "cross_entropy",
      .doc = "-log softmax(logits)[label] for each image, the mean over its pixels.",
      .operands = {{"logits", "[classes] or [classes, height, width]"}, {"label", "i32[] or i32[height, width]"}},
      .attributes = {attribute("smoothing", &CrossEntropyAttributes::smoothing, "the share of the target that all classes get")},
      .infer = infer,
      .gradient = gradient,
      .expand = expand,
      .samples = {{.operands = operands_for({5})},
                  {.operands = operands_for({4}), .attributes = {{"smoothing", 0.1}}},
                  {.operands = operands_for({3, 2, 2})},
                  {.operands = operands_for({3, 2, 2}), .attributes = {{"smoothing", 0.3}}}},
  }};
}

std::vector<LayerDef> cross_entropy_layers() {
  return {{
      .name = "cross_entropy",
      .kind = LayerKind::Loss,
      .doc = "For classification: minus the logarithm of the probability that the network gives to the right class. It takes the "
             "network's scores (logits) and does the `softmax` itself. Labels are class numbers from 0. For outputs [classes, height, "
             "width] there is a label for each pixel, and the loss is the mean over them. `smoothing: 0.1` spreads a tenth of the "
             "target evenly over all classes.",
      .arguments = {{.name = "output", .kind = ArgumentKind::Tensor, .doc = "the scores [classes] or [classes, height, width]"},
                    {.name = "label", .kind = ArgumentKind::Tensor, .doc = "class numbers from 0"},
                    {.name = "smoothing", .kind = ArgumentKind::Number, .doc = "the share of the target that all classes get",
                     .default_text = "0", .minimum = 0, .maximum = 1}},
      .build = build_cross_entropy,
      .example = "loss = cross_entropy(smoothing: 0.1)",
      .label = label_type,
  }};
}

}  // namespace cnnc
