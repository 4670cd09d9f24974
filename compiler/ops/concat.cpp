// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Joining and cutting along one axis: `concat`, `slice`, and `pad_slice` (zeros around a value: the adjoint of slice).
// Layers: concat, slice, split.
#include <fmt/format.h>

#include "autodiff/gradient_builder.h"
#include "ops/layer_arguments.h"
#include "ops/shape_rules.h"

namespace cnnc {
namespace {

bool is_axis(int64_t axis, const Dims& dims) { return axis >= 0 && axis < static_cast<int64_t>(dims.size()); }

/// The point with its coordinate along `axis` moved by `distance`.
Point moved(const Point& point, int64_t axis, int64_t distance) {
  Point result = point;
  Scalar& coordinate = result.at[static_cast<size_t>(axis)];
  if (distance != 0) coordinate = coordinate + distance;
  return result;
}

// ---- concat

struct ConcatAttributes {
  int64_t axis = 0;
};

InferResult infer_concat(const OpCall<ConcatAttributes>& call) {
  if (call.in.empty()) return "needs at least one operand";
  const int64_t axis = call.attributes.axis;
  if (!is_axis(axis, call.in[0].dims)) return fmt::format("{} has no axis {}", to_string(call.in[0]), axis);
  TensorType type = call.in[0];
  for (const TensorType& in : call.in.subspan(1)) {
    Dims other = in.dims;
    if (other.size() != type.dims.size() || in.element != type.element)
      return fmt::format("{} and {} do not fit together", to_string(call.in[0]), to_string(in));
    const int64_t extent = other[static_cast<size_t>(axis)];
    other[static_cast<size_t>(axis)] = type.dims[static_cast<size_t>(axis)];
    if (other != type.dims) return fmt::format("{} and {} differ beside axis {}", to_string(call.in[0]), to_string(in), axis);
    type.dims[static_cast<size_t>(axis)] += extent;
    type.batched |= in.batched;
    if (auto complaint = check_dims(type.dims)) return *complaint;
  }
  return one_result(std::move(type));
}

void gradient_concat(const OpCall<ConcatAttributes>& call, GradientBuilder& g) {
  const int64_t axis = call.attributes.axis;
  int64_t begin = 0;
  for (int i = 0; i < g.operand_count(); ++i) {
    const TensorType& type = call.in[static_cast<size_t>(i)];
    const int64_t end = begin + type.dims[static_cast<size_t>(axis)];
    if (g.needed(i)) {
      const ValueId part = g.build().add("slice", {g.dy()}, {{"axis", axis}, {"begin", begin}, {"end", end}});
      g.add_to(i, g.build().sum_to(part, type));
    }
    begin = end;
  }
}

Scalar define_concat(const OpCall<ConcatAttributes>& call, Body& body, int, const Point& point) {
  const int64_t axis = call.attributes.axis;
  const Scalar coordinate = point.at[static_cast<size_t>(axis)];
  // From the last operand to the first: select(coordinate < end of i, operand i, the rest).
  int64_t begin = 0;
  std::vector<int64_t> begins;
  for (const TensorType& type : call.in) {
    begins.push_back(begin);
    begin += type.dims[static_cast<size_t>(axis)];
  }
  Scalar result;
  for (size_t i = call.in.size(); i-- > 0;) {
    const Scalar element = body.at_or(static_cast<int>(i), moved(point, axis, -begins[i]), 0);
    result = i + 1 == call.in.size() ? element : select(less(coordinate, body.integer(begins[i + 1])), element, result);
  }
  return result;
}

// ---- slice

struct SliceAttributes {
  int64_t axis = 0, begin = 0, end = 1;
};

InferResult infer_slice(const OpCall<SliceAttributes>& call) {
  if (auto complaint = check_count(call.in, 1, 1)) return *complaint;
  const SliceAttributes& a = call.attributes;
  TensorType type = call.in[0];
  if (!is_axis(a.axis, type.dims)) return fmt::format("{} has no axis {}", to_string(type), a.axis);
  int64_t& extent = type.dims[static_cast<size_t>(a.axis)];
  if (a.begin < 0 || a.begin >= a.end || a.end > extent)
    return fmt::format("{} to {} is no part of 0 to {}", a.begin, a.end, extent);
  extent = a.end - a.begin;
  return one_result(std::move(type));
}

void gradient_slice(const OpCall<SliceAttributes>& call, GradientBuilder& g) {
  const SliceAttributes& a = call.attributes;
  const int64_t extent = call.in[0].dims[static_cast<size_t>(a.axis)];
  if (g.needed(0))
    g.add_to(0, g.build().add("pad_slice", {g.dy()}, {{"axis", a.axis}, {"before", a.begin}, {"after", extent - a.end}}));
}

Scalar define_slice(const OpCall<SliceAttributes>& call, Body& body, int, const Point& point) {
  return body.at(0, moved(point, call.attributes.axis, call.attributes.begin));
}

// ---- pad_slice

struct PadSliceAttributes {
  int64_t axis = 0, before = 0, after = 0;
};

InferResult infer_pad_slice(const OpCall<PadSliceAttributes>& call) {
  if (auto complaint = check_count(call.in, 1, 1)) return *complaint;
  const PadSliceAttributes& a = call.attributes;
  TensorType type = call.in[0];
  if (!is_axis(a.axis, type.dims)) return fmt::format("{} has no axis {}", to_string(type), a.axis);
  if (a.before < 0 || a.after < 0 || a.before >= kMaximumElements || a.after >= kMaximumElements)
    return "`before` and `after` must not be negative, nor 2^40 or more";
  type.dims[static_cast<size_t>(a.axis)] += a.before + a.after;
  if (auto complaint = check_dims(type.dims)) return *complaint;
  return one_result(std::move(type));
}

void gradient_pad_slice(const OpCall<PadSliceAttributes>& call, GradientBuilder& g) {
  const PadSliceAttributes& a = call.attributes;
  const int64_t extent = call.in[0].dims[static_cast<size_t>(a.axis)];
  if (g.needed(0))
    g.add_to(0, g.build().add("slice", {g.dy()}, {{"axis", a.axis}, {"begin", a.before}, {"end", a.before + extent}}));
}

Scalar define_pad_slice(const OpCall<PadSliceAttributes>& call, Body& body, int, const Point& point) {
  return body.at_or(0, moved(point, call.attributes.axis, -call.attributes.before), 0);
}

// ---- layers

std::vector<ValueId> build_concat(LayerContext& context) {
  const std::vector<ValueId>& values = tensors_argument(context, "values");
  const int64_t axis = integer_argument(context, "axis");
  if (values.empty()) {
    context.error(DiagnosticKind::LayerArgument, fmt::format("`{}` has nothing to join", context.call_text()))
        .help("give it at least two values: `concat(a, b)`");
    return {};
  }
  const TensorType first = context.type(values[0]);
  if (!is_axis(axis, first.dims)) {
    Diagnostic& error = context.error_at("axis", DiagnosticKind::ShapeMismatch,
                                         fmt::format("`{}` joins along axis {}, but its first input is {}", context.call_text(),
                                                     axis, shape_text(first.dims)));
    context.note_origin(error, values[0]);
    return {};
  }
  Dims total = first.dims;
  for (size_t i = 1; i < values.size(); ++i) {
    const TensorType& type = context.type(values[i]);
    Dims other = type.dims;
    if (other.size() == first.dims.size()) other[static_cast<size_t>(axis)] = first.dims[static_cast<size_t>(axis)];
    if (other != first.dims || type.element != first.element) {
      Diagnostic& error = context.error(DiagnosticKind::ShapeMismatch,
                                        fmt::format("`{}` cannot join {} and {}: only axis {} may differ", context.call_text(),
                                                    shape_text(first.dims), shape_text(type.dims), axis));
      context.note_origin(error, values[0]);
      context.note_origin(error, values[i]);
      return {};
    }
    total[static_cast<size_t>(axis)] += type.dims[static_cast<size_t>(axis)];
    if (!require_size(context, total)) return {};
  }
  if (values.size() == 1) return {values[0]};
  return context.add("concat", values, {{"axis", axis}});
}

/// Reports unless the value has this axis.
bool require_axis(LayerContext& context, ValueId x, int64_t axis) {
  if (is_axis(axis, context.type(x).dims)) return true;
  Diagnostic& error = context.error_at("axis", DiagnosticKind::ShapeMismatch,
                                       fmt::format("`{}` cuts along axis {}, but its input is {}", context.call_text(), axis,
                                                   shape_text(context.type(x).dims)));
  context.note_origin(error, x);
  return false;
}

std::vector<ValueId> build_slice(LayerContext& context) {
  const ValueId x = tensor_argument(context, "x");
  const int64_t axis = integer_argument(context, "axis"), begin = integer_argument(context, "begin"),
                end = integer_argument(context, "end");
  if (!require_axis(context, x, axis)) return {};
  const int64_t extent = context.type(x).dims[static_cast<size_t>(axis)];
  if (begin >= end || end > extent) {
    Diagnostic& error = context.error(DiagnosticKind::ShapeMismatch,
                                      fmt::format("`{}` takes {} to {}, but axis {} of its input {} has {}", context.call_text(),
                                                  begin, end, axis, shape_text(context.type(x).dims), extent));
    context.note_origin(error, x);
    error.help("`begin` is the first one taken, `end` the one after the last");
    return {};
  }
  return context.add("slice", {x}, {{"axis", axis}, {"begin", begin}, {"end", end}});
}

std::vector<ValueId> build_split(LayerContext& context) {
  const ValueId x = tensor_argument(context, "x");
  const int64_t axis = integer_argument(context, "axis"), parts = integer_argument(context, "parts");
  if (!require_axis(context, x, axis)) return {};
  const int64_t extent = context.type(x).dims[static_cast<size_t>(axis)];
  if (extent % parts != 0) {
    Diagnostic& error = context.error(DiagnosticKind::ShapeMismatch,
                                      fmt::format("`{}` makes {} equal parts, but axis {} of its input {} has {}",
                                                  context.call_text(), parts, axis, shape_text(context.type(x).dims), extent));
    context.note_origin(error, x);
    return {};
  }
  std::vector<ValueId> results;
  const int64_t step = extent / parts;
  for (int64_t part = 0; part < parts; ++part)
    results.push_back(
        context.add("slice", {x}, {{"axis", axis}, {"begin", part * step}, {"end", (part + 1) * step}}).at(0));
  return results;
}

TensorType image(Dims dims) { return {ElementType::F32, true, std::move(dims)}; }
TensorType weight(Dims dims) { return {ElementType::F32, false, std::move(dims)}; }
AttributeMap cut(int64_t axis, int64_t begin, int64_t end) { return {{"axis", axis}, {"begin", begin}, {"end", end}}; }
AttributeMap around(int64_t axis, int64_t before, int64_t after) {
  return {{"axis", axis}, {"before", before}, {"after", after}};
}

}  // namespace

std::vector<OpDef> concat_ops() {
  return {
      Op<ConcatAttributes>{
          .name = "concat",
          .doc = "The operands one after the other along an axis.",
          .operands = {{.name = "operands", .doc = "values that differ along the axis only", .variadic = true}},
          .attributes = {attribute("axis", &ConcatAttributes::axis, "the axis, 0 for channels")},
          .infer = infer_concat,
          .gradient = gradient_concat,
          .define = define_concat,
          .samples = {{.operands = {image({2, 3, 4}), image({1, 3, 4}), image({3, 3, 4})}},
                      {.operands = {image({2, 3}), weight({2, 2})}, .attributes = {{"axis", int64_t{1}}}},
                      {.operands = {weight({4})}}},
      },
      Op<SliceAttributes>{
          .name = "slice",
          .doc = "The part from `begin` to before `end` along an axis.",
          .operands = {{"x", "any value with this axis"}},
          .attributes = {attribute("axis", &SliceAttributes::axis, "the axis, 0 for channels"),
                         attribute("begin", &SliceAttributes::begin, "the first one taken"),
                         attribute("end", &SliceAttributes::end, "the one after the last")},
          .infer = infer_slice,
          .gradient = gradient_slice,
          .define = define_slice,
          .samples = {{.operands = {image({4, 2, 3})}, .attributes = cut(0, 1, 3)},
                      {.operands = {image({2, 5})}, .attributes = cut(1, 4, 5)},
                      {.operands = {weight({6})}, .attributes = cut(0, 0, 6)}},
      },
      Op<PadSliceAttributes>{
          .name = "pad_slice",
          .doc = "Zeros before and after the value along an axis: the adjoint of `slice`.",
          .operands = {{"x", "any value with this axis"}},
          .attributes = {attribute("axis", &PadSliceAttributes::axis, "the axis, 0 for channels"),
                         attribute("before", &PadSliceAttributes::before, "zeros before it"),
                         attribute("after", &PadSliceAttributes::after, "zeros after it")},
          .infer = infer_pad_slice,
          .gradient = gradient_pad_slice,
          .define = define_pad_slice,
          .samples = {{.operands = {image({2, 2, 3})}, .attributes = around(0, 1, 2)},
                      {.operands = {image({2, 3})}, .attributes = around(1, 0, 2)},
                      {.operands = {weight({3})}, .attributes = around(0, 3, 0)}},
      },
  };
}

std::vector<LayerDef> concat_layers() {
  const ArgumentDef x{.name = "x", .kind = ArgumentKind::Tensor, .doc = "any value"};
  const ArgumentDef axis{.name = "axis",
                         .kind = ArgumentKind::Integer,
                         .doc = "the axis: 0 is the channels, 1 the height, 2 the width",
                         .default_text = "0",
                         .minimum = 0};
  return {
      {.name = "concat",
       .doc = "Joins values along the channels (or another axis). All other dimensions must be equal.",
       .arguments = {{.name = "values", .kind = ArgumentKind::Tensors, .doc = "what to join, in order"}, axis},
       .build = build_concat,
       .example = "concat(skip, deep)"},
      {.name = "slice",
       .doc = "The channels from `begin` to before `end`, or the same along another axis.",
       .arguments = {x,
                     {.name = "begin", .kind = ArgumentKind::Integer, .doc = "the first one taken, counted from 0", .minimum = 0},
                     {.name = "end", .kind = ArgumentKind::Integer, .doc = "the one after the last", .minimum = 1},
                     axis},
       .build = build_slice,
       .example = "x -> slice(0, 16)"},
      {.name = "split",
       .doc = "Cuts a value into equal parts along the channels (or another axis); the result is a list: `half = split(x, 2)`, then "
              "`half[0]` and `half[1]`.",
       .arguments = {x,
                     {.name = "parts", .kind = ArgumentKind::Integer, .doc = "how many; must divide the axis", .minimum = 1,
                      .maximum = 1 << 20},
                     axis},
       .build = build_split,
       .example = "half = split(x, 2)"},
  };
}

}  // namespace cnnc
