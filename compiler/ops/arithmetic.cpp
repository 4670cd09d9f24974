// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Arithmetic functions of the language on tensors and numbers, elementwise with broadcasting: one row of the table each. The
// operators + - * / ^ are sema's. Layers: the functions, and add.
#include <fmt/format.h>

#include <array>
#include <utility>

#include "ops/formula.h"
#include "ops/layer_arguments.h"

namespace cnnc {
namespace {

struct FunctionRow {
  const char* name;
  const char* formula;      // over x, or over x and y
  bool two_operands;
  const char* doc;
  const char* example;
};

constexpr std::array kFunctions = {
    FunctionRow{"abs", "abs(x)", false, "The absolute value. Its derivative at 0 is 0.", "abs(x)"},
    FunctionRow{"ceil", "ceil(x)", false, "The next whole number up. Its derivative is 0.", "ceil(x / 2)"},
    FunctionRow{"cos", "cos(x)", false, "The cosine, in radians.", "cos(x)"},
    FunctionRow{"erf", "erf(x)", false, "The error function.", "erf(x)"},
    FunctionRow{"exp", "exp(x)", false, "e to the power x.", "exp(-x * x)"},
    FunctionRow{"floor", "floor(x)", false, "The next whole number down. Its derivative is 0.", "floor(x / 2)"},
    FunctionRow{"log", "log(x)", false, "The natural logarithm.", "log(x + 1e-6)"},
    FunctionRow{"max", "max(x, y)", true, "The larger of two values, elementwise; NaN if one is NaN.", "max(a, b)"},
    FunctionRow{"min", "min(x, y)", true, "The smaller of two values, elementwise; NaN if one is NaN.", "min(x, 1)"},
    FunctionRow{"pow", "x ^ y", true, "x to the power y; the same as `x ^ y`.", "pow(x, 2)"},
    FunctionRow{"sin", "sin(x)", false, "The sine, in radians.", "sin(x)"},
    FunctionRow{"sqrt", "sqrt(x)", false, "The square root. Its derivative at 0 is taken as 0.", "sqrt(gx * gx + gy * gy)"},
};

/// Reports two shapes that do not broadcast.
bool require_broadcast(LayerContext& context, ValueId x, ValueId y) {
  const Dims& a = context.type(x).dims;
  const Dims& b = context.type(y).dims;
  const auto dims = broadcast(a, b);
  if (dims) return require_size(context, *dims);
  Diagnostic& error = context.error(DiagnosticKind::ShapeMismatch, fmt::format("`{}` cannot combine the shapes {} and {}",
                                                                               context.call_text(), shape_text(a), shape_text(b)));
  context.note_origin(error, x);
  context.note_origin(error, y);
  error.help("shapes fit when they are equal, or one of them is 1, at each place counted from the last");
  return false;
}

std::vector<ValueId> build_function(LayerContext& context, const FunctionRow& row) {
  const ValueId x = tensor_argument(context, "x");
  if (!row.two_operands) return {add_map(context, formula(row.formula, {"x"}), {x})};
  const ValueId y = tensor_argument(context, "y");
  if (!require_broadcast(context, x, y)) return {};
  return {add_map(context, formula(row.formula, {"x", "y"}), {x, y})};
}

template <size_t row>
std::vector<ValueId> build_row(LayerContext& context) {
  return build_function(context, kFunctions[row]);
}

LayerDef layer_of(const FunctionRow& row, std::vector<ValueId> (*build)(LayerContext&)) {
  LayerDef layer{.name = row.name,
                 .kind = LayerKind::Function,
                 .doc = row.doc,
                 .arguments = {{.name = "x", .kind = ArgumentKind::Tensor, .doc = "a value or a number"}},
                 .build = build,
                 .example = row.example,
                 .formula = row.formula};
  if (row.two_operands)
    layer.arguments.push_back({.name = "y", .kind = ArgumentKind::Tensor, .doc = "a value or a number, of a shape that fits"});
  return layer;
}

template <size_t... rows>
std::vector<LayerDef> table_layers(std::index_sequence<rows...>) {
  return {layer_of(kFunctions[rows], build_row<rows>)...};
}

std::vector<ValueId> build_add(LayerContext& context) {
  const ValueId x = tensor_argument(context, "x"), y = tensor_argument(context, "y");
  if (!require_float(context, x) || !require_float(context, y) || !require_broadcast(context, x, y)) return {};
  return {add_map(context, formula("x + y", {"x", "y"}), {x, y})};
}

}  // namespace

std::vector<OpDef> arithmetic_ops() { return {}; }

std::vector<LayerDef> arithmetic_layers() {
  auto layers = table_layers(std::make_index_sequence<kFunctions.size()>{});
  layers.push_back({.name = "add",
                    .doc = "The sum of two values, elementwise: `x -> add(y)` is `x + y`. It joins the ways of a residual network.",
                    .arguments = {{.name = "x", .kind = ArgumentKind::Tensor, .doc = "a value"},
                                  {.name = "y", .kind = ArgumentKind::Tensor, .doc = "a value of a shape that fits"}},
                    .build = build_add,
                    .example = "x -> conv(16, kernel: 3, pad: same) -> add(x)"});
  return layers;
}

}  // namespace cnnc
