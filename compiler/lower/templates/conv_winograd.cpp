// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `conv.winograd`: 3x3 taps at stride 1 by Winograd's algorithm (winograd.h), channels in vectors: 4 or 2.25 times fewer
// multiply-adds than the sum over taps. x lies in blocks with a border of zeros that fills the last tiles up. A block of tiles
// is transformed for all channels; then for each tile of filters the products are summed in registers, and transformed back
// where the result is stored; a pool takes its windows from there.
// Parameters: columns, rows, images, blocks (of a register tile), across, band, group (tiles and images that are transformed
// together), parts (of the filters, which threads share, and the transform too; 1: they share blocks of tiles), chunk (blocks of
// channels that all register tiles sum before the next ones, so that their weights stay in the first-level cache; 0: all), unroll.
#include "lower/templates/conv_shape.h"
#include "lower/templates/winograd.h"

namespace cnnc {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::RVar;
using Halide::TailStrategy;
using Halide::Var;
using Exprs = std::vector<Expr>;

/// Channels that one update sums over: whole blocks, or those of the last one.
struct Channels {
  RDom domain;
  Expr block;
  int32_t first_block, extent;
};

std::vector<Channels> channel_ranges(int32_t channels, int32_t vector) {
  std::vector<Channels> ranges;
  const int32_t whole = channels / vector, rest = channels % vector;
  if (whole > 0) {
    const RDom r(0, vector, 0, whole);
    ranges.push_back({r, r.y, 0, vector});
  }
  if (rest > 0) ranges.push_back({RDom(0, rest), Expr(whole), whole, rest});
  return ranges;
}

}  // namespace

Halide::Pipeline build_conv_winograd(KernelBuilder& builder) {
  const Node& node = builder.anchor();
  const ValueId x_value = node.operands[0], w_value = node.operands[1], y_value = node.results[0];
  const bool has_bias = node.operands.size() > 2 && node.operands[2].valid(), batched = builder.type(y_value).batched;
  const ConvShape s = conv_shape(node, builder.type(x_value).dims, builder.type(y_value).dims, builder.type(w_value).dims);
  const Dims& packed = builder.layout(w_value).tile;
  const int32_t vector = int32(packed[0]), blocks = int32(packed[1]), m = int32(packed[2]), side = int32(winograd_side(m));
  const auto columns = int32(builder.parameter("columns")), rows = int32(builder.parameter("rows")), unroll = int32(builder.parameter("unroll"));
  const auto images = int32(builder.parameter("images")), group = int32(builder.parameter("group"));
  const auto chunk = int32(builder.parameter("chunk"));
  const auto across = int32(builder.parameter("across")), band = int32(builder.parameter("band")), parts = int32(builder.parameter("parts"));
  const PoolWindow window = pool_window(builder);

  const std::vector<Var> variables = builder.variables(y_value).variables;
  const Var l = variables[0], x = variables[1], y = variables[2], k = variables[3], n = KernelBuilder::batch_variable();
  const Var c("c"), cb("cb"), tx("tx"), ty("ty"), f("f"), e("e"), i("i"), ox("ox");
  const auto place = [&](std::vector<Expr> coordinates) {
    if (batched) coordinates.push_back(n);
    return coordinates;
  };
  const auto parameters = [&](std::vector<Var> names) {
    if (batched) names.push_back(n);
    return names;
  };
  Func half("half"), image("image"), sums("sums"), back("back");
  // A register tile at the end of the batch reads its last image again.
  const Expr read = group > 1 ? min(n, builder.batch() - 1) : batched ? Expr(n) : Expr(0);
  half(parameters({c, cb, tx, ty, i, f})) = transformed(transform_image, m, f, side, [&](int32_t j) {
    return builder.element(x_value, {Coordinate::whole(read),
                                     {Coordinate::split(cb, c, vector), Coordinate::whole(ty * m + i - s.pad_top), Coordinate::whole(tx * m + j - s.pad_left)}});
  });
  image(parameters({c, cb, tx, ty, f, e})) = transformed(transform_image, m, e, side, [&](int32_t row) { return Expr(half(place({c, cb, tx, ty, row, f}))); });
  const std::vector<Channels> ranges = channel_ranges(s.channels, vector);
  const std::vector<Var> sum_parameters = parameters({l, k, tx, ty, f, e});
  sums(sum_parameters) = 0.0f;
  // A register tile that begins in the last tiles of a row takes the last one again.
  const int32_t tiles = (across + columns - 1) / columns * columns;
  const Expr tile = tiles > across ? min(Expr(tx), across - 1) : Expr(tx);
  for (const Channels& range : ranges)
    sums(sum_parameters) += builder.memory(w_value)(l, k % blocks, range.block * vector + range.domain.x, f, e, k / blocks) *
                            image(place({range.domain.x, range.block, tile, ty, f, e}));
  back(parameters({l, k, tx, ty, e, ox})) = transformed(transform_back, m, ox, side, [&](int32_t j) { return Expr(sums(place({l, k, tx, ty, j, e}))); });
  builder.provide(y_value, [=, &builder](const Spot& at) {
    const auto [block, lane] = at.at[0].parts(vector);
    const Expr row = at.at[1].value, column = at.at[2].value;
    const Expr sum = transformed(transform_back, m, row % m, side, [&](int32_t j) {
      Exprs coordinates = {lane, block, column / m, row / m, j, column % m};
      if (batched) coordinates.push_back(at.image.value);
      return Expr(back(coordinates));
    });
    return has_bias ? sum + builder.element(node.operands[2], {Coordinate::whole(Expr(0)), {at.at[0]}}) : sum;
  });

  const int32_t filter_tiles = (s.filters + vector * blocks - 1) / (vector * blocks);
  Results results = define_results(builder);
  Func& func = results.func;
  const Var xo("xo"), yo("yo"), oy("oy"), ko("ko"), txi("txi"), tyi("tyi"), part("part"), no("no"), ni("ni"), step("step");
  const auto outer_tail = [](int32_t extent, int32_t size) { return tail(extent, size, TailStrategy::GuardWithIf); };
  // Of the result, which behind a pool has a place for each window of a tile.
  const int32_t wide = m / window.width, high = m / window.height;
  func.split(x, xo, x, wide * across, outer_tail(s.out_width / window.width, wide * across))
      .split(x, tx, ox, wide)
      .split(y, yo, y, high * band, outer_tail(s.out_height / window.height, high * band))
      .split(y, ty, oy, high)
      .split(k, ko, k, blocks, TailStrategy::RoundUp)
      .split(ko, part, ko, filter_tiles / parts, TailStrategy::RoundUp)
      .reorder(l, ox, oy, tx, ty, k, ko, part, xo, yo)
      .vectorize(l, vector, TailStrategy::RoundUp).unroll(ox).unroll(oy);
  Var batch_loop = n;
  if (group > 1) {
    func.split(n, no, n, group, TailStrategy::GuardWithIf).reorder(l, ox, oy, tx, ty, k, n, ko, part, xo, yo, no);
    batch_loop = no;
    image.bound_storage(n, group).reorder_storage(c, cb, tx, ty, n, f, e);
    sums.bound_storage(n, group).reorder_storage(l, k, tx, ty, n, f, e);
  } else {
    image.align_storage(tx, across | 1);
    sums.align_storage(tx, tiles | 1);
  }
  back.compute_at(func, tx).bound_extent(e, side).bound_extent(ox, m).vectorize(l, vector, TailStrategy::RoundUp).unroll(e).unroll(ox);
  sums.compute_at(func, ko).bound_extent(tx, tiles).bound_extent(ty, band).bound_extent(k, blocks).bound_extent(f, side).bound_extent(e, side);
  sums.vectorize(l, vector, TailStrategy::RoundUp).unroll(k);
  const RVar next_chunk("next_chunk"), in_chunk("in_chunk");
  for (size_t stage = 0; stage < ranges.size(); ++stage) {
    const RDom& r = ranges[stage].domain;
    auto update = sums.update(static_cast<int>(stage));
    std::vector<Halide::VarOrRVar> order = {l, k, txi, tyi};
    if (group > 1) order.emplace_back(ni);
    order.emplace_back(r.x);
    const bool has_chunks = chunk > 0 && r.dimensions() > 1;
    if (has_chunks) update.split(r.y, next_chunk, in_chunk, chunk);
    if (r.dimensions() > 1) order.push_back(has_chunks ? in_chunk : r.y);
    for (const Var& outer : {tx, ty}) order.emplace_back(outer);
    if (has_chunks) order.emplace_back(next_chunk);
    if (batched) order.emplace_back(n);
    for (const Var& outer : {f, e}) order.emplace_back(outer);
    update.split(tx, tx, txi, columns, TailStrategy::RoundUp).split(ty, ty, tyi, rows);
    if (group > 1) update.split(n, n, ni, images, TailStrategy::RoundUp).unroll(ni);
    update.reorder(order).vectorize(l, vector, TailStrategy::RoundUp).unroll(k).unroll(txi).unroll(tyi);
    if (ranges[stage].extent % unroll == 0) update.unroll(r.x, unroll);
  }
  image.compute_at(func, step).bound_extent(tx, across).bound_extent(ty, band).bound_extent(f, side).bound_extent(e, side);
  image.reorder(c, f, e, tx, ty, cb).vectorize(c, vector, TailStrategy::RoundUp).unroll(f).unroll(e);
  half.compute_at(image, tx).bound_extent(i, side).bound_extent(f, side).vectorize(c, vector, TailStrategy::RoundUp).unroll(f).unroll(i);
  for (Func* scratch : {&half, &image, &sums, &back}) keep_on_stack(*scratch);
  // A step is a block of tiles of some images. Threads take one each, or share both its transform and its filters.
  func.fuse(xo, yo, step);
  if (batched) func.fuse(step, batch_loop, step);
  const double steps = 1 / static_cast<double>(group) * static_cast<double>((s.out_width + m * across - 1) / (m * across)) * ((s.out_height + m * band - 1) / (m * band));
  const double step_ns = multiply_add_ns(builder, s.multiply_adds() / 3 / steps);
  if (parts > 1) {
    constexpr double kTransformShare = 0.1;
    const int32_t channel_blocks = (s.channels + vector - 1) / vector;
    parallelize(image, cb, kTransformShare * step_ns / channel_blocks);
    parallelize(func, part, step_ns / parts);
  } else {
    parallelize(func, step, step_ns);
  }
  return Halide::Pipeline(func);
}

}  // namespace cnnc
