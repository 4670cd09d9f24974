// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Register tiles of convolutions and what they cost. Of the tiles that fit the registers, the one with the best share of useful
// work and the fewest loads for a multiply-add wins.
#include "schedule/conv_numbers.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "ir/op.h"
#include "schedule/plan.h"
#include "schedule/templates.h"

namespace cnnc {

int64_t power_of_two_below(int64_t n) { return static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(n))); }

std::vector<int64_t> divisors(int64_t n) {
  std::vector<int64_t> found;
  for (int64_t d = 1; d <= n; ++d)
    if (n % d == 0) found.push_back(d);
  return found;
}

double useful_share(int64_t extent, int64_t size) {
  return static_cast<double>(extent) / static_cast<double>(ceil_divide(extent, size) * size);
}

double tile_efficiency(int64_t sums, double loads_per_multiply_add) {
  constexpr double kSumsForLatency = 10, kFreeLoads = 0.5;
  return std::min(1.0, static_cast<double>(sums) / kSumsForLatency) / (1 + 0.8 * std::max(0.0, loads_per_multiply_add - kFreeLoads));
}

namespace {

/// As measured: one vector of filters alone reaches 85 to 90 % where two multiply-adds start in a cycle, two of them all.
double blocked_efficiency(int64_t pixels, int64_t blocks, double sums_for_latency = 10) {
  constexpr double kFreeLoads = 0.65, kCost = 0.3, kTie = 0.02;
  const double latency = std::min(1.0, static_cast<double>(pixels * blocks) / sums_for_latency);
  const double each = loads(pixels, blocks);
  return latency / (1 + kCost * std::max(0.0, each - kFreeLoads) + kTie * each);
}

}  // namespace

Tile register_tile(int64_t width, int64_t channels, int64_t registers, int64_t most_columns, int64_t unit) {
  Tile best;
  double best_score = 0;
  for (int64_t c = 1; c <= std::min(most_columns, width / unit); ++c)
    for (int64_t f = 1; f <= std::min<int64_t>(channels, 16); ++f) {
      if (channels % f != 0 || tile_registers(c, f) > registers) continue;
      const double score = useful_share(width, c * unit) * tile_efficiency(c * f, loads(c, f));
      if (score > best_score + 1e-9) best_score = score, best = {c, f};
    }
  return best;
}

PackedImages packed_images(int64_t blocks, int64_t batch, int64_t registers) {
  constexpr int64_t kMost = 32;
  PackedImages best;
  for (int64_t images = 1; images <= std::min(batch, kMost) && tile_registers(blocks, images) <= registers; ++images) {
    const double efficiency = useful_share(batch, images) * blocked_efficiency(images, blocks);
    if (efficiency > best.efficiency + 1e-9) best = {images, efficiency};
  }
  return best;
}

Dims ConvNumbers::border() const {
  Dims result(4, 0);
  for (size_t axis = 0; axis < 2; ++axis) {
    const int64_t reach = (y[axis + 1] - 1) * stride[axis] + (axis == 0 ? taps_height() : taps_width());
    result[axis] = pad[axis];
    result[axis + 2] = std::max<int64_t>(0, reach - pad[axis] - x[axis + 1]);
  }
  return result;
}

bool ConvNumbers::has_border() const {
  const Dims sides = border();
  return std::any_of(sides.begin(), sides.end(), [](int64_t side) { return side > 0; });
}

Dims ConvNumbers::winograd_border(int64_t outputs) const {
  Dims result(4, 0);
  for (size_t axis = 0; axis < 2; ++axis) {
    result[axis] = pad[axis];
    result[axis + 2] = std::max<int64_t>(0, ceil_divide(y[axis + 1], outputs) * outputs + winograd_side(outputs) - outputs - pad[axis] - x[axis + 1]);
  }
  return result;
}

int64_t ConvNumbers::band_bytes(int64_t rows, int64_t channels, int64_t bytes) const {
  return ((rows - 1) * stride[0] + taps_height()) * ((y[2] - 1) * stride[1] + taps_width()) * channels * bytes;
}

int64_t ConvNumbers::tile_bytes(int64_t columns, int64_t rows, int64_t bytes) const {
  return ((rows - 1) * stride[0] + taps_height()) * ((columns - 1) * stride[1] + taps_width()) * x[0] * bytes;
}

std::optional<ConvNumbers> ConvNumbers::of_gradient() const {
  const Dims reach = {taps_height() - 1, taps_width() - 1};
  if (stride != Dims{1, 1} || pad[0] > reach[0] || pad[1] > reach[1]) return {};
  ConvNumbers result = *this;
  std::swap(result.x, result.y);
  result.weight[0] = weight[1] * groups, result.weight[1] = group_filters();
  for (size_t side = 0; side < pad.size(); ++side) result.pad[side] = reach[side % 2] - pad[side];
  result.flip = !flip;
  return result;
}

ConvNumbers conv_numbers(const Graph& graph, const Node& node) {
  ValueId x = node.operands[0], y = node.results[0], weight = node.operands[1];
  if (node.op->name == "conv_grad_input") std::swap(x, y);
  if (node.op->name == "conv_grad_weight") std::swap(y, weight);
  const auto list = [&](const char* name) { return std::get<Dims>(node.attributes.at(name)); };
  return {graph.type(x).dims, graph.type(y).dims, graph.type(weight).dims, list("stride"), list("pad"), list("dilation"),
          std::get<int64_t>(node.attributes.at("groups")), std::get<bool>(node.attributes.at("flip"))};
}

ConvNumbers dense_numbers(const Dims& x, const Dims& weight) {
  return {{x[0], 1, 1}, {weight[0], 1, 1}, {weight[0], weight[1], 1, 1}, {1, 1}, {0, 0, 0, 0}, {1, 1}};
}

ConvNumbers conv_numbers(const Graph& graph, const Kernel& kernel) {
  ConvNumbers numbers = conv_numbers(graph, graph.node(kernel.anchor));
  if (kernel.pool >= 0) numbers.window = std::get<Dims>(graph.node(kernel.pool).attributes.at("kernel"));
  return numbers;
}

ConvNumbers convolution_numbers(const Graph& graph, const Kernel& kernel) {
  const ConvNumbers numbers = conv_numbers(graph, kernel);
  return graph.node(kernel.anchor).op->name == "conv_grad_input" ? numbers.of_gradient().value() : numbers;
}

BlockedTile blocked_tile(const ConvNumbers& c, int64_t vector, int64_t registers, int64_t blocks) {
  const int64_t all_blocks = ceil_divide(c.group_filters(), vector);
  const double vectors = static_cast<double>(all_blocks * c.groups * c.weight[1] * c.taps() * c.y[1] * c.y[2]);
  BlockedTile best{1, 1, 1, vectors * 100};
  for (int64_t b = 1; b <= std::min<int64_t>(all_blocks, 8); ++b)
    for (int64_t columns = 1; columns <= std::min<int64_t>(c.y[2], 28); ++columns)
      for (int64_t rows = 1; rows <= std::min<int64_t>(c.y[1], 8); ++rows) {
        if (all_blocks % b != 0 || (blocks > 0 && b != blocks) || tile_registers(b, columns * rows) > registers) continue;
        if (columns % c.window[1] != 0 || rows % c.window[0] != 0) continue;
        // Tiles of several rows only where a row is short: their sums come from several places.
        if (rows > c.window[0] && columns < c.y[2]) continue;
        const double useful = useful_share(c.y[2], columns) * useful_share(c.y[1], rows);
        const double cost = vectors / useful / blocked_efficiency(columns * rows, b);
        if (cost < best.cost * (1 - 1e-9)) best = {columns, rows, b, cost};
      }
  return best;
}

double streamed_bytes(double gbs, const Target& target) {
  constexpr double kNumbers = 16, kOperations = 2;
  return gbs * kOperations * kNumbers / target.peak_gflops;
}

namespace {

/// Weights that do not fit a core's caches come from memory for each image: vectors of multiply-adds that pass meanwhile.
double streaming_cost(double bytes, const Target& target) {
  return bytes <= static_cast<double>(target.level2_bytes) ? 0 : bytes / streamed_bytes(target.memory_gbs, target);
}

}  // namespace

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

}  // namespace

namespace {

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
WinogradTile register_tile_of(const WinogradShape& s, WinogradTile tile, const Target& target) {
  tile.cost = std::numeric_limits<double>::infinity();
  const WinogradTile block = tile;
  const auto consider = [&](int64_t columns, int64_t rows, int64_t images) {
    const int64_t pixels = columns * rows * images;
    // In lanes vectors of tiles stay in registers, otherwise those of filters.
    if ((s.lanes ? tile_registers(pixels, block.blocks) : tile_registers(block.blocks, pixels)) > target.vector_registers) return;
    // A group that the batch ends in is filled up to whole register tiles.
    const int64_t last = s.batch % block.group, computed = s.batch - last + ceil_divide(last, images) * images;
    const double cost = static_cast<double>(computed) / static_cast<double>(s.batch) / blocked_efficiency(pixels, block.blocks, sums_for_latency(target));
    if (cost < tile.cost * (1 - 1e-9)) tile.columns = columns, tile.rows = rows, tile.images = images, tile.cost = cost;
  };
  for (int64_t columns = 1; columns <= block.across; ++columns)
    for (int64_t rows = 1; rows <= block.band; ++rows) {
      if (block.across % columns != 0 || block.band % rows != 0 || (rows > 1 && columns < block.across)) continue;
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
    WinogradTile tile = register_tile_of(s, {1, 1, 1, b, across, band, group}, target);
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

PlanarTile planar_tile(const ConvNumbers& c, int64_t lanes, int64_t registers) {
  PlanarTile best;
  const double work = static_cast<double>(c.weight[0] * c.weight[1] * c.taps() * c.y[1]);
  for (int64_t v = std::min(lanes, power_of_two_below(c.y[2])); v >= 1; v /= 2) {
    const Tile tile = register_tile(c.y[2], c.group_filters(), registers, 6, v);
    const auto vectors = static_cast<double>(ceil_divide(c.y[2], tile.columns * v) * tile.columns);
    // Few filters of narrow rows make few sums: lines below each other add some.
    const auto efficiency = [&](int64_t lines) { return tile_efficiency(tile.columns * lines * tile.channels, loads(tile.columns * lines, tile.channels)); };
    int64_t lines = 1;
    for (const int64_t more : divisors(c.y[1]))
      if (more <= kMostPlanarLines && tile_registers(tile.columns * more, tile.channels) <= registers && efficiency(more) > efficiency(lines) + 1e-9) lines = more;
    const double cost = work * vectors / tile_efficiency(tile.columns * lines * tile.channels, 0);
    if (best.cost == 0 || cost < best.cost) best = {v, tile.columns, lines, tile.channels, cost};
  }
  return best;
}

bool allows_blocks(const ConvNumbers& c, bool x_is_blocked, int64_t vector) {
  // The taps of a pixel are written out.
  constexpr int64_t kMostTaps = 49;
  if (c.is_depthwise()) return x_is_blocked && c.taps() <= kMostTaps;
  // A tile's filters must belong to one group, and a group's channels be whole vectors.
  if (c.groups > 1 && (c.group_filters() % vector != 0 || (x_is_blocked && c.weight[1] % vector != 0))) return false;
  // A planar x is copied into a scratch with a border.
  constexpr int64_t kLargestBand = 256 << 10, kWidestElement = 8;
  return x_is_blocked || !c.has_border() || c.band_bytes(1, c.x[0], kWidestElement) <= kLargestBand;
}

bool prefers_blocks(const ConvNumbers& c, bool x_is_blocked, int64_t vector, int64_t registers) {
  if (!allows_blocks(c, x_is_blocked, vector)) return false;
  if (c.is_depthwise()) return true;
  // Columns of stride 2 are gathered; rows of blocks make pools and activations cheap too.
  constexpr double kStrided = 2, kOthers = 1.25;
  const double conversion = x_is_blocked ? static_cast<double>(element_count(c.x)) : 0;
  const double planar = planar_tile(c, vector, registers).cost * (c.stride[1] > 1 ? kStrided : 1) * kOthers + conversion;
  return blocked_tile(c, vector, registers).cost < planar;
}

}  // namespace cnnc
