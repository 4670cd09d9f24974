// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `conv.lanes` and `conv.planar`: the convolution, in lanes also the gradient towards x at stride 1, which is one. A register tile of
// columns by filters, which the taps run over; weights are scalars in the framework's order, those of a gradient perhaps packed. Vectors
// hold images (lanes) or neighbouring columns (planar, the row cut into vectors, the last one shifted inwards, and the tile perhaps of
// several lines). Where taps leave the image, or channels of a map drive each other out of the caches, x is copied into a scratch; or,
// in lanes, such taps are left out: in tiles of whole rows unrolled columns decide which when compiling, rows are skipped by the loop.
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
  // A row of taps that is left out is left out for all channels: the loops' order is that of the domain.
  const bool leaves_out = border == 0 && (s.leaves_rows() || s.leaves_columns());
  RDom r = leaves_out ? RDom(0, s.kernel_width, 0, s.group_channels(), 0, s.kernel_height) : RDom(0, s.kernel_width, 0, s.kernel_height, 0, s.group_channels());
  const Halide::RVar tap_column = r.x, tap_row = leaves_out ? r.z : r.y, reduced = leaves_out ? r.y : r.z;
  const Expr channel = s.groups == 1 ? Expr(reduced) : k / s.group_filters() * s.group_channels() + reduced;
  const Expr column = x * s.stride_x + tap_column * s.dilation_x, row = y * s.stride_y + tap_row * s.dilation_y;
  const Expr x_row = row - s.pad_top, x_column = column - s.pad_left;
  const auto kept = [&](const Expr& at, int32_t extent) { return leaves_out ? clamp(at, 0, extent - 1) : at; };
  const Expr element = border > 0 ? Expr(bordered(arguments(l, column, row, channel, image)))
                                  : source(l, kept(x_column, s.width), kept(x_row, s.height), channel, image);
  // The weight's filters and channels: a gradient sums over the filters of a group.
  const Expr outer = is_gradient ? channel : Expr(k), inner = !is_gradient ? Expr(reduced) : s.groups == 1 ? Expr(k) : k % s.group_filters();
  const Spot weight_spot{Coordinate::whole(Expr(0)),
                         {Coordinate::whole(outer), Coordinate::whole(inner), Coordinate::whole(s.tap_y(tap_row)), Coordinate::whole(s.tap_x(tap_column))}};
  sums(y_variables) = has_bias ? builder.element(node.operands[2], {Coordinate::whole(Expr(0)), {Coordinate::whole(k)}})
                               : Halide::Internal::make_zero(element.type());
  const Expr sum = sums(y_variables), added = sum + element * builder.element(node.operands[1], weight_spot);
  if (leaves_out) r.where(x_row >= 0 && x_row < s.height);
  sums(y_variables) = leaves_out ? select(x_column >= 0 && x_column < s.width, added, sum) : added;
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
  if (lanes) {
    func.vectorize(l, vector, TailStrategy::RoundUp).unroll(xi).unroll(yl).unroll(ki);
    // Without a scratch that a band shares, its rows, and all groups, share the weights of a tile.
    if (leaves_out) func.reorder(l, xi, yl, ki, xo, yi, n, ko, yo);
    else func.reorder(l, xi, yl, ki, ko, xo, yi, yo);
    sums.vectorize(l, vector, TailStrategy::RoundUp).unroll(x).unroll(y).unroll(k);
    sums.update().reorder(l, x, y, k, r.x, r.y, r.z).vectorize(l, vector, TailStrategy::RoundUp).unroll(x).unroll(y).unroll(k);
  } else {
    func.split(xi, xi, xv, vector).reorder(xv, xi, yl, ki, ko, xo, yi, yo).vectorize(xv).unroll(xi).unroll(yl).unroll(ki);
    sums.split(x, x, xv, vector).vectorize(xv).unroll(x).unroll(y).unroll(k);
    sums.update().split(x, x, xv, vector).reorder(xv, x, y, k, r.x, r.y, r.z).vectorize(xv).unroll(x).unroll(y).unroll(k);
  }
  constexpr int32_t kMostTaps = 7;
  if (s.kernel_width <= kMostTaps) sums.update().unroll(tap_column);
  sums.compute_at(func, leaves_out ? xo : ko);
  if (leaves_out) sums.bound_extent(k, filters).bound_extent(y, lines).bound_extent(x, columns);
  keep_on_stack(sums);
  // Bands of all images are one loop, for the threads; where they share no scratch also tiles of filters.
  const Var step("step");
  if (leaves_out) {
    func.fuse(n, ko, step).fuse(step, yo, step);
  } else if (batched) {
    func.fuse(yo, n, step);
  } else {
    func.rename(yo, step);
  }
  if (border == 1) bordered.compute_at(func, step);
  if (border == 2) bordered.compute_at(sums, reduced);
  if (border == 3) bordered.compute_at(func, xo);
  if (border > 0) {
    bordered.vectorize(lanes ? l : x, vector, TailStrategy::RoundUp);
    keep_on_stack(bordered);
  }
  const int32_t steps = (s.out_height + rows - 1) / rows * (leaves_out ? (s.filters + filters - 1) / filters : 1);
  if (batched) parallelize(func, step, multiply_add_ns(builder, s.multiply_adds() * static_cast<double>(lanes ? vector : 1) / steps));
  return Halide::Pipeline(func);
}

}  // namespace cnnc
