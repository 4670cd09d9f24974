// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolutions and their gradients.
#include "schedule/chooser.h"
#include "schedule/templates.h"

namespace cnnc {
namespace {

constexpr int64_t kChunkBytes = 16 << 10;         // of weights: half of the first-level cache
constexpr int64_t kShortChunkBytes = 2 << 10;     // the processor fetches the next chunk while it computes with this one
constexpr int64_t kSmallBandBytes = 16 << 10;     // leaves room in the first-level cache
constexpr int64_t kSumsOfTiles = 2;               // at most so many times those of the pixels: the last tile of a band overlaps the one before

/// Fewer columns, where a copy of the tile would be too large; false if that does not help.
bool fit_tile(const ConvNumbers& c, int64_t bytes, int64_t& columns) {
  const int64_t all = columns;
  while (columns > c.window[1] && c.tile_bytes(columns, c.window[0], bytes) > kLargestTileBytes) columns -= c.window[1];
  if (c.tile_bytes(columns, c.window[0], bytes) <= kLargestTileBytes) return true;
  columns = all;
  return false;
}

/// Whether a tile of x is copied that no tap leaves: channels of a map lie so far apart that they drive each other out of the
/// caches. Where filters are few, only tiles that stay in the first one.
bool copies_tiles(const ConvNumbers& c, int64_t tile_bytes, int64_t filters) {
  constexpr int64_t kFewTiles = 8, kManyFilters = 256;
  if (c.groups > 1 || c.group_filters() < kFewTiles * filters) return false;
  return tile_bytes <= (c.group_filters() < kManyFilters ? kFirstLevelBytes : kLargestTileBytes);
}

/// Columns share what they read: as many as divide the row, or a few that overlap.
int64_t depthwise_columns(const ConvNumbers& c) {
  constexpr int64_t kMost = 8, kFew = 4, kOverlapping = 7;
  const int64_t divisor = largest_divisor(c.y[2], kMost);
  return divisor >= kFew ? divisor : std::min(c.y[2], kOverlapping);
}

/// Steps that keep threads busy, of about 5 us each or longer, of work that takes so many multiply-adds in vectors.
int64_t steps_for_threads(double vectors) {
  constexpr int64_t kEnough = 8;
  constexpr double kVectorsPerStep = 20000;
  return std::clamp<int64_t>(static_cast<int64_t>(vectors / kVectorsPerStep), 1, kEnough);
}

}  // namespace

Schedule Chooser::conv(const Kernel& kernel, int64_t batch) const {
  const Node& node = graph_.node(kernel.anchor);
  const ValueId x = node.operands[0], y = node.results[0];
  const ConvNumbers c = convolution_numbers(graph_, kernel);
  if (layout(y).kind == LayoutKind::Blocked) {
    if (c.is_depthwise()) return {"conv.depthwise", {{"columns", depthwise_columns(c)}, {"rows", 1}}};
    if (kernel.depthwise >= 0) return conv_separable(c, node, batch);
    const int64_t blocks = layout(node.operands[1]).tile.at(1);
    const bool keeps_sums = kernel.pool < 0 && row_of_sums_bytes(c, y, blocks) <= kLargestScratchBytes;
    if (keeps_sums && is_pointwise(c, layout(x)) && prefers_pointwise(c, layout(y).vector, registers_, blocks)) return conv_pointwise(c, node, batch);
    if (keeps_sums && sums_in_chunks(c, layout(x)) && prefers_chunks(c, registers_)) return conv_chunks(c, node, batch);
    return conv_direct(c, node, batch);
  }
  return is_lanes(y) && is_lanes(x) ? conv_lanes(c, node, kernel.pool >= 0) : conv_planar(c, y);
}

Schedule Chooser::conv_lanes(const ConvNumbers& c, const Node& node, bool has_pool) const {
  const int64_t bytes = vector_bytes(node.results[0]);
  const Layout& weight = layout(node.operands[1]);
  const Tile tile = lane_tile(c, registers_, bytes, weight.kind == LayoutKind::Packed ? weight.tile[1] : 0);
  int64_t columns = tile.columns, filters = tile.channels, rows = tile.rows, border = 0;
  if (!c.has_border()) {
    border = copies_tiles(c, c.tile_bytes(columns, tile.rows, bytes), filters) ? 3 : 0;
  } else if (!has_pool && !c.is_depthwise() && leaves_out_taps(c, registers_)) {
    columns = c.y[2], rows = c.y[1];
    filters = largest_divisor(c.group_filters(), registers_, [&](int64_t f) { return tile_registers(columns, f) <= registers_; });
  } else if (c.is_depthwise()) {
    // A copy serves one filter: the smaller, the sooner it is used.
    constexpr int64_t kFewColumns = 8;
    border = 2;
    if (!has_pool) columns = largest_divisor(c.y[2], std::min(kFewColumns, (registers_ - 1) / 2));
  } else {
    // Taps reach from a band into the next, so rows there are copied twice.
    constexpr int64_t kMostRows = 8;
    const auto band = [&](int64_t r) { return c.band_bytes(r, c.x[0], bytes); };
    rows = std::max(tile.rows, largest_divisor(c.y[1], kMostRows, [&](int64_t r) { return r % tile.rows == 0 && band(r) <= scratch_bytes_; }));
    border = band(rows) <= kLargestLaneBytes ? 1 : fit_tile(c, bytes, columns) ? 3 : 2;
    if (border == 2 && c.groups > 1) filters = 1;
  }
  return {"conv.lanes", {{"columns", columns}, {"filters", filters}, {"lines", tile.rows}, {"rows", rows}, {"border", border}, {"vector", group_}}};
}

Schedule Chooser::conv_planar(const ConvNumbers& c, ValueId y) const {
  const PlanarTile tile = planar_tile(c, lanes_of(y), registers_);
  int64_t filters = tile.filters, rows = tile.lines, border = 0;
  if (c.has_border()) {
    // Rows that bands share are copied twice: a small image is one band.
    constexpr int64_t kMostRows = 8;
    const auto band = [&](int64_t r) { return c.band_bytes(r, c.x[0], element_bytes(graph_.type(y).element)); };
    const auto fits = [&](int64_t r) { return r % tile.lines == 0 && ((r <= kMostRows && band(r) <= scratch_bytes_) || band(r) <= kSmallBandBytes); };
    rows = std::max(tile.lines, largest_divisor(c.y[1], c.y[1], fits));
    border = band(rows) <= kLargestScratchBytes ? 1 : 2;
    if (border == 2 && c.groups > 1) filters = 1;
  }
  return {"conv.planar", {{"columns", tile.columns}, {"filters", filters}, {"lines", tile.lines}, {"rows", rows}, {"border", border}, {"vector", tile.vector}}};
}

Schedule Chooser::conv_direct(const ConvNumbers& c, const Node& node, int64_t batch) const {
  const ValueId x = node.operands[0], y = node.results[0];
  const Layout& packed = layout(node.operands[1]);
  const BlockedTile tile = blocked_tile(c, layout(y).vector, registers_, packed.tile.at(1));
  const bool copies = is_planar(x) && c.has_border();
  const int64_t bytes = element_bytes(graph_.type(x).element);
  const int64_t filter_tiles = copies ? 1 : ceil_divide(c.y[0], layout(y).vector * tile.blocks);
  // A planar x is copied, band by band.
  const auto fits = [&](int64_t rows) { return rows % tile.rows == 0 && c.band_bytes(rows, c.x[0], bytes) <= scratch_bytes_; };
  int64_t band = copies && !fits(c.y[1]) ? std::max(tile.rows, largest_divisor(c.y[1], c.y[1], fits)) : c.y[1];
  // A band that ends within a tile of several rows asks for each of them whether it is there.
  if (!is_planar(x)) band = band_of_least_traffic(c, target_, filter_tiles, bytes, [&](int64_t rows) { return rows % tile.rows == 0 && (tile.rows == 1 || c.y[1] % rows == 0); });
  const int64_t bands = ceil_divide(steps_for_threads(static_cast<double>(batch) * tile.cost), batch * filter_tiles);
  band = std::min(band, ceil_divide(ceil_divide(c.y[1], bands), tile.rows) * tile.rows);
  const int64_t reduced = is_planar(x) ? c.weight[1] : std::min(c.weight[1], layout(y).vector);
  return {"conv.direct",
          {{"columns", tile.columns}, {"rows", tile.rows}, {"blocks", tile.blocks}, {"band", band}, {"border", copies ? 1 : 0},
           {"stream", !is_planar(x) && streams_weights(c, tile, target_, bytes) ? 1 : 0}, {"ahead", is_planar(x) ? 0 : blocks_ahead(c, target_, layout(x).vector, bytes)},
           {"unroll", largest_divisor(reduced, 4)}}};
}

Schedule Chooser::conv_separable(const ConvNumbers& c, const Node& node, int64_t batch) const {
  const int64_t vector = layout(node.results[0]).vector, bytes = element_bytes(graph_.type(node.results[0]).element);
  const BlockedTile tile = blocked_tile(c, vector, registers_, layout(node.operands[1]).tile.at(1));
  const int64_t most = ceil_divide(c.y[1], ceil_divide(steps_for_threads(static_cast<double>(batch) * tile.cost), batch));
  const auto fits = [&](int64_t rows) { return rows % tile.rows == 0 && separable_band_bytes(c, rows, vector, bytes) <= std::min(target_.level2_bytes / 4, kLargestScratchBytes); };
  return {"conv.separable",
          {{"columns", tile.columns}, {"rows", tile.rows}, {"blocks", tile.blocks}, {"band", std::max(tile.rows, largest_divisor(c.y[1], most, fits))},
           {"across", depthwise_columns(c)}, {"unroll", largest_divisor(std::min(c.x[0], vector), 4)}}};
}

int64_t Chooser::row_of_sums_bytes(const ConvNumbers& c, ValueId y, int64_t blocks) const {
  return kSumsOfTiles * c.y[2] * blocks * layout(y).vector * element_bytes(graph_.type(y).element);
}

int64_t Chooser::band_of_chunks(const ConvNumbers& c, const BlockedTile& tile, ValueId y, int64_t batch, int64_t most) const {
  // Bands are whole divisors, so that threads share out tiles of filters first.
  constexpr int64_t kEnough = 4;
  const int64_t bands = ceil_divide(std::min(kEnough, steps_for_threads(static_cast<double>(batch) * tile.cost)), batch * ceil_divide(c.y[0], layout(y).vector * tile.blocks));
  return largest_divisor(c.y[1], std::min(most, ceil_divide(c.y[1], bands)), [&](int64_t rows) { return rows * row_of_sums_bytes(c, y, tile.blocks) <= kLargestScratchBytes; });
}

Schedule Chooser::conv_chunks(const ConvNumbers& c, const Node& node, int64_t batch) const {
  const ValueId y = node.results[0];
  const int64_t bytes = element_bytes(graph_.type(y).element), vector = layout(y).vector;
  const BlockedTile tile = chunk_tile(c, vector, registers_, layout(node.operands[1]).tile.at(1));
  const int64_t chunk = std::max<int64_t>(1, kShortChunkBytes / (vector * vector * c.taps() * tile.blocks * bytes));
  return {"conv.chunks",
          {{"columns", tile.columns}, {"blocks", tile.blocks}, {"chunk", largest_divisor(c.x[0] / vector, chunk)},
           {"band", band_of_chunks(c, tile, y, batch, c.y[1])}, {"unroll", largest_divisor(vector, 4)}}};
}

Schedule Chooser::conv_pointwise(const ConvNumbers& c, const Node& node, int64_t batch) const {
  const ValueId y = node.results[0];
  const int64_t bytes = element_bytes(graph_.type(y).element), vector = layout(y).vector;
  const BlockedTile tile = pointwise_tile(c, vector, registers_, layout(node.operands[1]).tile.at(1));
  const int64_t filter_tiles = ceil_divide(c.y[0], vector * tile.blocks);
  // As measured, with few registers: a short chunk of a whole image stays in the first-level cache with its weights.
  const bool is_short = registers_ <= kFewRegisters;
  const int64_t least = is_short ? c.y[1] : band_of_least_traffic(c, target_, filter_tiles, bytes, [&](int64_t rows) { return c.y[1] % rows == 0; });
  const int64_t band = band_of_chunks(c, tile, y, batch, least), chunk_bytes = is_short ? kShortChunkBytes : kChunkBytes;
  return {"conv.pointwise",
          {{"pixels", std::min(tile.columns, band * c.y[2])}, {"blocks", tile.blocks}, {"chunk", largest_divisor(c.x[0] / vector, chunk_bytes / (vector * vector * tile.blocks * bytes))},
           {"band", band}, {"ahead", is_short ? 0 : blocks_ahead(c, target_, vector, bytes)}, {"unroll", largest_divisor(vector, 4)}}};
}

Schedule Chooser::winograd(const Node& node, int64_t batch) const {
  const bool lanes = is_lanes(node.results[0]);
  const Dims& packed = layout(node.operands[1]).tile;
  const WinogradShape shape = winograd_shape(graph_, node, lanes_of(node.results[0]), lanes, batch);
  const WinogradTile tile = winograd_tile(shape, packed[2], target_, packed[1]);
  const int64_t unroll = largest_divisor(lanes ? shape.inputs : std::min(shape.inputs, packed[0]), 4);
  if (lanes)
    return {"conv.lanes_winograd",
            {{"columns", tile.columns}, {"rows", tile.rows}, {"blocks", packed[1]}, {"across", tile.across}, {"band", tile.band}, {"unroll", unroll}}};
  const ThreadShares shares = winograd_shares(shape, tile, packed[2]);
  return {"conv.winograd",
          {{"columns", tile.columns}, {"rows", tile.rows}, {"images", tile.images}, {"blocks", packed[1]}, {"across", tile.across},
           {"band", shares.band}, {"group", tile.group}, {"parts", shares.parts}, {"chunk", winograd_chunk(shape, tile, shares.band, packed[2])}, {"unroll", unroll}}};
}

int64_t Chooser::winograd_chunk(const WinogradShape& shape, const WinogradTile& tile, int64_t band, int64_t m) const {
  const int64_t all = shape.inputs / shape.vector, most = kChunkBytes / (shape.vector * shape.vector * tile.blocks * kWinogradElement);
  const int64_t register_tiles = ceil_divide(tile.across, tile.columns) * (band / tile.rows) * ceil_divide(tile.group, tile.images);
  if (all == 0 || register_tiles == 1) return 0;
  // As measured, with few registers, of one image: the processor fetches the next channels while a few tiles compute with these.
  constexpr int64_t kFewTiles = 8;
  const bool stays_close = shape.weight_bytes(m, 1) <= target_.level2_bytes;
  if (registers_ <= kFewRegisters && tile.group == 1 && register_tiles <= kFewTiles && !stays_close) return 1;
  if (all <= most) return 0;
  const int64_t chunk = largest_divisor(all, most);
  return 2 * chunk > most ? chunk : 0;
}

Chooser::ThreadShares Chooser::winograd_shares(const WinogradShape& shape, const WinogradTile& tile, int64_t m) const {
  const int64_t filter_tiles = ceil_divide(shape.outputs, shape.vector * tile.blocks);
  const int64_t blocks = ceil_divide(shape.batch, tile.group) * (shape.tiles_across(m) / tile.across) * (shape.tiles_down(m) / tile.band);
  constexpr int64_t kEnoughBlocks = 4;
  const int64_t steps = steps_for_threads(tile.cost * static_cast<double>(shape.batch)), wanted = std::min(kEnoughBlocks, steps);
  if (blocks >= wanted) return {tile.band, 1};
  const int64_t most = std::max<int64_t>(tile.band * blocks / wanted, 1), parts = largest_divisor(filter_tiles, steps);
  const int64_t band = std::max(tile.rows, largest_divisor(tile.band, most, [&](int64_t rows) { return rows % tile.rows == 0; }));
  const bool stay_close = 2 * shape.weight_bytes(m, tile.blocks) <= target_.level2_bytes;
  return parts == 1 || (stay_close && band < tile.band) ? ThreadShares{band, 1} : ThreadShares{tile.band, parts};
}

Schedule Chooser::conv_grad_input(const Node& node, const Kernel& kernel, int64_t batch) const {
  const ConvNumbers c = conv_numbers(graph_, node);
  if (!leaves_out_zeros(c, registers_)) return conv(kernel, batch);
  // Weights are read once a band.
  constexpr int64_t kRowsOfBand = 4, kRowsOfPoints = 2;
  const int64_t most_rows = c.is_depthwise() ? 1 : c.stride == Dims{1, 1} ? c.x[1] : c.skips_columns() ? kRowsOfPoints : kRowsOfBand;
  const Tile tile = gradient_tile(c, registers_);
  return {"conv.lanes_grad_input", {{"columns", tile.columns}, {"channels", tile.channels}, {"rows", largest_divisor(c.x[1], most_rows)}}};
}

Schedule Chooser::conv_grad_weight(const Node& node, const Kernel& kernel, int64_t batch) const {
  const ValueId x = node.operands[0];
  const ConvNumbers c = conv_numbers(graph_, node);
  if (!precise_ && graph_.type(x).element == ElementType::F32) {
    const WinogradWeightTile tile = winograd_weight_tile(c, group_, registers_, ceil_divide(batch, group_));
    if (tile.outputs > 0)
      return {"conv.lanes_winograd_grad_weight",
              {{"outputs", tile.outputs}, {"filters", tile.filters}, {"vectors", tile.vectors}, {"filter_block", tile.filter_block},
               {"vector_block", tile.vector_block}, {"across", tile.across}, {"band", tile.band}, {"groups", tile.groups}}};
  }
  const DirectWeightTile tile = direct_weight_tile(c, vector_bytes(x), target_);
  if (tile.filters == 0) return elementwise(kernel);
  // Columns written out share what they read, in registers that the tiles of many registers do not leave, as measured.
  constexpr int64_t kMostUnrolled = 5;
  const int64_t most_sums = registers_ >= 32 ? 40 : 100;
  const int64_t unroll = largest_divisor(c.y[2], std::clamp<int64_t>(most_sums / (c.weight[3] * tile.channels * tile.filters), 1, kMostUnrolled));
  return {"conv.lanes_grad_weight",
          {{"filters", tile.filters}, {"channels", tile.channels}, {"tiles", tile.tiles}, {"block", tile.block}, {"rows", tile.rows},
           {"unroll", unroll}, {"border", c.has_border() ? 1 : 0}}};
}

}  // namespace cnnc
