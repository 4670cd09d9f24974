// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Losses that are a mean over an image's elements of a formula in output y and label t: one table row each. The op `mse` is
// kept as one until it is expanded; the others are maps and a sum at once. Metrics: mean_absolute_error.
#include <fmt/format.h>

#include "ir/builder.h"
#include "ops/formula.h"
#include "ops/layer_arguments.h"
#include "ops/shape_rules.h"

namespace cnnc {
namespace {

Dims all_axes(const Dims& dims) {
  Dims axes;
  for (size_t axis = 0; axis < dims.size(); ++axis) axes.push_back(static_cast<int64_t>(axis));
  return axes;
}

// ---- mse

using Call = OpCall<NoAttributes>;

InferResult infer_mse(const Call& call) {
  if (auto complaint = check_count(call.in, 2, 2)) return *complaint;
  if (!is_float(call.in[0].element)) return "needs floats, but has " + to_string(call.in[0]);
  if (is_float(call.in[1].element) && call.in[1].element != call.in[0].element) return "needs one element type";
  if (call.in[0].dims != call.in[1].dims)
    return fmt::format("{} and {} differ", to_string(call.in[0]), to_string(call.in[1]));
  return one_result({call.in[0].element, call.in[0].batched || call.in[1].batched, {}});
}

std::vector<ValueId> expand_mse(const Call& call, GraphBuilder& build, std::span<const ValueId> operands, Mode) {
  const Dims& dims = call.in[0].dims;
  const ValueId square = build.map("(x0 - x1) * (x0 - x1)", {operands[0], operands[1]});
  const ValueId sum = build.reshape(build.sum(square, all_axes(dims), false), {});
  return {build.map(formula("x0 * share", 1, {{"share", 1 / static_cast<double>(element_count(dims))}}), {sum})};
}

// ---- layers

/// The label, with the output's dimensions: a single number may stand next to an output [1].
std::optional<ValueId> matching_label(LayerContext& context) {
  const ValueId output = tensor_argument(context, "output"), label = tensor_argument(context, "label");
  if (!require_float(context, output)) return {};
  const Dims& wanted = context.type(output).dims;
  const Dims& given = context.type(label).dims;
  if (given == wanted) return label;
  const bool number = given.empty() && !context.type(label).batched;      // mse(x, 0): against the same number everywhere
  if (number)
    return context.add("broadcast", {label}, {{"dims", wanted}, {"batched", context.type(output).batched}}).at(0);
  if (element_count(given) == 1 && element_count(wanted) == 1)
    return context.add("reshape", {label}, {{"dims", wanted}}).at(0);
  Diagnostic& error = context.error(DiagnosticKind::ShapeMismatch, fmt::format("`{}` compares {} with a label of {}", context.call_text(),
                                                                               shape_text(wanted), shape_text(given)));
  context.note_origin(error, output);
  return {};
}

/// mean(term(y, t)) over the image's elements.
std::vector<ValueId> build_mean(LayerContext& context, std::string_view term) {
  const auto label = matching_label(context);
  if (!label) return {};
  const ValueId output = tensor_argument(context, "output");
  const Dims dims = context.type(output).dims;
  ValueId value = add_map(context, formula(term, {"y", "t"}), {output, *label});
  if (!dims.empty()) {
    value = context.add("reduce", {value}, {{"op", std::string("sum")}, {"axes", all_axes(dims)}}).at(0);
    value = context.add("reshape", {value}, {{"dims", Dims{}}}).at(0);
  }
  if (element_count(dims) == 1) return {value};
  return {add_map(context, formula("x0 * share", 1, {{"share", 1 / static_cast<double>(element_count(dims))}}), {value})};
}

std::vector<ValueId> build_mse(LayerContext& context) {
  const auto label = matching_label(context);
  if (!label) return {};
  return context.add("mse", {tensor_argument(context, "output"), *label});
}
std::vector<ValueId> build_l1(LayerContext& context) { return build_mean(context, "abs(y - t)"); }
/// max(y, 0) - y t + log(1 + exp(-|y|)): never overflows. The gradient is sigmoid(y) - t, also at y = 0, where max and abs
/// have corners, because the two branches agree there.
std::vector<ValueId> build_bce_with_logits(LayerContext& context) {
  return build_mean(context, "select(0 < y, log1p(exp(-y)) + y - y * t, log1p(exp(y)) - y * t)");
}

TensorType same_as_output(const TensorType& output) { return {output.element, true, output.dims}; }

LayerDef mean_layer(std::string_view name, LayerKind kind, std::string_view doc, std::vector<ValueId> (*build)(LayerContext&),
                    std::string_view example) {
  return {.name = name,
          .kind = kind,
          .doc = doc,
          .arguments = {{.name = "output", .kind = ArgumentKind::Tensor, .doc = "what the network gives"},
                        {.name = "label", .kind = ArgumentKind::Tensor, .doc = "what it should give: the same shape, or one number"}},
          .build = build,
          .example = example,
          .label = same_as_output};
}

}  // namespace

std::vector<OpDef> losses_ops() {
  const TensorType map{ElementType::F32, true, {2, 3, 2}}, vector{ElementType::F32, true, {4}};
  return {Op<>{
      .name = "mse",
      .doc = "The mean of (output - label)^2 over the elements of each image.",
      .operands = {{"output", "any value of floats"}, {"label", "the same dimensions"}},
      .attributes = {},
      .infer = infer_mse,
      .gradient = through_expansion,
      .expand = expand_mse,
      .samples = {{.operands = {map, map}}, {.operands = {vector, {ElementType::I32, true, {4}}}}},
  }};
}

std::vector<LayerDef> losses_layers() {
  return {
      mean_layer("bce_with_logits", LayerKind::Loss,
                 "For yes-or-no questions, one for each element: the binary cross entropy of sigmoid(output) against labels 0 and 1 "
                 "(or probabilities), the mean over the elements. It takes scores, so the network does not end in `sigmoid`.",
                 build_bce_with_logits, "loss = bce_with_logits"),
      mean_layer("l1", LayerKind::Loss, "The mean absolute difference between output and label.", build_l1, "loss = l1"),
      mean_layer("mean_absolute_error", LayerKind::Metric, "The mean absolute difference between output and label.", build_l1,
                 "metrics = [mean_absolute_error]"),
      mean_layer("mse", LayerKind::Loss, "The mean squared difference between output and label.", build_mse, "loss = mse"),
  };
}

}  // namespace cnnc
