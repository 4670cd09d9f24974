// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random draws: `random` (uniform numbers, a function of the run's seed, the epoch, the layer's stream and the image's number in
// the epoch, by ir/random.h) and `dropout`, which is built of it. The layer: dropout.
#include "autodiff/gradient_builder.h"
#include "ops/formula.h"
#include "ops/layer_arguments.h"
#include "ops/shape_rules.h"
#include "support/check.h"

namespace cnnc {
namespace {

// ---- random

struct RandomAttributes {
  Dims dims = {1};
  int64_t stream = 0;
  std::string element = "f32";
};

InferResult infer_random(const OpCall<RandomAttributes>& call) {
  if (auto complaint = check_count(call.in, 3, 3)) return *complaint;
  const auto element = find_element(call.attributes.element);
  if (!element || !is_float(*element)) return "`element` needs a floating-point type, but is \"" + call.attributes.element + "\"";
  for (const TensorType& in : call.in)
    if (in.element != ElementType::I32 || !in.dims.empty()) return "needs numbers i32[], but has " + to_string(in);
  if (call.in[0].batched || call.in[1].batched) return "seed and epoch must be the same for all images";
  if (auto complaint = check_dims(call.attributes.dims)) return *complaint;
  return one_result({*element, call.in[2].batched, call.attributes.dims});
}

Scalar define_random(const OpCall<RandomAttributes>& call, Body& body, int, const Point& point) {
  const auto key = [&](int operand) { return body.to_integer(body.at(operand, {point.image, {}})); };
  const std::vector<Scalar> integers = {key(0), key(1), body.integer(call.attributes.stream), key(2),
                                        flatten_coordinates(body, point.at, call.attributes.dims)};
  return select(less(integers[1], body.integer(0)), body.number(-1), body.random(integers));
}

// ---- dropout

struct DropoutAttributes {
  double p = 0.5;
  int64_t stream = 0;
};

InferResult infer_dropout(const OpCall<DropoutAttributes>& call) {
  if (auto complaint = check_count(call.in, 1, 1)) return *complaint;
  if (auto complaint = check_same_float(call.in)) return *complaint;
  if (!(call.attributes.p >= 0 && call.attributes.p <= 1)) return "`p` must lie between 0 and 1";
  return one_result(call.in[0]);
}

std::vector<ValueId> expand_dropout(const OpCall<DropoutAttributes>& call, GraphBuilder& build, std::span<const ValueId> operands,
                                    Mode mode) {
  const DropoutAttributes& a = call.attributes;
  if (mode == Mode::Inference || a.p == 0) return {operands[0]};
  const TensorType& x = call.in[0];
  CNNC_CHECK(build.random_key().size() == 3, "a random op is expanded for training with seed, epoch and sample");
  const ValueId draw = build.add("random", build.random_key(),
                                 {{"dims", x.dims}, {"stream", a.stream}, {"element", std::string(element_name(x.element))}});
  const Constants constants = {{"p", a.p}, {"scale", a.p < 1 ? 1 / (1 - a.p) : 0}};
  return {build.map(formula("select(x1 < 0, x0, select(x1 < p, 0, x0 * scale))", 2, constants), {operands[0], draw})};
}

std::vector<ValueId> build_dropout(LayerContext& context) {
  const ValueId x = tensor_argument(context, "x");
  if (!require_float(context, x)) return {};
  return context.add("dropout", {x}, {{"p", number_argument(context, "p")}, {"stream", context.next_random_stream()}});
}

TensorType image(Dims dims) { return {ElementType::F32, true, std::move(dims)}; }

}  // namespace

std::vector<OpDef> dropout_ops() {
  const TensorType number{ElementType::I32, false, {}}, sample{ElementType::I32, true, {}};
  return {
      Op<DropoutAttributes>{
          .name = "dropout",
          .doc = "In training: zero with probability p, else x / (1 - p). In inference: x.",
          .operands = {{"x", "any value of floats"}},
          .attributes = {attribute("p", &DropoutAttributes::p, "the probability of zero"),
                         attribute("stream", &DropoutAttributes::stream, "a number that no other random op of the network has")},
          .infer = infer_dropout,
          .gradient = through_expansion,
          .expand = expand_dropout,
          .random = true,
          .samples = {{.operands = {image({3, 4, 4})}, .attributes = {{"p", 0.3}, {"stream", int64_t{2}}}},
                      {.operands = {image({10})}}},
      },
      Op<RandomAttributes>{
          .name = "random",
          .doc = "Uniform numbers in [0, 1), a function of the operands, the stream and the place alone; -1 in an epoch below 0, "
                 "which asks for no noise.",
          .operands = {{"seed", "i32[], of the run"}, {"epoch", "i32[]"}, {"sample", "i32[N], each image's number in the epoch"}},
          .attributes = {attribute("dims", &RandomAttributes::dims, "the dimensions for one image"),
                         attribute("stream", &RandomAttributes::stream, "a number that no other random op of the network has"),
                         attribute("element", &RandomAttributes::element, "the element type, f32 or f64")},
          .infer = infer_random,
          .gradient = not_differentiable,
          .define = define_random,
          .samples = {{.operands = {number, number, sample}, .attributes = {{"dims", Dims{3, 4}}, {"stream", int64_t{1}}}}},
      },
  };
}

std::vector<LayerDef> dropout_layers() {
  return {{
      .name = "dropout",
      .doc = "In training, sets each element to 0 with probability `p` and multiplies the others by 1 / (1 - p), so that the mean stays; "
             "in prediction it does nothing. It keeps a network from relying on single values. The draws follow the run's seed, whatever "
             "the number of threads.",
      .arguments = {{.name = "x", .kind = ArgumentKind::Tensor, .doc = "any value"},
                    {.name = "p", .kind = ArgumentKind::Number, .doc = "the probability of 0", .default_text = "0.5", .minimum = 0,
                     .maximum = 1}},
      .build = build_dropout,
      .example = "x -> dense(128) -> relu -> dropout(0.5)",
  }};
}

}  // namespace cnnc
