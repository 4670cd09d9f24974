// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What is measured beside the loss: `correct` (1 where the largest logit, the first of equal ones, stands at the label) and
// the metrics accuracy and loss.
#include <fmt/format.h>

#include "ops/formula.h"
#include "ops/layer_arguments.h"
#include "ops/shape_rules.h"
#include "ir/builder.h"

namespace cnnc {
namespace {

using Call = OpCall<NoAttributes>;

InferResult infer(const Call& call) {
  if (auto complaint = check_count(call.in, 2, 2)) return *complaint;
  const TensorType& x = call.in[0];
  const TensorType& label = call.in[1];
  if (!is_float(x.element) || x.dims.empty()) return "needs logits [classes, …], but has " + to_string(x);
  if (label.element != ElementType::I32 || label.dims != Dims(x.dims.begin() + 1, x.dims.end()))
    return fmt::format("labels {} do not fit the logits {}", to_string(label), to_string(x));
  return one_result({x.element, x.batched || label.batched, {}});
}

std::vector<ValueId> expand(const Call& call, GraphBuilder& build, std::span<const ValueId> operands, Mode) {
  const TensorType& type = call.in[0];
  const auto over_classes = [&](std::string op, ValueId x) {
    return build.add("reduce", {x}, {{"op", std::move(op)}, {"axes", Dims{0}}});
  };
  Dims dims = type.dims;
  for (size_t axis = 1; axis < dims.size(); ++axis) dims[axis] = 1;
  const ValueId numbers =
      build.add("iota", {}, {{"dims", dims}, {"axis", int64_t{0}}, {"element", std::string(element_name(type.element))}});
  const ValueId x = operands[0];
  // The first class that has the maximum; a NaN makes the maximum NaN, and the first NaN wins.
  const Constants constants = {{"classes", static_cast<double>(type.dims[0])},
                               {"per_pixel", static_cast<double>(type.dims[0]) / static_cast<double>(element_count(type.dims))}};
  const ValueId first = over_classes("min", build.map(formula("select(x0 == x1 or x0 != x0, x2, classes)", 3, constants),
                                                      {x, over_classes("max", x), numbers}));
  Dims axes;
  for (size_t axis = 1; axis < dims.size(); ++axis) axes.push_back(static_cast<int64_t>(axis));
  // [1, H, W] next to labels [H, W]: they broadcast.
  ValueId hits = build.map("select(x0 == x1, 1, 0)", {first, operands[1]});
  if (!axes.empty()) hits = build.map(formula("x0 * per_pixel", 1, constants), {build.sum(hits, axes, false)});
  return {build.reshape(hits, {})};
}

TensorType label_type(const TensorType& output) {
  return {ElementType::I32, true, output.dims.empty() ? Dims{} : Dims(output.dims.begin() + 1, output.dims.end())};
}

std::vector<ValueId> build_accuracy(LayerContext& context) {
  const ValueId output = tensor_argument(context, "output"), label = tensor_argument(context, "label");
  if (!require_class_labels(context, output, label)) return {};
  return context.add("correct", {output, label});
}

}  // namespace

std::vector<OpDef> accuracy_ops() {
  return {Op<>{
      .name = "correct",
      .doc = "1 where the largest logit stands at the label, else 0; for pixels their mean.",
      .operands = {{"logits", "[classes] or [classes, height, width]"}, {"label", "i32[] or i32[height, width]"}},
      .attributes = {},
      .infer = infer,
      .gradient = not_differentiable,
      .expand = expand,
      .samples = {{.operands = {{ElementType::F32, true, {5}}, {ElementType::I32, true, {}}}},
                  {.operands = {{ElementType::F32, true, {3, 2, 2}}, {ElementType::I32, true, {2, 2}}}}},
  }};
}

std::vector<LayerDef> accuracy_layers() {
  return {
      {.name = "accuracy",
       .kind = LayerKind::Metric,
       .doc = "The share of images whose largest score is at the label (of equal scores the first counts); for outputs [classes, height, "
              "width] the share of pixels.",
       .arguments = {{.name = "output", .kind = ArgumentKind::Tensor, .doc = "the scores [classes] or [classes, height, width]"},
                     {.name = "label", .kind = ArgumentKind::Tensor, .doc = "class numbers from 0"}},
       .build = build_accuracy,
       .example = "metrics = [accuracy]",
       .label = label_type},
      {.name = "loss",
       .kind = LayerKind::Metric,
       .doc = "The recipe's loss, as a metric: the mean over the images.",
       .arguments = {},
       .build = nullptr,
       .example = "metrics = [loss, accuracy]"},
  };
}

}  // namespace cnnc
