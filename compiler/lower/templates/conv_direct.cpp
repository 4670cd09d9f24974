// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `conv.direct`: y in blocks of channels, a register tile of pixels (columns by rows) by vectors of filters. Weights are packed
// in the order in which they are read. x lies in blocks too, with a border of zeros as wide as the taps reach, and the sum runs
// over exactly its channels; or x is planar, copied band by band into a bordered scratch where taps leave the image. The
// innermost loops are filters inside pixels, so that the weights of a tile stay in registers and one broadcast lives at a
// time. Parameters: columns, rows, blocks (of a tile), band, border, stream (weights are read in the order of memory), ahead (blocks of
// channels that are fetched early), unroll (channels written out).
// `conv.separable`: the same of a single tap, where x is what a convolution of each channel alone makes: a band of its rows is computed into
// a scratch first. Parameters: columns, rows, blocks, band, across (columns of a channel), unroll.
#include <algorithm>

#include "lower/templates/conv_shape.h"

namespace cnnc {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::RVar;
using Halide::TailStrategy;
using Halide::Var;

/// The channels that one update sums over: whole blocks, or those of the last one; of a planar x, all in one loop.
struct ChannelRange {
  RDom domain;                    // channel (inside its block), tap column, tap row, and perhaps the block
  int32_t extent;                 // of the first
  Expr input;                     // the channel in its group, of weights
  Coordinate channel;             // of x
};

std::vector<ChannelRange> channel_ranges(const ConvShape& s, int32_t vector, bool x_is_blocked, const Expr& group) {
  std::vector<ChannelRange> ranges;
  const int32_t channels = s.group_channels(), whole = channels / vector, rest = channels % vector;
  if (!x_is_blocked) {
    const RDom r(0, channels, 0, s.kernel_width, 0, s.kernel_height);
    return {{r, channels, r.x, Coordinate::whole(group * channels + r.x)}};
  }
  if (whole > 0) {
    const RDom r(0, vector, 0, s.kernel_width, 0, s.kernel_height, 0, whole);
    ranges.push_back({r, vector, r[3] * vector + r.x, Coordinate::split(group * whole + r[3], r.x, vector)});
  }
  if (rest > 0) {
    const RDom r(0, rest, 0, s.kernel_width, 0, s.kernel_height);
    ranges.push_back({r, rest, whole * vector + r.x, Coordinate::split(Expr(whole), r.x, vector)});
  }
  return ranges;
}

/// x, made by a convolution of each channel alone, comes from a scratch from here on.
Func provide_channels(KernelBuilder& builder) {
  const ValueId x = builder.anchor().operands[0];
  provide_depthwise(builder, builder.graph().node(builder.kernel().depthwise));
  return builder.keep(x, "channels");
}

/// A band of all channels, a few columns of a channel at a time, for all tiles of filters.
void compute_channels_at(const KernelBuilder& builder, Func channels, const Func& func, const Var& step) {
  const ValueId x = builder.anchor().operands[0];
  const std::vector<Var> variables = builder.variables(x).variables;
  const auto across = int32(builder.parameter("across")), width = int32(builder.type(x).dims[2]);
  const Var xo("xo"), xi("xi");
  channels.compute_at(func, step).bound_extent(variables[1], width).split(variables[1], xo, xi, across, tail(width, across))
      .reorder(variables[0], xi, xo, variables[2], variables[3]).unroll(xi)
      .vectorize(variables[0], int32(builder.layout(x).vector), TailStrategy::RoundUp);
  keep_on_stack(channels);
}

}  // namespace

Halide::Pipeline build_conv_direct(KernelBuilder& builder) {
  const Node& node = builder.anchor();
  const ValueId x_value = node.operands[0], w_value = node.operands[1], y_value = node.results[0];
  const bool has_bias = node.operands.size() > 2 && node.operands[2].valid(), batched = builder.type(y_value).batched;
  const ConvShape s = conv_shape(node, builder.type(x_value).dims, builder.type(y_value).dims, builder.type(w_value).dims);
  const auto vector = int32(builder.layout(y_value).vector), columns = int32(builder.parameter("columns")), rows = int32(builder.parameter("rows"));
  const auto blocks = int32(builder.parameter("blocks")), band = std::max(rows, int32(builder.parameter("band"))), unroll = int32(builder.parameter("unroll"));
  const int32_t depthwise = builder.kernel().depthwise;
  const auto ahead = depthwise >= 0 ? 0 : int32(builder.parameter("ahead"));
  const bool stream = depthwise < 0 && builder.parameter("stream") == 1, copies = depthwise < 0 && builder.parameter("border") > 0;
  const PoolWindow window = pool_window(builder);
  const bool x_is_blocked = builder.layout(x_value).kind == LayoutKind::Blocked;

  // Variables of x: y, x in bordered coordinates (0 is the first row of the padding).
  const std::vector<Var> variables = builder.variables(y_value).variables;
  const Var l = variables[0], x = variables[1], y = variables[2], k = variables[3], n = KernelBuilder::batch_variable(), c("c");
  const Expr image = batched ? Expr(n) : Expr(0);
  Func bordered("bordered"), sums("sums");
  const Func channels = depthwise >= 0 ? provide_channels(builder) : Func();
  if (copies) {
    const std::vector<Var> places = batched ? std::vector{x, y, c, n} : std::vector{x, y, c};
    bordered(places) = inside_or_zero(y - s.pad_top, s.height, x - s.pad_left, s.width, [&](const Expr& row, const Expr& column) {
      return builder.element(x_value, {Coordinate::whole(image), {Coordinate::whole(c), Coordinate::whole(row), Coordinate::whole(column)}});
    });
  }
  const auto source = [&](const Coordinate& channel, const Expr& row, const Expr& column) -> Expr {
    if (!copies)
      return builder.element(x_value, {Coordinate::whole(image), {channel, Coordinate::whole(row - s.pad_top), Coordinate::whole(column - s.pad_left)}});
    return batched ? bordered(column, row, channel.value, n) : bordered(column, row, channel.value);
  };
  const Coordinate filter = Coordinate::split(k, l, vector);
  const Expr group = s.groups == 1 ? Expr(0) : k / (s.group_filters() / vector);
  const std::vector<ChannelRange> ranges = channel_ranges(s, vector, x_is_blocked, group);
  const auto product = [&](const ChannelRange& range) {
    const RDom& r = range.domain;
    const Spot weight{Coordinate::whole(Expr(0)),
                      {filter, Coordinate::whole(range.input), Coordinate::whole(s.tap_y(r.z)), Coordinate::whole(s.tap_x(r.y))}};
    return source(range.channel, y * s.stride_y + r.z * s.dilation_y, x * s.stride_x + r.y * s.dilation_x) * builder.element(w_value, weight);
  };
  sums(variables) = has_bias ? builder.element(node.operands[2], {Coordinate::whole(Expr(0)), {filter}}) : Halide::Internal::make_zero(product(ranges[0]).type());
  for (const ChannelRange& range : ranges) sums(variables) += product(range);
  builder.provide(y_value, [=](const Spot& at) {
    const auto [block, lane] = at.at[0].parts(vector);
    std::vector<Expr> place = {lane, at.at[2].value, at.at[1].value, block};
    if (batched) place.push_back(at.image.value);
    return sums(place);
  });

  Results results = define_results(builder);
  Func& func = results.func;
  const Var xi("xi"), xo("xo"), yi("yi"), yo("yo"), ki("ki"), ko("ko");
  // The result's tile: behind a pool it has a place for each window of the sums' tile.
  const int32_t wide = columns / window.width, high = rows / window.height, height = band / window.height;
  func.split(x, xo, xi, wide, tail(s.out_width / window.width, wide))
      .split(y, yo, y, height, tail(s.out_height / window.height, height, TailStrategy::GuardWithIf))
      .split(y, y, yi, high, tail(height, high))
      .split(k, ko, ki, blocks, TailStrategy::RoundUp)
      .reorder(l, xi, yi, ki, xo, y, ko, yo)
      .vectorize(l, vector, TailStrategy::RoundUp).unroll(xi).unroll(yi).unroll(ki);
  sums.compute_at(func, xo).vectorize(l, vector, TailStrategy::RoundUp).unroll(x).unroll(y).unroll(k);
  for (size_t i = 0; i < ranges.size(); ++i) {
    const RDom& r = ranges[i].domain;
    std::vector<Halide::VarOrRVar> order = {l, k, x, y, r.x, r.y, r.z};
    if (r.dimensions() > 3) order.insert(order.end() - (stream ? 2 : 0), r[3]);
    const auto stage = static_cast<int>(i);
    sums.update(stage).reorder(order).vectorize(l, vector, TailStrategy::RoundUp).unroll(k).unroll(x).unroll(y);
    if (ranges[i].extent % unroll == 0) sums.update(stage).unroll(r.x, unroll);
    // What lies beyond x at its end need not be there.
    if (ahead > 0 && r.dimensions() > 3) sums.update(stage).prefetch(builder.memory(x_value), r[3], r[3], ahead, Halide::PrefetchBoundStrategy::NonFaulting);
  }
  keep_on_stack(sums);
  // A step of the parallel loop: the tiles of some filters, or a band where filters share the copy of x.
  const Var step("step");
  int32_t steps = (s.out_height + band - 1) / band;
  if (copies) {
    func.rename(yo, step);
    bordered.compute_at(func, step).vectorize(x, vector, TailStrategy::RoundUp);
    keep_on_stack(bordered);
  } else if (depthwise >= 0) {
    func.rename(yo, step);
    compute_channels_at(builder, channels, func, step);
  } else {
    func.fuse(ko, yo, step);
    steps *= (s.filters + vector * blocks - 1) / (vector * blocks);
  }
  if (batched) func.fuse(step, n, step);
  parallelize(func, step, multiply_add_ns(builder, builder.kernel().multiply_adds / steps));
  return Halide::Pipeline(func);
}

}  // namespace cnnc
