// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Winograd's algorithm: whether it is expected to be faster than a direct sum, and its tiles, of a convolution, of the gradient
// towards x, and of the gradient towards the weights.
#include <algorithm>
#include <limits>

#include "ir/op.h"
#include "schedule/conv_numbers.h"
#include "schedule/templates.h"

namespace cnnc {

WinogradShape winograd_shape(const ConvNumbers& c, int64_t vector, int64_t batch) { return {c.x[0], c.y[0], c.y[1], c.y[2], vector, false, batch}; }

WinogradShape winograd_lane_shape(const ConvNumbers& c, int64_t vector, bool towards_x, int64_t groups) {
  const Dims &from = towards_x ? c.y : c.x, &to = towards_x ? c.x : c.y;
  return {from[0], to[0], to[1], to[2], vector, true, 1, groups};
}

WinogradShape winograd_shape(const Graph& graph, const Node& node, int64_t vector, bool lanes, int64_t batch) {
  const ConvNumbers c = conv_numbers(graph, node);
  if (lanes) return winograd_lane_shape(c, vector, node.op->name == "conv_grad_input");
  return winograd_shape(c, vector, graph.type(node.results[0]).batched ? batch : 1);
}

int64_t WinogradShape::image_bytes(int64_t m, int64_t tiles) const {
  return winograd_side(m) * winograd_side(m) * tiles * (lanes ? inputs : ceil_divide(inputs, vector)) * vector * kWinogradElement;
}

int64_t WinogradShape::product_bytes(int64_t m, int64_t tiles, int64_t blocks) const {
  return winograd_side(m) * winograd_side(m) * tiles * blocks * vector * kWinogradElement;
}

namespace {

/// What the transforms of one tile and one vector cost, as measured, in multiply-adds.
struct TransformCost {
  int64_t image, back;
};
TransformCost transform_cost(int64_t m) { return m == 4 ? TransformCost{130, 110} : TransformCost{40, 30}; }

/// Weights that do not fit a core's caches come from memory for each image: vectors of multiply-adds that pass meanwhile.
double streaming_cost(double bytes, const Target& target) {
  return bytes <= static_cast<double>(target.level2_bytes) ? 0 : bytes / streamed_bytes(target.memory_gbs, target);
}

/// Multiply-adds that pass while weights come in lanes, from the cache that holds them all or from memory.
double lane_streaming_cost(double all_bytes, double reads, const Target& target) {
  if (all_bytes <= static_cast<double>(target.level2_bytes)) return 0;
  return all_bytes * reads / streamed_bytes(all_bytes <= static_cast<double>(target.level3_bytes) ? target.level3_gbs : target.memory_gbs, target);
}

/// The share of a group in the transform of lanes' weights: they are read, and written, which takes the memory twice.
double weight_transform_cost(const WinogradShape& s, int64_t m, const Target& target) {
  if (s.groups == 0) return 0;
  constexpr double kTaps = 9, kWritten = 2;
  const auto numbers = static_cast<double>(winograd_side(m) * winograd_side(m));
  return lane_streaming_cost(numbers * static_cast<double>(s.inputs * s.outputs * kWinogradElement), kWritten + kTaps / numbers, target) / static_cast<double>(s.groups);
}

/// What a kernel takes longer that computes while weights come: of what computing could hide, a share, as measured.
double exposed(double streaming, double computing) {
  constexpr double kShare = 0.25;
  return std::max(kShare * streaming, streaming - computing);
}

/// The cost of a multiply-add that a block's transformed images cause: beyond the second-level cache each is read anew for every
/// tile of filters, a vector in lanes, otherwise a number.
double image_cost(const WinogradShape& s, int64_t image_bytes, int64_t blocks) {
  return image_bytes <= kWinogradImageBytes ? 0 : 1 / static_cast<double>(blocks * (s.lanes ? 1 : s.vector));
}

/// Sums that keep a core busy: multiply-adds that begin until one is done.
double sums_for_latency(const Target& target) {
  constexpr double kLatencyNs = 1.33, kOperations = 2;
  return kLatencyNs * target.peak_gflops / static_cast<double>(kOperations * target.lanes(ElementType::F32));
}

/// The best register tile for a block of tiles, with the cost of its multiply-adds: of one, as a share of the peak's.
WinogradTile register_tile_of(const WinogradShape& s, int64_t m, WinogradTile tile, const Target& target) {
  // Register tiles that reach beyond a row are for rows that none divides well, as measured.
  constexpr double kPartly = 1.1;
  const bool is_row = tile.across == s.tiles_across(m);
  tile.cost = std::numeric_limits<double>::infinity();
  const WinogradTile block = tile;
  const auto consider = [&](int64_t columns, int64_t rows, int64_t images) {
    const int64_t pixels = columns * rows * images;
    // In lanes vectors of tiles stay in registers, otherwise those of filters.
    if ((s.lanes ? tile_registers(pixels, block.blocks) : tile_registers(block.blocks, pixels)) > target.vector_registers) return;
    // A group that the batch ends in is filled up to whole register tiles.
    const int64_t last = s.batch % block.group, computed = s.batch - last + ceil_divide(last, images) * images;
    const double filled = block.across % columns == 0 ? 1 : kPartly / useful_share(block.across, columns);
    const double cost = filled * static_cast<double>(computed) / static_cast<double>(s.batch) / blocked_efficiency(pixels, block.blocks, sums_for_latency(target));
    if (cost < tile.cost * (1 - 1e-9)) tile.columns = columns, tile.rows = rows, tile.images = images, tile.cost = cost;
  };
  for (int64_t columns = 1; columns <= block.across; ++columns)
    for (int64_t rows = 1; rows <= block.band; ++rows) {
      // The last register tile of a whole row may reach beyond it.
      const bool fits = block.across % columns == 0 || (!s.lanes && is_row && s.product_bytes(m, ceil_divide(block.across, columns) * columns * block.band * block.group, block.blocks) <= kWinogradProductBytes);
      if (!fits || block.band % rows != 0 || (rows > 1 && columns < block.across)) continue;
      const bool is_whole = columns == block.across && rows == block.band;
      for (int64_t images = 1; images <= (is_whole ? block.group : 1); ++images)
        if (block.group % images == 0) consider(columns, rows, images);
    }
  return tile;
}

}  // namespace

WinogradTile winograd_tile(const WinogradShape& s, int64_t m, const Target& target, int64_t blocks) {
  const int64_t across_all = s.tiles_across(m), rows_all = s.tiles_down(m), side = winograd_side(m);
  const int64_t inputs = s.lanes ? s.inputs : ceil_divide(s.inputs, s.vector), all_blocks = s.lanes ? s.outputs : ceil_divide(s.outputs, s.vector);
  const auto tiles = static_cast<double>(across_all * rows_all), weights = static_cast<double>(side * side * s.inputs * all_blocks);
  const TransformCost each = transform_cost(m);
  const double transforms = tiles * static_cast<double>(each.image * inputs + each.back * all_blocks) + weight_transform_cost(s, m, target);
  WinogradTile best;
  best.cost = std::numeric_limits<double>::infinity();
  const auto consider = [&](int64_t b, int64_t across, int64_t band, int64_t group) {
    WinogradTile tile = register_tile_of(s, m, {1, 1, 1, b, across, band, group}, target);
    const double blocks_of_tiles = tiles / static_cast<double>(across * band);
    const double groups = static_cast<double>(ceil_divide(s.batch, group)) / static_cast<double>(s.batch);
    const double images = image_cost(s, s.image_bytes(m, across * band * group), b), computing = weights * tiles * (tile.cost + images);
    const double streaming = s.lanes ? exposed(lane_streaming_cost(weights * 4, blocks_of_tiles, target), computing)
                                     : groups * blocks_of_tiles * streaming_cost(weights * static_cast<double>(s.vector * 4), target);
    tile.cost = computing + transforms + streaming;
    if (tile.cost < best.cost * (1 - 1e-9)) best = tile;
  };
  for (int64_t b = 1; b <= std::min<int64_t>(all_blocks, 8); ++b) {
    if (all_blocks % b != 0 || (blocks > 0 && b != blocks) || !s.fits(m, 1, b)) continue;
    // The largest block of tiles, since weights are read once for each: whole rows, if they fit a cache, or the stack.
    int64_t across = 1, band = 1;
    for (const bool in_caches : {true, false}) {
      const auto fits = [&](int64_t block) { return in_caches ? s.fits_caches(m, block, b) : s.fits(m, block, b); };
      across = largest_divisor(across_all, across_all, fits);
      band = across < across_all ? 1 : largest_divisor(rows_all, rows_all, [&](int64_t n) { return fits(n * across); });
      consider(b, across, band, 1);
    }
    if (across == across_all && band == rows_all)
      for (int64_t group = 2; group <= s.batch && s.fits(m, group * across * band, b); ++group) consider(b, across, band, group);
    if (!s.lanes) continue;
    for (const int64_t narrower : divisors(across)) consider(b, narrower, 1, 1);
    for (const int64_t lower : divisors(band)) consider(b, across, lower, 1);
  }
  return best;
}

bool allows_winograd(const ConvNumbers& c) {
  const Dims ones{1, 1};
  if (c.pad[0] > 2 || c.pad[1] > 2) return false;     // the gradient would read a part of dy only
  return c.groups == 1 && !c.flip && c.weight[2] == 3 && c.weight[3] == 3 && c.stride == ones && c.dilation == ones;
}

int64_t prefers_winograd(const ConvNumbers& c, int64_t vector, int64_t batch, const Target& target) {
  if (!allows_winograd(c)) return 0;
  const auto weights = static_cast<double>(element_count(c.weight) * 4);
  double best = blocked_tile(c, vector, target.vector_registers).cost + streaming_cost(weights, target);
  int64_t outputs = 0;
  for (const int64_t candidate : {4, 2}) {
    const double cost = winograd_tile(winograd_shape(c, vector, batch), candidate, target).cost;
    if (cost < best) best = cost, outputs = candidate;
  }
  return outputs;
}

int64_t prefers_winograd_lanes(const ConvNumbers& c, int64_t vector, int64_t groups, const Target& target, bool towards_x) {
  if (!allows_winograd(c)) return 0;
  const WinogradShape shape = winograd_lane_shape(c, vector, towards_x, groups);
  // A direct sum comes near to the peak, and rounds less: the gain must be clear. Of small maps it leaves out many taps.
  constexpr double kClearly = 0.85;
  const std::optional<ConvNumbers> direct = towards_x ? c.of_gradient() : c;
  const double useful = direct && (towards_x ? leaves_out_zeros(c, target.vector_registers) : leaves_out_taps(c, target.vector_registers)) ? useful_taps(*direct) : 1;
  double best = std::min(kClearly, useful) * static_cast<double>(shape.inputs * shape.outputs * c.taps() * shape.height * shape.width);
  int64_t outputs = 0;
  for (const int64_t candidate : {4, 2}) {
    const double cost = winograd_tile(shape, candidate, target).cost;
    if (cost < best) best = cost, outputs = candidate;
  }
  return outputs;
}

int64_t WinogradWeightTile::sum_bytes(int64_t vector) const {
  return winograd_side(outputs) * winograd_side(outputs) * filter_block * vector_block * vector * kWinogradElement;
}

int64_t WinogradWeightTile::tile_bytes(int64_t vector) const {
  return winograd_side(outputs) * winograd_side(outputs) * tiles() * (filter_block + vector_block * vector) * vector * kWinogradElement;
}

int64_t WinogradWeightTile::copy_bytes(int64_t vector) const { return (outputs * across + 2) * (outputs * band + 2) * vector * vector * kWinogradElement; }

namespace {

bool fits(const WinogradWeightTile& tile, int64_t vector) {
  return tile.sum_bytes(vector) <= kWinogradSumBytes && tile.tile_bytes(vector) <= kWinogradTileBytes && tile.copy_bytes(vector) <= kWinogradCopyBytes;
}

/// The register tile of a block: few loads for a multiply-add.
double fill_register_tile(WinogradWeightTile& tile, int64_t registers) {
  double best = 0;
  for (const int64_t f : divisors(tile.filter_block))
    for (const int64_t v : divisors(tile.vector_block)) {
      if (f > 16 || v > 8 || tile_registers(v, f) > registers) continue;
      const double efficiency = blocked_efficiency(f, v);
      if (efficiency > best + 1e-9) best = efficiency, tile.filters = f, tile.vectors = v;
    }
  return best;
}

/// What a multiply-add costs that a tile of x or dy takes part in, in multiply-adds, as measured: copies, transforms, additions to
/// the sums, and what passes through the shared cache where a block does not lie in a core's own.
double winograd_weight_cost(const WinogradWeightTile& tile, int64_t vector, double efficiency) {
  constexpr double kAdd = 6, kTurn = 10, kOwnBytes = 900 << 10, kSharedBytesPerVector = 40;
  const int64_t m = tile.outputs, numbers = winograd_side(m) * winograd_side(m);
  const TransformCost each = transform_cost(m);
  const auto tiles = static_cast<double>(tile.tiles()), places = static_cast<double>((m * tile.across + 2) * (m * tile.band + 2)) / static_cast<double>(tile.across * tile.band);
  const auto filters = static_cast<double>(tile.filter_block), channels = static_cast<double>(tile.vector_block * vector);
  const double products = static_cast<double>(numbers) * (1 / efficiency + kAdd / (tiles * static_cast<double>(vector)));
  const double transforms = (static_cast<double>(each.image) + kTurn * places) / filters + 1.4 * static_cast<double>(each.back) / channels;
  const auto bytes = static_cast<double>(tile.sum_bytes(vector) + tile.tile_bytes(vector) + 2 * tile.copy_bytes(vector));
  const double traffic = bytes <= kOwnBytes ? 0 : 2 * bytes / kSharedBytesPerVector / (tiles * filters * channels);
  return products + transforms + traffic;
}

}  // namespace

WinogradWeightTile winograd_weight_tile(const ConvNumbers& c, int64_t vector, int64_t registers, int64_t groups) {
  WinogradWeightTile best;
  if (!allows_winograd(c)) return best;
  // What a direct sum takes of its multiply-adds, as measured; the gain must be clear, because it rounds less.
  constexpr double kDirect = 1.3, kClearly = 0.85;
  const int64_t filters = c.weight[0], channels = c.weight[1], all_vectors = ceil_divide(channels, vector);
  best.cost = kDirect * kClearly * static_cast<double>(filters * channels * c.taps() * c.y[1] * c.y[2]);
  const auto consider = [&](WinogradWeightTile tile, double efficiency) {
    if (!fits(tile, vector)) return;
    const int64_t tiles = ceil_divide(c.y[2], tile.outputs) * ceil_divide(c.y[1], tile.outputs);
    // Groups that are missing at the end of the batch are computed as zeros.
    const double computed = static_cast<double>(ceil_divide(groups, tile.groups) * tile.groups) / static_cast<double>(groups);
    tile.cost = computed * static_cast<double>(tiles * filters * all_vectors * vector) * winograd_weight_cost(tile, vector, efficiency);
    if (tile.cost < best.cost * (1 - 1e-9)) best = tile;
  };
  // Blocks are what threads share out. Few groups are taken together: a batch is seldom a multiple of many.
  constexpr int64_t kFewestBlocks = 2, kLargestBlock = 64;
  // Each transformed number must take part in so many products, or the transforms cost more than a direct sum, as measured.
  constexpr int64_t kFewestProducts = 16;
  for (const int64_t m : {4, 2})
    for (const int64_t fb : divisors(filters))
      for (const int64_t vb : divisors(all_vectors)) {
        if (fb > kLargestBlock || vb > kLargestBlock || fb * vb < kFewestProducts || (filters / fb) * (all_vectors / vb) < kFewestBlocks) continue;
        WinogradWeightTile tile{m, 1, 1, fb, vb};
        const double efficiency = fill_register_tile(tile, registers);
        const int64_t across_all = ceil_divide(c.y[2], m), down = ceil_divide(c.y[1], m);
        for (const int64_t across : divisors(across_all)) tile.across = across, consider(tile, efficiency);
        for (const int64_t band : divisors(down)) tile.band = band, consider(tile, efficiency);
        for (tile.groups = 2; tile.groups <= 4; tile.groups *= 2) consider(tile, efficiency);
      }
  return best;
}

}  // namespace cnnc
