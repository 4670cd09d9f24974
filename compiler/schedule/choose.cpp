// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The first simple rule: which template computes a kernel, with which parameters. Tiles fill the registers, never more; among
// those the one with the best share of useful work and the fewest loads for a multiply-add wins.
#include <algorithm>
#include <map>

#include "ir/op.h"
#include "schedule/conv_numbers.h"
#include "schedule/legal.h"
#include "schedule/reductions.h"
#include "schedule/steps.h"
#include "schedule/templates.h"
#include "schedule/vary.h"
#include "support/check.h"

namespace cnnc {
namespace {

class Chooser {
 public:
  Chooser(const Draft& draft, const PlanContext& context)
      : draft_(draft), graph_(draft.function->graph), target_(context.target), registers_(context.target.vector_registers),
        scratch_bytes_(std::min(context.target.level2_bytes / 32 * 3, kLargestScratchBytes)), precise_(context.options.precise) {
    for (const Layout& layout : draft.layouts)
      if (layout.kind == LayoutKind::Lanes) group_ = layout.vector;
  }

  /// `batch`: images that the kernel gets in one call.
  Schedule choose(const Kernel& kernel, int64_t batch) const {
    if (draft_.purpose == Purpose::Plain) return {"plain", {}};
    if (layout(kernel.writes[0]).kind == LayoutKind::Winograd) return {"conv.winograd_weights", {}};
    const TensorType& type = graph_.type(computed_value(graph_, kernel));
    const bool vectors = type.element == ElementType::F32 || type.element == ElementType::F64;
    if (kernel.anchor >= 0 && vectors) {
      const Node& node = graph_.node(kernel.anchor);
      const std::string& op = node.op->name;
      if (node.operands.size() > 1 && layout(node.operands[1]).kind == LayoutKind::Winograd) return winograd(node, batch);
      if (op == "conv") return conv(kernel, batch);
      if (op == "conv_grad_input" && is_lanes(node.results[0]) && is_lanes(node.operands[0])) return conv_grad_input(node, kernel, batch);
      if (op == "conv_grad_weight" && is_lanes(node.operands[0]) && is_lanes(node.operands[1])) return conv_grad_weight(node, kernel, batch);
      if (op == "dense" || op == "dense_grad_input") return dense(node, kernel, batch);
      if (op == "dense_grad_weight" && is_lanes(node.operands[0]) && is_lanes(node.operands[1])) return dense_grad_weight(node, batch);
      if (!kernel.row_nodes.empty()) return softmax(node);
      const bool has_passes = op == "reduce" && reduction_passes(graph_, kernel).size() > 1;
      if (has_passes) return reduce("norm.lanes", node);
      if (op == "reduce" && is_lanes(node.operands[0]) && (std::get<bool>(node.attributes.at("batch")) || (is_lanes(node.results[0]) && reduces_long_rows(graph_, node)))) return reduce("reduce.lanes", node);
    }
    return kernel.anchor >= 0 && is_pool(graph_.node(kernel.anchor)) ? pool(kernel) : elementwise(kernel);
  }

 private:
  const Layout& layout(ValueId value) const { return draft_.layouts.at(static_cast<size_t>(value.index)); }
  bool is_lanes(ValueId value) const { return layout(value).kind == LayoutKind::Lanes; }
  bool is_planar(ValueId value) const { return layout(value).kind == LayoutKind::Planar; }
  int64_t lanes_of(ValueId value) const { return target_.lanes(graph_.type(value).element); }
  int64_t vector_bytes(ValueId value) const { return group_ * element_bytes(graph_.type(value).element); }

  Schedule elementwise(const Kernel& kernel) const {
    const ValueId value = kernel.writes[0];
    const TensorType& type = graph_.type(value);
    Schedule schedule{"elementwise", {{"vector", 1}, {"chunk", 0}}};
    auto& p = schedule.parameters;
    const auto dims = stored_dims(type, layout(value));
    if (layout(value).kind == LayoutKind::Packed || dims.empty()) return schedule;
    if (draft_.purpose == Purpose::Update) {
      p["vector"] = lanes_of(value), p["chunk"] = 16384;
      return schedule;
    }
    if (dims[0].is_batch) return schedule;
    p["vector"] = power_of_two_below(std::min<int64_t>(dims[0].extent, lanes_of(value)));
    if (is_lanes(value)) p["vector"] = group_;
    return schedule;
  }

  Schedule pool(const Kernel& kernel) const {
    const int64_t vector = elementwise(kernel).parameters.at("vector");
    const Node& node = graph_.node(kernel.anchor);
    int64_t columns = 1, rows = 1;
    constexpr int64_t kMost = 4;
    const Dims &stride = std::get<Dims>(node.attributes.at("stride")), &dims = graph_.type(kernel.writes[0]).dims;
    if (is_lanes(kernel.writes[0]) && node.op->name.ends_with("_grad")) {
      // The gradient of a window: places with one remainder of the stride meet one set of windows.
      if (stride[0] <= kMost && dims[1] % stride[0] == 0) rows = stride[0];
      if (stride[1] <= kMost && dims[2] % stride[1] == 0) columns = stride[1];
    } else if (layout(kernel.writes[0]).kind == LayoutKind::Blocked && std::get<Dims>(node.attributes.at("kernel"))[1] > stride[1]) {
      columns = largest_divisor(dims[2], kMost);   // neighbours share what they read
    }
    return {"pool", {{"vector", vector}, {"columns", columns}, {"rows", rows}}};
  }

  Schedule reduce(const char* name, const Node& node) const {
    const Dims& axes = std::get<Dims>(node.attributes.at("axes"));
    const int64_t extent = axes.empty() ? 1 : graph_.type(node.operands[0]).dims[static_cast<size_t>(axes.back())];
    return {name, {{"partial", largest_divisor(extent, 8)}}};
  }

  Schedule softmax(const Node& node) const {
    const ValueId x = node.operands[0];
    if (is_lanes(x)) {
      Schedule schedule = reduce("softmax", node);
      schedule.parameters["vector"] = group_;
      return schedule;
    }
    const int64_t extent = graph_.type(x).dims.back(), lanes = lanes_of(x);
    // Vectors that fill a row need no mask.
    const int64_t filling = extent & -extent;
    const int64_t vector = 2 * filling >= lanes ? std::min(filling, lanes) : power_of_two_below(std::min(extent, lanes));
    const int64_t elements = graph_.type(x).dims[static_cast<size_t>(std::get<Dims>(node.attributes.at("axes")).back())];
    return {"softmax", {{"vector", vector}, {"partial", largest_divisor(reduces_innermost(graph_, node, layout(x)) ? ceil_divide(elements, vector) : elements, 8)}}};
  }

  Schedule conv(const Kernel& kernel, int64_t batch) const {
    const Node& node = graph_.node(kernel.anchor);
    const ValueId x = node.operands[0], y = node.results[0];
    const ConvNumbers c = convolution_numbers(graph_, kernel);
    if (layout(y).kind == LayoutKind::Blocked) {
      if (c.is_depthwise()) return {"conv.depthwise", {{"columns", depthwise_columns(c)}, {"rows", 1}}};
      if (kernel.depthwise >= 0) return conv_separable(c, node, batch);
      const int64_t blocks = layout(node.operands[1]).tile.at(1), row_bytes = c.y[2] * blocks * layout(y).vector * element_bytes(graph_.type(y).element);
      const bool may_be_pointwise = kernel.pool < 0 && is_pointwise(c, layout(x)) && kSumsOfTiles * row_bytes <= kLargestScratchBytes;
      return may_be_pointwise && prefers_pointwise(c, layout(y).vector, registers_, blocks) ? conv_pointwise(c, node, batch) : conv_direct(c, node, batch);
    }
    return is_lanes(y) && is_lanes(x) ? conv_lanes(c, node, kernel.pool >= 0) : conv_planar(c, y);
  }

  Schedule conv_lanes(const ConvNumbers& c, const Node& node, bool has_pool) const {
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

  Schedule conv_planar(const ConvNumbers& c, ValueId y) const {
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

  /// Fewer columns, where a copy of the tile would be too large; false if that does not help.
  static bool fit_tile(const ConvNumbers& c, int64_t bytes, int64_t& columns) {
    const int64_t all = columns;
    while (columns > c.window[1] && c.tile_bytes(columns, c.window[0], bytes) > kLargestTileBytes) columns -= c.window[1];
    if (c.tile_bytes(columns, c.window[0], bytes) <= kLargestTileBytes) return true;
    columns = all;
    return false;
  }

  /// Whether a tile of x is copied that no tap leaves: channels of a map lie so far apart that they drive each other out of the
  /// caches. Where filters are few, only tiles that stay in the first one.
  static bool copies_tiles(const ConvNumbers& c, int64_t tile_bytes, int64_t filters) {
    constexpr int64_t kFewTiles = 8, kManyFilters = 256;
    if (c.groups > 1 || c.group_filters() < kFewTiles * filters) return false;
    return tile_bytes <= (c.group_filters() < kManyFilters ? kFirstLevelBytes : kLargestTileBytes);
  }

  /// Columns share what they read: as many as divide the row, or a few that overlap.
  static int64_t depthwise_columns(const ConvNumbers& c) {
    constexpr int64_t kMost = 8, kFew = 4, kOverlapping = 7;
    const int64_t divisor = largest_divisor(c.y[2], kMost);
    return divisor >= kFew ? divisor : std::min(c.y[2], kOverlapping);
  }

  /// x is planar, or in blocks with a border of zeros as wide as the taps reach.
  Schedule conv_direct(const ConvNumbers& c, const Node& node, int64_t batch) const {
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

  /// A band of the channels' own convolution stays in the second level, whose larger part the map passes through that it reads.
  Schedule conv_separable(const ConvNumbers& c, const Node& node, int64_t batch) const {
    const int64_t vector = layout(node.results[0]).vector, bytes = element_bytes(graph_.type(node.results[0]).element);
    const BlockedTile tile = blocked_tile(c, vector, registers_, layout(node.operands[1]).tile.at(1));
    const int64_t most = ceil_divide(c.y[1], ceil_divide(steps_for_threads(static_cast<double>(batch) * tile.cost), batch));
    const auto fits = [&](int64_t rows) { return rows % tile.rows == 0 && separable_band_bytes(c, rows, vector, bytes) <= std::min(target_.level2_bytes / 4, kLargestScratchBytes); };
    return {"conv.separable",
            {{"columns", tile.columns}, {"rows", tile.rows}, {"blocks", tile.blocks}, {"band", std::max(tile.rows, largest_divisor(c.y[1], most, fits))},
             {"across", depthwise_columns(c)}, {"unroll", largest_divisor(std::min(c.x[0], vector), 4)}}};
  }

  static constexpr int64_t kChunkBytes = 16 << 10;      // of weights: half of the first-level cache

  Schedule conv_pointwise(const ConvNumbers& c, const Node& node, int64_t batch) const {
    const ValueId x = node.operands[0], y = node.results[0];
    const int64_t bytes = element_bytes(graph_.type(x).element), vector = layout(y).vector;
    const BlockedTile tile = pointwise_tile(c, vector, registers_, layout(node.operands[1]).tile.at(1));
    const int64_t filter_tiles = ceil_divide(c.y[0], vector * tile.blocks);
    // Bands are whole divisors, so that threads share out tiles of filters first.
    constexpr int64_t kEnough = 4;
    const int64_t bands = ceil_divide(std::min(kEnough, steps_for_threads(static_cast<double>(batch) * tile.cost)), batch * filter_tiles);
    const auto fits = [&](int64_t rows) { return c.y[1] % rows == 0 && kSumsOfTiles * rows * c.y[2] * tile.blocks * vector * bytes <= kLargestScratchBytes; };
    const int64_t most = std::min(band_of_least_traffic(c, target_, filter_tiles, bytes, fits), ceil_divide(c.y[1], bands));
    const int64_t band = largest_divisor(c.y[1], most, fits);
    return {"conv.pointwise",
            {{"pixels", std::min(tile.columns, band * c.y[2])}, {"blocks", tile.blocks}, {"chunk", largest_divisor(c.x[0] / vector, kChunkBytes / (vector * vector * tile.blocks * bytes))},
             {"band", band}, {"ahead", blocks_ahead(c, target_, vector, bytes)}, {"unroll", largest_divisor(vector, 4)}}};
  }

  /// Blocks of channels, or images in lanes; the packed weights say how.
  Schedule winograd(const Node& node, int64_t batch) const {
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
             {"band", shares.band}, {"group", tile.group}, {"parts", shares.parts}, {"chunk", winograd_chunk(shape, tile)}, {"unroll", unroll}}};
  }

  /// Steps that keep threads busy, of about 5 us each or longer, of work that takes so many multiply-adds in vectors.
  static int64_t steps_for_threads(double vectors) {
    constexpr int64_t kEnough = 8;
    constexpr double kVectorsPerStep = 20000;
    return std::clamp<int64_t>(static_cast<int64_t>(vectors / kVectorsPerStep), 1, kEnough);
  }

  /// Blocks of channels whose weights stay in the first-level cache for all register tiles of a block; 0: all do, or one tile reads them.
  static int64_t winograd_chunk(const WinogradShape& shape, const WinogradTile& tile) {
    const int64_t all = shape.inputs / shape.vector, most = kChunkBytes / (shape.vector * shape.vector * tile.blocks * kWinogradElement);
    const bool is_one = tile.columns * tile.rows * tile.images >= tile.across * tile.band * tile.group;
    if (is_one || all <= most) return 0;
    const int64_t chunk = largest_divisor(all, most);
    return 2 * chunk > most ? chunk : 0;
  }

  struct ThreadShares {
    int64_t band, parts;
  };
  /// Where images and blocks of tiles are too few to keep threads busy: lower blocks, if weights then come from the second level, or
  /// parts of the filters, which begin together once the block is transformed.
  ThreadShares winograd_shares(const WinogradShape& shape, const WinogradTile& tile, int64_t m) const {
    const int64_t filter_tiles = ceil_divide(shape.outputs, shape.vector * tile.blocks);
    const int64_t blocks = ceil_divide(shape.batch, tile.group) * (shape.tiles_across(m) / tile.across) * (shape.tiles_down(m) / tile.band);
    constexpr int64_t kEnoughBlocks = 4;
    const int64_t steps = steps_for_threads(tile.cost * static_cast<double>(shape.batch)), wanted = std::min(kEnoughBlocks, steps);
    if (blocks >= wanted) return {tile.band, 1};
    const int64_t most = std::max<int64_t>(tile.band * blocks / wanted, 1), parts = largest_divisor(filter_tiles, steps);
    const int64_t band = std::max(tile.rows, largest_divisor(tile.band, most, [&](int64_t rows) { return rows % tile.rows == 0; }));
    const bool stay_close = 2 * shape.product_bytes(m, shape.inputs, filter_tiles * tile.blocks) <= target_.level2_bytes;
    return parts == 1 || (stay_close && band < tile.band) ? ThreadShares{band, 1} : ThreadShares{tile.band, parts};
  }

  /// At stride 1 a convolution of dy, unless many of its taps would meet zeros: then whole rows, whose taps are decided when compiling.
  Schedule conv_grad_input(const Node& node, const Kernel& kernel, int64_t batch) const {
    const ConvNumbers c = conv_numbers(graph_, node);
    if (!leaves_out_zeros(c, registers_)) return conv(kernel, batch);
    // Weights are read once a band.
    constexpr int64_t kRowsOfBand = 4, kRowsOfPoints = 2;
    const int64_t most_rows = c.is_depthwise() ? 1 : c.stride == Dims{1, 1} ? c.x[1] : c.skips_columns() ? kRowsOfPoints : kRowsOfBand;
    const Tile tile = gradient_tile(c, registers_);
    return {"conv.lanes_grad_input", {{"columns", tile.columns}, {"channels", tile.channels}, {"rows", largest_divisor(c.x[1], most_rows)}}};
  }

  Schedule conv_grad_weight(const Node& node, const Kernel& kernel, int64_t batch) const {
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

  /// Parallel parts of work that takes so many multiply-adds in vectors: about 4 us each, a fixed number.
  int64_t tasks(double vectors, int64_t tiles) const {
    constexpr double kVectorsPerTask = 16000;
    return std::clamp<int64_t>(static_cast<int64_t>(vectors / kVectorsPerTask), 1, std::min<int64_t>(tiles, 8));
  }

  static int64_t tile_outputs(int64_t outputs, int64_t most) {
    const int64_t divisor = largest_divisor(outputs, most);
    return 2 * divisor >= std::min(most, outputs) ? divisor : std::min(most, outputs);
  }

  Schedule dense(const Node& node, const Kernel& kernel, int64_t batch) const {
    const ValueId x = node.operands[0], y = node.results[0];
    const bool backward = node.op->name == "dense_grad_input";
    const int64_t outputs = graph_.type(y).dims[0], inputs = graph_.type(x).dims[0];
    if (is_lanes(x) && is_lanes(y)) {
      const bool wide = registers_ >= 32;
      const int64_t groups = wide ? 4 : 2, tile = tile_outputs(outputs, wide ? 6 : 5), single = tile_outputs(outputs, registers_ / 2);
      const double vectors = static_cast<double>(inputs * outputs) * 4;
      Schedule schedule{backward ? "dense.lanes_grad_input" : "dense.lanes",
                        {{"outputs", tile}, {"single", single}, {"groups", groups}, {"tasks", tasks(vectors, ceil_divide(outputs, std::max(tile, single)))}, {"chunk", 0}}};
      share_inputs(schedule, inputs, std::min(groups, ceil_divide(batch, group_)), vector_bytes(y), outputs, backward);
      return schedule;
    }
    if (backward || !is_planar(x) || !is_planar(y)) return elementwise(kernel);
    if (layout(node.operands[1]).kind == LayoutKind::Packed) return dense_packed(node, graph_.type(y).batched && kernel.means < 0 ? batch : 1);
    const int64_t vector = std::min(lanes_of(y), power_of_two_below(inputs));
    // Weights that are read once serve all images of a tile.
    const int64_t images = graph_.type(y).batched && kernel.means < 0 ? std::min<int64_t>(batch, registers_ >= 32 ? 4 : 2) : 1;
    const int64_t rows = tile_outputs(outputs, images > 1 ? 6 : 8);
    // Where images feed the threads, outputs need not.
    constexpr int64_t kManyTiles = 4;
    const double vectors = static_cast<double>(inputs * outputs) / static_cast<double>(vector);
    const int64_t parts = batch >= kManyTiles * images ? 1 : tasks(vectors, ceil_divide(outputs, rows));
    Schedule schedule{"dense.vector", {{"vector", vector}, {"rows", rows}, {"images", images}, {"tasks", parts}, {"group", 1}, {"chunk", 0}}};
    if (images > 1) share_weights(schedule, graph_.type(y), inputs / vector, batch);
    return schedule;
  }

  Schedule dense_packed(const Node& node, int64_t batch) const {
    constexpr int64_t kMostUnrolled = 4, kLongestSum = 512, kShortest = 64;
    const int64_t blocks = layout(node.operands[1]).tile[1], inputs = graph_.type(node.operands[0]).dims[0];
    const int64_t divisor = largest_divisor(inputs, kLongestSum), chunk = divisor >= kShortest ? divisor : inputs;
    return {"dense.packed", {{"images", packed_images(blocks, batch, registers_).images}, {"blocks", blocks}, {"chunk", chunk},
                             {"unroll", largest_divisor(chunk, kMostUnrolled)}}};
  }

  /// In lanes: inputs beyond the second-level cache come once for all tiles of a task, a chunk at a time; of a gradient also long ones, so
  /// that the rows of weights that a chunk reads are still there for the next tile.
  void share_inputs(Schedule& schedule, int64_t inputs, int64_t groups, int64_t vector_bytes, int64_t outputs, bool backward) const {
    constexpr int64_t kChunkBytes = 16 << 10, kLongEnough = 16, kManyRows = 256, kFewTasks = 4, kMostTasks = 64;
    const int64_t chunk = largest_divisor(inputs, kChunkBytes / (groups * vector_bytes));
    const bool is_large = 2 * groups * inputs * vector_bytes > target_.level2_bytes || (backward && inputs >= kManyRows);
    if (!is_large || groups == 1 || chunk < kLongEnough) return;
    // Of a layer forward each output of a task is a row of weights, and a processor follows so many streams.
    constexpr int64_t kStreams = 12;
    auto& p = schedule.parameters;
    // Sums, the vectors of the groups and one number of the weights fill the registers.
    const int64_t tile = tile_outputs(outputs, (registers_ - 1 - groups) / groups);
    int64_t tasks = backward ? std::min(kFewTasks, p["tasks"]) : std::clamp<int64_t>(ceil_divide(outputs, kStreams), std::min(kFewTasks, p["tasks"]), kMostTasks);
    while (DenseGroup{tile, tasks, groups}.bytes(outputs, vector_bytes) > kLargestScratchBytes) tasks *= 2;
    if (tasks > kMostTasks) return;
    p["groups"] = groups, p["outputs"] = tile, p["chunk"] = chunk, p["tasks"] = tasks;
  }

  /// Weights beyond the second-level cache come once for a group of images, as large as its sums may be. A chunk of a tile's weights
  /// and images lies in the first-level cache.
  void share_weights(Schedule& schedule, const TensorType& y, int64_t input_vectors, int64_t batch) const {
    constexpr int64_t kFirstLevelBytes = 24 << 10, kFewestTasks = 4;
    auto p = schedule.parameters;
    p["tasks"] = std::max(p["tasks"], std::min(kFewestTasks, ceil_divide(y.dims[0], p["rows"])));
    const int64_t outputs = y.dims[0], vector_bytes = p["vector"] * element_bytes(y.element), images = p["images"];
    const int64_t chunk = largest_divisor(input_vectors, kFirstLevelBytes / (vector_bytes * (p["rows"] + images)));
    const int64_t group = largest_divisor(ceil_divide(batch, images), batch, [&](int64_t tiles) {
      return DenseGroup{p["rows"], p["tasks"], tiles * images}.bytes(outputs, vector_bytes) <= kLargestScratchBytes;
    }) * images;
    constexpr int64_t kLongEnough = 8;
    if (outputs * input_vectors * vector_bytes <= target_.level2_bytes || group == images || chunk < kLongEnough) return;
    p["group"] = group, p["chunk"] = chunk;
    schedule.parameters = std::move(p);
  }

  Schedule dense_grad_weight(const Node& node, int64_t batch) const {
    const ValueId weight = node.results[0];
    const Dims& dims = graph_.type(weight).dims;
    const int64_t vector = std::min(lanes_of(weight), power_of_two_below(dims[1]));
    constexpr int64_t kMostGroups = 4;
    // Few vectors mask dy once more, many leave few registers for outputs.
    const int64_t many = registers_ >= 32 ? 4 : 2, all = std::max<int64_t>(dims[1] / vector, 1);
    const bool one_more = useful_share(dims[1], (many + 1) * vector) > useful_share(dims[1], many * vector);
    const int64_t vectors = std::min(all, one_more ? many + 1 : many);
    const int64_t outputs = tile_outputs(dims[0], registers_ >= 32 ? (one_more ? 5 : 6) : (one_more ? 4 : 5));
    const int64_t most_block = std::max<int64_t>(1, target_.level2_bytes / 16 / (vector * vectors * element_bytes(graph_.type(weight).element)) / outputs) * outputs;
    const int64_t block = dims[0] <= most_block ? dims[0] : most_block;
    return {"dense.lanes_grad_weight", {{"vector", vector}, {"vectors", vectors}, {"outputs", outputs}, {"block", block}, {"chunk", std::min(kMostGroups, ceil_divide(batch, group_))}}};
  }

  const Draft& draft_;
  const Graph& graph_;
  const Target& target_;
  const int64_t registers_;
  static constexpr int64_t kSmallBandBytes = 16 << 10;    // leaves room in the first-level cache
  static constexpr int64_t kSumsOfTiles = 2;    // at most so many times those of the pixels: the last tile of a band overlaps the one before
  const int64_t scratch_bytes_;         // that a band should take: a part of the second-level cache
  const bool precise_;
  int64_t group_ = 1;
};

}  // namespace

void choose_schedules(Draft& draft, const PlanContext& context) {
  const Chooser chooser(draft, context);
  const LegalSchedules legal(draft, context);
  // Kernels with one key have one schedule, as in a file, also in chains for different numbers of images.
  const int64_t planned = planned_batch(*draft.function, draft.purpose, context);
  std::map<uint64_t, int64_t> batches;
  for (size_t k = 0; k < draft.kernels.size(); ++k) {
    Kernel& kernel = draft.kernels[k];
    kernel.key = kernel_key(draft, kernel);
    int64_t& batch = batches[kernel.key.hash];
    batch = std::max(batch, images_at_once(draft.chains, k, planned));
  }
  for (Kernel& kernel : draft.kernels) {
    kernel.schedule = chooser.choose(kernel, batches.at(kernel.key.hash));
    const auto complaint = legal.complaint(kernel, kernel.schedule);
    CNNC_CHECK(!complaint, *complaint);
    if (context.options.stanzas) use_stanza(*context.options.stanzas, legal, context.target, kernel);
    if (context.options.variation == 0) continue;
    kernel.signature = kernel_signature(draft, kernel, context.target);
    kernel.schedule = varied_schedule(legal, kernel, context.options.variation);
  }
}

}  // namespace cnnc
