// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tile and the blocks of the gradient towards a convolution's weight, images in lanes, as a direct sum. Blocks of filters by
// channels decide how often x and dy come from memory; all the sums of a block lie in the second-level cache.
#include "schedule/conv_numbers.h"

#include <algorithm>

namespace cnnc {
namespace {

/// Of the tiles that fit the registers, the one with the fewest loads for a multiply-add.
DirectWeightTile weight_register_tile(const ConvNumbers& c, bool one_filter, int64_t registers) {
  constexpr int64_t kMost = 8;
  const int64_t taps = c.weight[3], filters = c.group_filters(), channels = c.weight[1];
  DirectWeightTile best;
  double best_score = 0;
  for (int64_t i = 1; i <= std::min(channels, kMost); ++i)
    for (int64_t f = 1; f <= std::min(filters, kMost); ++f) {
      const int64_t sums = taps * i * f;
      if (channels % i != 0 || filters % f != 0 || sums + f + 1 > registers || (one_filter && f > 1)) continue;
      const double score = tile_efficiency(sums, static_cast<double>(f + taps * i) / static_cast<double>(sums));
      if (score > best_score + 1e-9) best_score = score, best.filters = f, best.channels = i;
    }
  return best;
}

class Blocks {
 public:
  Blocks(const ConvNumbers& c, int64_t vector_bytes, const Target& target) : c_(c), bytes_(vector_bytes), target_(target) {}

  bool fit(const DirectWeightTile& t) const {
    const int64_t sums = sums_of(t) * bytes_, band = c_.has_border() ? c_.band_bytes(t.rows, t.block, bytes_) : 0;
    return std::max(sums, band) <= kLargestLaneBytes && sums + band <= target_.level2_bytes / 2;
  }

  /// Blocks are what threads share out.
  bool keep_threads_busy(const DirectWeightTile& t) const {
    constexpr int64_t kFewest = 4;
    const int64_t most = c_.groups * (c_.group_filters() / t.filters) * (c_.weight[1] / t.channels);
    return c_.groups * reads_of_x(t) * reads_of_dy(t) >= std::min(kFewest, most);
  }

  /// Additions of tiles to the sums at the end of each strip, copies of x, and what comes from memory.
  double cost(const DirectWeightTile& t) const {
    constexpr double kAdd = 3, kCopy = 2;
    const auto strips = static_cast<double>(c_.y[1] / t.rows), reads = static_cast<double>(reads_of_x(t));
    const double adds = kAdd * strips * static_cast<double>(c_.weight[0] * c_.weight[1] * c_.taps());
    const double copies = c_.has_border() ? kCopy * reads * strips * static_cast<double>(c_.band_bytes(t.rows, c_.x[0], 1)) : 0;
    const auto x = static_cast<double>(element_count(c_.x) * bytes_), dy = static_cast<double>(element_count(c_.y) * bytes_);
    const double streamed = reads * x + static_cast<double>(reads_of_dy(t)) * dy;
    return adds + copies + (x + dy <= static_cast<double>(target_.level2_bytes) ? 0 : streamed / streamed_bytes(target_.memory_gbs, target_));
  }

 private:
  int64_t sums_of(const DirectWeightTile& t) const { return c_.taps() * t.block * t.filters * t.tiles; }
  int64_t reads_of_x(const DirectWeightTile& t) const { return c_.group_filters() / (t.filters * t.tiles); }
  int64_t reads_of_dy(const DirectWeightTile& t) const { return c_.weight[1] / t.block; }

  const ConvNumbers& c_;
  const int64_t bytes_;
  const Target& target_;
};

}  // namespace

DirectWeightTile direct_weight_tile(const ConvNumbers& c, int64_t vector_bytes, const Target& target) {
  const bool one_filter = c.has_border() && c.groups > 1;
  const DirectWeightTile tile = weight_register_tile(c, one_filter, target.vector_registers);
  const Blocks blocks(c, vector_bytes, target);
  // What a register tile reads of dy along a longer strip would leave the first-level cache; so do maps that are not copied, whose
  // channels lie far apart.
  const int64_t longest_strip = c.has_border() ? 128 : 32;
  DirectWeightTile best;
  if (tile.filters == 0) return best;
  for (const int64_t tiles : divisors(one_filter ? 1 : c.group_filters() / tile.filters))
    for (const int64_t channel_tiles : divisors(c.weight[1] / tile.channels))
      for (const int64_t rows : divisors(c.y[1])) {
        if (rows > 1 && rows * c.y[2] > longest_strip) break;
        DirectWeightTile now{tile.filters, tile.channels, tiles, channel_tiles * tile.channels, rows};
        if (!blocks.fit(now) || !blocks.keep_threads_busy(now)) continue;
        now.cost = blocks.cost(now);
        if (best.filters == 0 || now.cost < best.cost * (1 - 1e-9)) best = now;
      }
  return best;
}

}  // namespace cnnc
