// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// softmax and log_softmax over the first axis (channels, or a vector's elements). Composite: the maximum is subtracted first, so
// that nothing overflows. Their gradients are written by hand, since that of the subtracted maximum cancels.
#include "autodiff/gradient_builder.h"
#include "ops/layer_arguments.h"
#include "ops/shape_rules.h"

namespace cnnc {
namespace {

using Call = OpCall<NoAttributes>;

InferResult infer(const Call& call) {
  if (auto complaint = check_count(call.in, 1, 1)) return *complaint;
  if (auto complaint = check_same_float(call.in)) return *complaint;
  if (call.in[0].dims.empty()) return "needs at least one dimension";
  return one_result(call.in[0]);
}

ValueId over_channels(GraphBuilder& build, std::string op, ValueId x) {
  return build.add("reduce", {x}, {{"op", std::move(op)}, {"axes", Dims{0}}});
}

std::vector<ValueId> expand_softmax(const Call&, GraphBuilder& build, std::span<const ValueId> operands, Mode) {
  const ValueId x = operands[0];
  const ValueId exponential = build.map("exp(x0 - x1)", {x, over_channels(build, "max", x)});
  return {build.map("x0 / x1", {exponential, over_channels(build, "sum", exponential)})};
}

/// dx = y (dy - sum(y dy)).
void gradient_softmax(const Call&, GradientBuilder& g) {
  if (!g.needed(0)) return;
  GraphBuilder& build = g.build();
  const ValueId sum = over_channels(build, "sum", build.map("x0 * x1", {g.result(), g.dy()}));
  g.add_to(0, build.map("x0 * (x1 - x2)", {g.result(), g.dy(), sum}));
}

std::vector<ValueId> expand_log_softmax(const Call&, GraphBuilder& build, std::span<const ValueId> operands, Mode) {
  const ValueId x = operands[0];
  const ValueId shifted = build.map("x0 - x1", {x, over_channels(build, "max", x)});
  const ValueId sum = over_channels(build, "sum", build.map("exp(x0)", {shifted}));
  return {build.map("x0 - log(x1)", {shifted, sum})};
}

/// dx = dy - exp(y) sum(dy).
void gradient_log_softmax(const Call&, GradientBuilder& g) {
  if (!g.needed(0)) return;
  GraphBuilder& build = g.build();
  g.add_to(0, build.map("x0 - exp(x1) * x2", {g.dy(), g.result(), over_channels(build, "sum", g.dy())}));
}

std::vector<ValueId> build_over_channels(LayerContext& context, std::string_view op) {
  const ValueId x = tensor_argument(context, "x");
  if (!require_float(context, x)) return {};
  if (context.type(x).dims.empty()) {
    Diagnostic& error = context.error(DiagnosticKind::ShapeMismatch,
                                      "`" + context.call_text() + "` needs a vector or a feature map, but its input is a single number");
    context.note_origin(error, x);
    return {};
  }
  return context.add(op, {x});
}

std::vector<ValueId> build_softmax(LayerContext& context) { return build_over_channels(context, "softmax"); }
std::vector<ValueId> build_log_softmax(LayerContext& context) { return build_over_channels(context, "log_softmax"); }

std::vector<Sample> samples() {
  return {{.operands = {{ElementType::F32, true, {5}}}},
          {.operands = {{ElementType::F32, true, {3, 2, 2}}}},
          {.operands = {{ElementType::F32, false, {4}}}}};
}

}  // namespace

std::vector<OpDef> softmax_ops() {
  return {
      Op<>{
          .name = "log_softmax",
          .doc = "The logarithm of `softmax`, computed so that it never is -inf for finite x.",
          .operands = {{"x", "[channels, …]"}},
          .attributes = {},
          .infer = infer,
          .gradient = gradient_log_softmax,
          .expand = expand_log_softmax,
          .samples = samples(),
      },
      Op<>{
          .name = "softmax",
          .doc = "exp(x) / sum(exp(x)) over the first axis.",
          .operands = {{"x", "[channels, …]"}},
          .attributes = {},
          .infer = infer,
          .gradient = gradient_softmax,
          .expand = expand_softmax,
          .samples = samples(),
      },
  };
}

std::vector<LayerDef> softmax_layers() {
  const ArgumentDef x{.name = "x", .kind = ArgumentKind::Tensor, .doc = "a vector, or a feature map: over the channels of each pixel"};
  return {
      {.name = "log_softmax",
       .doc = "The logarithms of the probabilities that `softmax` gives, exact also where they are tiny.",
       .arguments = {x},
       .build = build_log_softmax,
       .example = "x -> dense(10) -> log_softmax"},
      {.name = "softmax",
       .doc = "Turns scores into probabilities: exp(x) / sum(exp(x)) over the channels. The loss `cross_entropy` takes the scores "
              "themselves, so a network that is trained with it does not end in `softmax`.",
       .arguments = {x},
       .build = build_softmax,
       .example = "x -> dense(10) -> softmax"},
  };
}

}  // namespace cnnc
