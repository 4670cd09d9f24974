// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Register tiles of convolutions and what they cost. Of the tiles that fit the registers, the one with the best share of useful
// work and the fewest loads for a multiply-add wins.
#include "schedule/conv_numbers.h"

#include <algorithm>
#include <bit>

#include "ir/op.h"
#include "schedule/plan.h"
#include "schedule/templates.h"

namespace cnnc {
namespace {

constexpr int64_t kManyChannels = 256;      // outweigh that sums pass through memory once more, as measured

}  // namespace

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
  constexpr double kFreeLoads = 0.5;
  return std::min(1.0, static_cast<double>(sums) / kSumsForLatency) / (1 + 0.8 * std::max(0.0, loads_per_multiply_add - kFreeLoads));
}

/// As measured: one vector of filters alone reaches 85 to 90 % where two multiply-adds start in a cycle, two of them all.
double blocked_efficiency(int64_t pixels, int64_t blocks, double sums_for_latency) {
  constexpr double kFreeLoads = 0.65, kCost = 0.3, kTie = 0.02;
  const double latency = std::min(1.0, static_cast<double>(pixels * blocks) / sums_for_latency);
  const double each = loads(pixels, blocks);
  return latency / (1 + kCost * std::max(0.0, each - kFreeLoads) + kTie * each);
}

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

namespace {

/// `most_rows` of a tile. `sums_for_latency`: as many sums keep the multiply-adds busy.
BlockedTile best_tile(const ConvNumbers& c, int64_t vector, int64_t registers, int64_t blocks, int64_t most_rows, double sums_for_latency) {
  const int64_t all_blocks = ceil_divide(c.group_filters(), vector);
  const double vectors = static_cast<double>(all_blocks * c.groups * c.weight[1] * c.taps() * c.y[1] * c.y[2]);
  BlockedTile best{1, 1, 1, vectors * 100};
  for (int64_t b = 1; b <= std::min<int64_t>(all_blocks, 8); ++b)
    for (int64_t columns = 1; columns <= std::min<int64_t>(c.y[2], 28); ++columns)
      for (int64_t rows = 1; rows <= std::min(c.y[1], most_rows); ++rows) {
        if (all_blocks % b != 0 || (blocks > 0 && b != blocks) || tile_registers(b, columns * rows) > registers) continue;
        if (columns % c.window[1] != 0 || rows % c.window[0] != 0) continue;
        // Tiles of several rows only where a row is short: their sums come from several places. With few registers only where rows fill
        // them up, as measured: 7x7 maps in tiles of 7x2 take up to 40 % longer than in those of 7x1 or 4x1.
        if (rows > c.window[0] && (columns < c.y[2] || (registers <= kFewRegisters && c.y[1] % rows != 0))) continue;
        const double useful = useful_share(c.y[2], columns) * useful_share(c.y[1], rows);
        const double cost = vectors / useful / blocked_efficiency(columns * rows, b, sums_for_latency);
        if (cost < best.cost * (1 - 1e-9)) best = {columns, rows, b, cost};
      }
  return best;
}

}  // namespace

BlockedTile blocked_tile(const ConvNumbers& c, int64_t vector, int64_t registers, int64_t blocks) {
  return best_tile(c, vector, registers, blocks, 8, kSumsForLatency);
}

BlockedTile chunk_tile(const ConvNumbers& c, int64_t vector, int64_t registers, int64_t blocks) {
  // Whatever the tile waits for otherwise lies in the first-level cache: as measured, four columns of two vectors are enough.
  constexpr double kEnoughSums = 8;
  return best_tile(c, vector, registers, blocks, 1, kEnoughSums);
}

bool sums_in_chunks(const ConvNumbers& c, const Layout& x) {
  return x.kind == LayoutKind::Blocked && c.groups == 1 && c.x[0] % x.vector == 0;
}

bool is_pointwise(const ConvNumbers& c, const Layout& x) {
  const bool has_gaps = c.has_border() || c.stride != Dims{1, 1} || !x.border.empty();
  return sums_in_chunks(c, x) && c.taps() == 1 && !has_gaps;
}

int64_t separable_band_bytes(const ConvNumbers& c, int64_t rows, int64_t vector, int64_t bytes) {
  return ceil_divide(c.x[0], vector) * vector * rows * c.x[2] * bytes;
}

bool is_separable(const ConvNumbers& c, const Layout& x, int64_t bytes) {
  const bool is_whole = !c.has_border() && c.stride == Dims{1, 1} && x.border.empty();
  return x.kind == LayoutKind::Blocked && c.taps() == 1 && c.groups == 1 && is_whole && separable_band_bytes(c, 1, x.vector, bytes) <= kLargestScratchBytes;
}

BlockedTile pointwise_tile(const ConvNumbers& c, int64_t vector, int64_t registers, int64_t blocks) {
  ConvNumbers one_row = c;
  one_row.y = {c.y[0], 1, c.y[1] * c.y[2]};
  return blocked_tile(one_row, vector, registers, blocks);
}

bool prefers_chunks(const ConvNumbers& c, int64_t registers) {
  // As measured: as for `conv.pointwise`.
  return registers <= kFewRegisters && c.taps() > 1 && c.x[0] >= kManyChannels;
}

bool prefers_pointwise(const ConvNumbers& c, int64_t vector, int64_t registers, int64_t blocks) {
  // As measured, with few registers, which make short runs of a block's weights, chunks in the first-level cache outweigh it too.
  const double sums_in_memory = registers <= kFewRegisters ? 1 : 1.1;
  return c.x[0] >= kManyChannels && pointwise_tile(c, vector, registers, blocks).cost * sums_in_memory < blocked_tile(c, vector, registers, blocks).cost;
}

double streamed_bytes(double gbs, const Target& target) {
  constexpr double kNumbers = 16, kOperations = 2;
  return gbs * kOperations * kNumbers / target.peak_gflops;
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
