// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolutions in numbers, and register tiles: what the choices of layouts and of schedules share. Private to schedule.
#pragma once
#include <functional>
#include <optional>
#include <vector>

#include "ir/graph.h"
#include "schedule/target.h"

namespace cnnc {

constexpr int64_t kWinogradImageBytes = 512 << 10;      // of a block of tiles of one image: most of a second-level cache
constexpr int64_t kWinogradLargestImageBytes = 1280 << 10;   // of several images, innermost or not: one tile of many channels is larger
constexpr int64_t kWinogradProductBytes = 256 << 10;
constexpr int64_t kFewRegisters = 16;                   // of vectors: the compiler spills where a tile takes all of them
constexpr int64_t kMostWrittenOutTiles = 16;            // of a row of a gradient towards x: written out, a tile knows which of its taps leave dy
constexpr double kSumsForLatency = 10;                  // of multiply-adds that wait for those before: as many at once keep a core busy
constexpr int64_t kFirstLevelBytes = 48 << 10;          // of the cache; smaller ones lose little by what is a little larger
constexpr int64_t kLargestScratchBytes = 256 << 10;     // that a band may take, on the stack
constexpr int64_t kLargestLaneBytes = 768 << 10;        // that a band, or sums, of images innermost may take: each number is a vector
constexpr int64_t kWinogradElement = 4;                 // bytes: it is for f32

constexpr int64_t ceil_divide(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t power_of_two_below(int64_t n);
/// The share of the places of tiles of `size` that lie within `extent`.
double useful_share(int64_t extent, int64_t size);

/// The largest divisor of n that is at most `most` and satisfies `fits`; 1 if there is none.
template <class Fits>
int64_t largest_divisor(int64_t n, int64_t most, Fits fits) {
  for (int64_t d = std::min(n, most); d > 1; --d)
    if (n % d == 0 && fits(d)) return d;
  return 1;
}
inline int64_t largest_divisor(int64_t n, int64_t most) {
  return largest_divisor(n, most, [](int64_t) { return true; });
}

std::vector<int64_t> divisors(int64_t n);

/// The sums that a task of a dense layer keeps in memory: tiles of `rows` outputs, for so many images or groups of them.
struct DenseGroup {
  int64_t rows = 1, tasks = 1, images = 1;

  int64_t outputs(int64_t all) const { return ceil_divide(ceil_divide(all, rows), tasks) * rows; }
  int64_t bytes(int64_t all, int64_t vector_bytes) const { return outputs(all) * images * vector_bytes; }
};

/// Of a tile of sums, for a multiply-add.
inline double loads(int64_t pixels, int64_t channels) { return static_cast<double>(pixels + channels) / static_cast<double>(pixels * channels); }
/// The share of the peak that a tile of sums can reach: enough of them to hide the latency, few loads.
double tile_efficiency(int64_t sums, double loads_per_multiply_add);
/// The same where broadcast numbers are loaded as operands of multiply-adds. `sums_for_latency`: how many keep a core busy.
double blocked_efficiency(int64_t pixels, int64_t blocks, double sums_for_latency = kSumsForLatency);

/// Images of a register tile of a dense layer whose weights are packed in tiles of so many vectors, and the share of the peak that it
/// reaches.
struct PackedImages {
  int64_t images = 1;
  double efficiency = 0;
};
PackedImages packed_images(int64_t blocks, int64_t batch, int64_t registers);

/// Bytes that come at such a speed while a vector of multiply-adds passes. As measured, narrow vectors hide more of a stream behind
/// the computing: the time of 16 numbers counts for all.
double streamed_bytes(double gbs, const Target& target);

struct Tile {
  int64_t columns = 1, channels = 1, rows = 1;
};

/// columns (in units of `unit`) of `width` by a divisor of `channels`, in the registers.
Tile register_tile(int64_t width, int64_t channels, int64_t registers, int64_t most_columns, int64_t unit = 1);

struct Kernel;
struct Layout;

/// The types and attributes of conv or of one of its gradients.
struct ConvNumbers {
  Dims x, y, weight, stride, pad, dilation;
  int64_t groups = 1;
  bool flip = false;
  Dims window = {1, 1};       // of a pool in the same kernel: tiles are whole windows

  /// Whether each channel has one filter of its own.
  bool is_depthwise() const { return groups > 1 && groups == x[0] && groups == y[0]; }
  int64_t group_filters() const { return weight[0] / groups; }
  int64_t taps() const { return weight[2] * weight[3]; }
  int64_t taps_height() const { return (weight[2] - 1) * dilation[0] + 1; }
  int64_t taps_width() const { return (weight[3] - 1) * dilation[1] + 1; }
  /// Whether some columns of x meet no tap: the stride is wider.
  bool skips_columns() const { return weight[3] < stride[1]; }
  /// Elements beyond x that taps reach: above, left, below, right.
  Dims border() const;
  bool has_border() const;
  /// The same for whole tiles of outputs x outputs.
  Dims winograd_border(int64_t outputs) const;
  /// Bytes of the bordered copy of x that `rows` rows of y need, for so many channels.
  int64_t band_bytes(int64_t rows, int64_t channels, int64_t bytes) const;
  /// The same for a tile of y's columns by rows, `bytes` for each of all channels.
  int64_t tile_bytes(int64_t columns, int64_t rows, int64_t bytes) const;
  /// The gradient towards x as a convolution of dy with mirrored filters; nothing with a stride, or where x is padded wider than taps reach.
  std::optional<ConvNumbers> of_gradient() const;
};
/// The register tile of a convolution of images in lanes, whose vectors have `bytes`: of whole windows of the pool, and as high.
/// `filters`: those that packed weights fix; 0: any.
Tile lane_tile(const ConvNumbers& c, int64_t registers, int64_t bytes, int64_t filters = 0);
/// Of a node: conv, conv_grad_input or conv_grad_weight.
ConvNumbers conv_numbers(const Graph& graph, const Node& node);
/// A dense layer as a convolution of one tap over one pixel.
ConvNumbers dense_numbers(const Dims& x, const Dims& weight);
/// Of the anchor of a kernel, with the windows of its pool.
ConvNumbers conv_numbers(const Graph& graph, const Kernel& kernel);
/// The same; of a gradient towards x the convolution that it is.
ConvNumbers convolution_numbers(const Graph& graph, const Kernel& kernel);

/// A tile of a blocked convolution: pixels (columns by rows) by vectors of filters, and what it costs in vectors of
/// multiply-adds an image. `blocks`: of packed weights that exist already; 0: any that fits.
struct BlockedTile {
  int64_t columns = 1, rows = 1, blocks = 1;
  double cost = 0;
};
BlockedTile blocked_tile(const ConvNumbers& c, int64_t vector, int64_t registers, int64_t blocks = 0);

/// Whether `conv.chunks` sums it, where y is in blocks of channels: no groups, and an x of whole blocks.
bool sums_in_chunks(const ConvNumbers& c, const Layout& x);
/// The register tile of that: columns by vectors of filters. `blocks`: those of weights that are packed already; 0: any.
BlockedTile chunk_tile(const ConvNumbers& c, int64_t vector, int64_t registers, int64_t blocks = 0);
/// Whether that is expected to be faster than `conv.direct`.
bool prefers_chunks(const ConvNumbers& c, int64_t registers);

/// Whether `conv.pointwise` sums it, where y is in blocks of channels: one tap, no groups, and an x of whole blocks without gaps between pixels.
bool is_pointwise(const ConvNumbers& c, const Layout& x);
/// The register tile of that: pixels (columns) by vectors of filters. `blocks`: those of weights that are packed already; 0: any.
BlockedTile pointwise_tile(const ConvNumbers& c, int64_t vector, int64_t registers, int64_t blocks = 0);

/// Whether `conv.separable` sums up x, what a convolution of each channel alone makes: one tap at stride 1, and a band that fits the stack.
bool is_separable(const ConvNumbers& c, const Layout& x, int64_t bytes);
/// Bytes of the band of x that so many rows of y need.
int64_t separable_band_bytes(const ConvNumbers& c, int64_t rows, int64_t vector, int64_t bytes);

/// Whether that is expected to be faster than `conv.direct`, for `blocks` as above.
bool prefers_pointwise(const ConvNumbers& c, int64_t vector, int64_t registers, int64_t blocks = 0);

/// In conv_traffic.cpp, of convolutions that read x in blocks of channels. Rows of y for which the fewest bytes come from beyond the second-level
/// cache: each band of them reads all weights, and each tile of filters all of the band. All rows where x fits. `may_be`: which are allowed.
int64_t band_of_least_traffic(const ConvNumbers& c, const Target& target, int64_t filter_tiles, int64_t bytes, const std::function<bool(int64_t)>& may_be);
/// Blocks of channels that a tile fetches into the cache ahead of their use.
int64_t blocks_ahead(const ConvNumbers& c, const Target& target, int64_t vector, int64_t bytes);
/// Whether weights are read in the order of memory: where they come from beyond the caches, and what a tile reads of x stays in the first.
bool streams_weights(const ConvNumbers& c, const BlockedTile& tile, const Target& target, int64_t bytes);

/// The share of a convolution's taps that meet the image.
double useful_taps(const ConvNumbers& c);
/// Whether a convolution of images in lanes is summed by whole rows of a small image, with taps that leave it left out, rather than
/// from a copy with zeros around.
bool leaves_out_taps(const ConvNumbers& c, int64_t registers);
/// The same of the gradient towards x; with a stride always.
bool leaves_out_zeros(const ConvNumbers& c, int64_t registers);

/// Its register tile: columns of x by channels.
Tile gradient_tile(const ConvNumbers& c, int64_t registers);
/// Columns of such a tile that some tap meets: with a stride wider than the taps the others are zeros, and need no registers.
int64_t reached_columns(const ConvNumbers& c, int64_t columns);

/// What Winograd's algorithm computes of a convolution of 3x3 taps at stride 1, or of its gradient towards x.
struct WinogradShape {
  int64_t inputs = 1, outputs = 1, height = 1, width = 1;     // channels on both sides; the result's rows and columns
  int64_t vector = 1;                                         // lanes of a register
  bool lanes = false;                                         // vectors hold images, not channels
  int64_t batch = 1;                                          // images that are there at once
  int64_t groups = 0;                                         // of lanes, for which weights are transformed once; 0: they are beforehand

  int64_t tiles_across(int64_t m) const { return ceil_divide(width, m); }
  int64_t tiles_down(int64_t m) const { return ceil_divide(height, m); }
  /// Vectors of transformed images, and of sums for one vector of outputs, of a block of tiles, in bytes.
  int64_t image_bytes(int64_t m, int64_t tiles) const;
  int64_t product_bytes(int64_t m, int64_t tiles, int64_t blocks) const;
  /// Transformed weights, whose outputs fill tiles of `blocks` vectors.
  int64_t weight_bytes(int64_t m, int64_t blocks) const { return product_bytes(m, inputs, ceil_divide(outputs, vector * blocks) * blocks); }
  /// Whether the scratch for so many tiles fits the stack.
  bool fits(int64_t m, int64_t tiles, int64_t blocks) const {
    return image_bytes(m, tiles) <= kWinogradLargestImageBytes && product_bytes(m, tiles, blocks) <= kWinogradProductBytes;
  }
  /// Whether it is also as small as tiles of one image should be.
  bool fits_caches(int64_t m, int64_t tiles, int64_t blocks) const {
    return fits(m, tiles, blocks) && (lanes || image_bytes(m, tiles) <= kWinogradImageBytes);
  }
};
WinogradShape winograd_shape(const ConvNumbers& c, int64_t vector, int64_t batch);
WinogradShape winograd_lane_shape(const ConvNumbers& c, int64_t vector, bool towards_x, int64_t groups = 0);
/// Of a node, conv or conv_grad_input; `batch` is that of inference.
WinogradShape winograd_shape(const Graph& graph, const Node& node, int64_t vector, bool lanes, int64_t batch);

/// Its register tile: tiles of m x m results side by side, below each other and of several images, and vectors of outputs (in
/// lanes: outputs). A block of `across` by `band` tiles of `group` images is transformed at once. The cost as of BlockedTile, for
/// an image (in lanes: a group).
struct WinogradTile {
  int64_t columns = 1, rows = 1, images = 1, blocks = 1, across = 1, band = 1, group = 1;
  double cost = 0;
};
/// `blocks`: of packed weights that exist already; 0: any that fits. The cost is infinite where not even one tile's scratch fits.
WinogradTile winograd_tile(const WinogradShape& s, int64_t m, const Target& target, int64_t blocks = 0);
/// Whether there is such an algorithm for the convolution, or for its gradient.
bool allows_winograd(const ConvNumbers& c);
/// The m (4 or 2) with which a convolution between blocks is expected to be faster than a direct sum; 0: it is not.
int64_t prefers_winograd(const ConvNumbers& c, int64_t vector, int64_t batch, const Target& target);
/// The same for so many groups of images in lanes.
int64_t prefers_winograd_lanes(const ConvNumbers& c, int64_t vector, int64_t groups, const Target& target, bool towards_x);

/// Winograd's algorithm for the gradient towards the weight, images in lanes: the register tile (filters by vectors of channels),
/// the block whose sums lie in cache, the block of tiles that is transformed at once. The cost in vectors of multiply-adds, for a
/// group.
struct WinogradWeightTile {
  int64_t outputs = 0, filters = 1, vectors = 1, filter_block = 1, vector_block = 1, across = 1, band = 1, groups = 1;
  double cost = 0;

  int64_t tiles() const { return across * band * groups; }
  /// Bytes of the sums of a block, of a block of transformed tiles of x and dy, and of a copy of x for a vector of channels.
  int64_t sum_bytes(int64_t vector) const;
  int64_t tile_bytes(int64_t vector) const;
  int64_t copy_bytes(int64_t vector) const;
};
constexpr int64_t kWinogradSumBytes = 640 << 10, kWinogradTileBytes = 640 << 10, kWinogradCopyBytes = 256 << 10;
/// The tile that is expected to be the fastest; `outputs` 0: a direct sum is.
WinogradWeightTile winograd_weight_tile(const ConvNumbers& c, int64_t vector, int64_t registers, int64_t groups);

/// A direct sum of the gradient towards the weight, images in lanes: the register tile of `filters` by `channels`, and the block of
/// `tiles` of filters by `block` channels whose sums lie in cache, beside a band of x for `rows` rows of dy.
struct DirectWeightTile {
  int64_t filters = 0, channels = 1, tiles = 1, block = 1, rows = 1;
  double cost = 0;        // of what is not multiply-adds, in vectors of these, for a group of images
};
/// The tile that is expected to be the fastest; `filters` 0: none fits.
DirectWeightTile direct_weight_tile(const ConvNumbers& c, int64_t vector_bytes, const Target& target);

/// A tile of a planar convolution: vectors of columns by lines, by filters.
struct PlanarTile {
  int64_t vector = 1, columns = 1, lines = 1, filters = 1;
  double cost = 0;
};
constexpr int64_t kMostPlanarLines = 4;
PlanarTile planar_tile(const ConvNumbers& c, int64_t lanes, int64_t registers);

/// Whether y can be computed in blocks of `vector` channels, from x as it is.
bool allows_blocks(const ConvNumbers& c, bool x_is_blocked, int64_t vector);
/// Whether that is expected to be faster than planar rows.
bool prefers_blocks(const ConvNumbers& c, bool x_is_blocked, int64_t vector, int64_t registers);

}  // namespace cnnc
