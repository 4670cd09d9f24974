// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `conv.lanes` and `conv.planar`: the convolution, in lanes also the gradient towards x at stride 1, which is one. A register tile of
// columns by filters, which the taps run over; weights are scalars in the framework's order, those of a gradient perhaps packed. Vectors
// hold images (lanes) or neighbouring columns (planar, the row cut into vectors, the last one shifted inwards, and the tile perhaps of
// several lines). Where taps leave the image, or channels of a map drive each other out of the caches, x is copied into a scratch.
// Parameters: columns, filters, lines (of a tile), rows (of a band: its scratch is shared), border (0: none; 1: scratch of a band; 2: of
// a tile and one channel; 3: of a tile and all channels), vector (planar: columns in a vector).
#include "ir/op.h"
#include "lower/templates/conv_shape.h"

namespace cnnc {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

namespace {

/// Of the convolution that the kernel computes: of a gradient towards x that of dy.
ConvShape shape_of(const KernelBuilder& builder, bool is_gradient) {
  const Node& node = builder.anchor();
  const auto dims = [&](ValueId value) { return builder.type(value).dims; };
  const ValueId operand = node.operands[0], result = node.results[0];
  const ConvShape shape = conv_shape(node, dims(is_gradient ? result : operand), dims(is_gradient ? operand : result), dims(node.operands[1]));
  return is_gradient ? gradient_shape(shape) : shape;
}

}  // namespace

Halide::Pipeline build_conv_forward(KernelBuilder& builder) {
  const Node& node = builder.anchor();
  const bool has_bias = node.operands.size() > 2 && node.operands[2].valid();
  const ValueId y_value = node.results[0];
  const bool is_gradient = node.op->name == "conv_grad_input";
  const ConvShape s = shape_of(builder, is_gradient);
  const bool lanes = builder.layout(y_value).kind == LayoutKind::Lanes, batched = builder.type(y_value).batched;
  const auto columns = int32(builder.parameter("columns")), filters = int32(builder.parameter("filters"));
  const auto lines = int32(builder.parameter("lines")), rows = int32(builder.parameter("rows")), border = int32(builder.parameter("border"));
  const auto vector = lanes ? int32(builder.plan().group) : int32(builder.parameter("vector"));
  const PoolWindow window = pool_window(builder);

  // Variables of x: y, x in bordered coordinates (0 is the first row of the padding).
  const Var l = KernelBuilder::lane_variable(), x("d2"), y("d1"), k("d0"), n = KernelBuilder::batch_variable(), c("c");
  const auto arguments = [&](Expr lane, Expr column, Expr row, Expr channel, Expr image) {
    std::vector<Expr> result;
    if (lanes) result.push_back(lane);
    result.insert(result.end(), {column, row, channel});
    if (batched) result.push_back(image);
    return result;
  };
  const auto source = [&](Expr lane, Expr column, Expr row, Expr channel, Expr image) {
    Spot spot{lanes ? Coordinate::split(image, lane, vector) : Coordinate::whole(image),
              {Coordinate::whole(channel), Coordinate::whole(row), Coordinate::whole(column)}};
    return builder.element(node.operands[0], spot);
  };
  std::vector<Var> y_variables = builder.variables(y_value).variables, x_variables;
  for (const Var& variable : y_variables) x_variables.push_back(variable.name() == k.name() ? c : variable);

  Func bordered("bordered"), sums("sums");
  const Expr image = batched ? Expr(n) : Expr(0);
  if (border > 0)
    bordered(x_variables) = inside_or_zero(y - s.pad_top, s.height, x - s.pad_left, s.width,
                                           [&](Expr row, Expr column) { return source(l, column, row, c, image); });
  const RDom r(0, s.kernel_width, 0, s.kernel_height, 0, s.group_channels());
  const Expr channel = s.groups == 1 ? Expr(r.z) : k / s.group_filters() * s.group_channels() + r.z;
  const Expr column = x * s.stride_x + r.x * s.dilation_x, row = y * s.stride_y + r.y * s.dilation_y;
  const Expr element = border > 0 ? Expr(bordered(arguments(l, column, row, channel, image)))
                                  : source(l, column - s.pad_left, row - s.pad_top, channel, image);
  // The weight's filters and channels: a gradient sums over the filters of a group.
  const Expr outer = is_gradient ? channel : Expr(k), inner = !is_gradient ? Expr(r.z) : s.groups == 1 ? Expr(k) : k % s.group_filters();
  const Spot weight_spot{Coordinate::whole(Expr(0)),
                         {Coordinate::whole(outer), Coordinate::whole(inner), Coordinate::whole(s.tap_y(r.y)), Coordinate::whole(s.tap_x(r.x))}};
  sums(y_variables) = has_bias ? builder.element(node.operands[2], {Coordinate::whole(Expr(0)), {Coordinate::whole(k)}})
                               : Halide::Internal::make_zero(element.type());
  sums(y_variables) += element * builder.element(node.operands[1], weight_spot);
  builder.provide(y_value, [=](const Spot& at) {
    return sums(arguments(at.image.inner, at.at[2].value, at.at[1].value, at.at[0].value, lanes ? at.image.outer : at.image.value));
  });

  Results results = define_results(builder);
  Func& func = results.func;
  const Var xi("xi"), xo("xo"), ki("ki"), ko("ko"), yi("yi"), yo("yo"), yl("yl"), xv("xv");
  // The result's tile: behind a pool it has a place for each window of the sums' tile.
  const int32_t tile = (lanes ? columns : columns * vector) / window.width, band = rows / window.height;
  const int32_t width = s.out_width / window.width, height = s.out_height / window.height;
  func.split(x, xo, xi, tile, tail(width, tile)).split(k, ko, ki, filters, TailStrategy::GuardWithIf)
      .split(y, yo, yi, band, tail(height, band, TailStrategy::GuardWithIf)).split(yi, yi, yl, lines / window.height);
  const Halide::RVar taps = r.x;
  if (lanes) {
    func.reorder(l, xi, yl, ki, ko, xo, yi, yo).vectorize(l, vector, TailStrategy::RoundUp).unroll(xi).unroll(yl).unroll(ki);
    sums.vectorize(l, vector, TailStrategy::RoundUp).unroll(x).unroll(y).unroll(k);
    sums.update().reorder(l, x, y, k, taps, r.y, r.z).vectorize(l, vector, TailStrategy::RoundUp).unroll(x).unroll(y).unroll(k);
  } else {
    func.split(xi, xi, xv, vector).reorder(xv, xi, yl, ki, ko, xo, yi, yo).vectorize(xv).unroll(xi).unroll(yl).unroll(ki);
    sums.split(x, x, xv, vector).vectorize(xv).unroll(x).unroll(y).unroll(k);
    sums.update().split(x, x, xv, vector).reorder(xv, x, y, k, taps, r.y, r.z).vectorize(xv).unroll(x).unroll(y).unroll(k);
  }
  constexpr int32_t kMostTaps = 7;
  if (s.kernel_width <= kMostTaps) sums.update().unroll(taps);
  sums.compute_at(func, ko);
  keep_on_stack(sums);
  // Bands of all images are one loop, for the threads.
  const Var step("step");
  if (batched) {
    func.fuse(yo, n, step);
  } else {
    func.rename(yo, step);
  }
  if (border == 1) bordered.compute_at(func, step);
  if (border == 2) bordered.compute_at(sums, r.z);
  if (border == 3) bordered.compute_at(func, xo);
  if (border > 0) {
    bordered.vectorize(lanes ? l : x, vector, TailStrategy::RoundUp);
    keep_on_stack(bordered);
  }
  const int32_t bands = (s.out_height + rows - 1) / rows;
  if (batched) parallelize(func, step, multiply_add_ns(builder, s.multiply_adds() * static_cast<double>(lanes ? vector : 1) / bands));
  return Halide::Pipeline(func);
}

}  // namespace cnnc
