// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Activations: each is a formula in x and its parameters, one row of the table, and becomes a `map` op, which gets gradient,
// fusion and kernels for free. Select takes the first branch at the corners, which decides the derivative there
// (relu'(0) = 0); max and comparisons let NaN through.
#include <array>
#include <utility>

#include "ops/formula.h"
#include "ops/layer_arguments.h"

namespace cnnc {
namespace {

/// A number that the formula uses by name.
struct Parameter {
  const char* name = nullptr;
  const char* doc = nullptr;
  const char* default_text = nullptr;
};

struct Activation {
  const char* name;
  const char* formula;
  const char* doc;
  const char* example;
  Parameter parameter = {};
};

constexpr std::array kActivations = {
    Activation{"elu", "select(x <= 0, alpha * (exp(x) - 1), x)", "`x` where it is positive, else `alpha (exp(x) - 1)`.",
               "x -> elu", {"alpha", "the limit for very negative x is -alpha", "1"}},
    Activation{"hard_sigmoid", "select(x <= -3, 0, select(3 <= x, 1, x / 6 + 0.5))",
               "A sigmoid of straight lines: 0 up to -3, 1 from 3 on, `x / 6 + 0.5` between.", "x -> hard_sigmoid"},
    Activation{"hard_swish", "select(x <= -3, 0, select(3 <= x, x, x * (x + 3) / 6))",
               "`x relu6(x + 3) / 6`: silu of straight lines and a parabola.", "x -> hard_swish"},
    Activation{"leaky_relu", "select(x <= 0, slope * x, x)", "`x` where it is positive, else `slope x`.", "x -> leaky_relu(0.1)",
               {"slope", "the factor for negative x", "0.01"}},
    Activation{"mish", "x * tanh(select(20 < x, x, log1p(exp(x))))", "`x tanh(softplus(x))`.", "x -> mish"},
    Activation{"relu", "max(x, 0)", "`x` where it is positive, else 0. Its derivative at 0 is 0.", "x -> relu"},
    Activation{"relu6", "select(x <= 0, 0, select(6 <= x, 6, x))", "`relu`, at most 6.", "x -> relu6"},
    Activation{"selu", "1.0507009873554805 * select(x <= 0, 1.6732632423543772 * (exp(x) - 1), x)",
               "The self-normalising `elu`: its two constants keep mean 0 and variance 1 from layer to layer.", "x -> selu"},
    Activation{"sigmoid", "sigmoid(x)", "`1 / (1 + exp(-x))`: between 0 and 1.", "x -> sigmoid"},
    Activation{"silu", "x * sigmoid(x)", "`x sigmoid(x)`, also known as swish.", "x -> silu"},
    Activation{"softplus", "select(20 < beta * x, x, log1p(exp(beta * x)) / beta)",
               "`log(1 + exp(beta x)) / beta`, a smooth `relu`; `x` itself where `beta x` is above 20.", "x -> softplus",
               {"beta", "how sharp the bend is", "1"}},
    Activation{"tanh", "tanh(x)", "The hyperbolic tangent: between -1 and 1.", "x -> tanh"},
};

std::vector<ValueId> build_formula(LayerContext& context, const Activation& row) {
  const ValueId x = tensor_argument(context, "x");
  if (!require_float(context, x)) return {};
  Constants constants;
  if (row.parameter.name) constants.emplace_back(row.parameter.name, number_argument(context, row.parameter.name));
  return {add_map(context, formula(row.formula, {"x"}, constants), {x})};
}

/// The table's row as a builder without state.
template <size_t row>
std::vector<ValueId> build_row(LayerContext& context) {
  return build_formula(context, kActivations[row]);
}

ArgumentDef x_argument() { return {.name = "x", .kind = ArgumentKind::Tensor, .doc = "any value; each element by itself"}; }

LayerDef layer_of(const Activation& row, std::vector<ValueId> (*build)(LayerContext&)) {
  LayerDef layer{.name = row.name, .doc = row.doc, .arguments = {x_argument()}, .build = build, .example = row.example};
  if (row.parameter.name)
    layer.arguments.push_back({.name = row.parameter.name,
                               .kind = ArgumentKind::Number,
                               .doc = row.parameter.doc,
                               .default_text = row.parameter.default_text});
  return layer;
}

template <size_t... rows>
std::vector<LayerDef> table_layers(std::index_sequence<rows...>) {
  return {layer_of(kActivations[rows], build_row<rows>)...};
}

// ---- gelu has a word, not a number

std::vector<ValueId> build_gelu(LayerContext& context) {
  const ValueId x = tensor_argument(context, "x");
  if (!require_float(context, x)) return {};
  const bool approximate = word_argument(context, "approx") == "tanh";
  const std::string_view text = approximate ? "0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))"
                                            : "0.5 * x * (1 + erf(x * 0.7071067811865476))";
  return {add_map(context, formula(text, {"x"}), {x})};
}

}  // namespace

std::vector<OpDef> activations_ops() { return {}; }

std::vector<LayerDef> activations_layers() {
  auto layers = table_layers(std::make_index_sequence<kActivations.size()>{});
  layers.push_back({.name = "gelu",
                    .doc = "`x` times the probability that a normal number is below `x`; exact, or with `approx: tanh` the older "
                           "approximation.",
                    .arguments = {x_argument(),
                                  {.name = "approx", .kind = ArgumentKind::Word, .doc = "`none`: exact; `tanh`: the approximation",
                                   .default_text = "none", .words = {"none", "tanh"}}},
                    .build = build_gelu,
                    .example = "x -> gelu"});
  return layers;
}

}  // namespace cnnc
