// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What convolutions in blocks of channels read from beyond the second-level cache, and how they ask for it.
#include "schedule/conv_numbers.h"
#include "schedule/plan.h"

namespace cnnc {

int64_t band_of_least_traffic(const ConvNumbers& c, const Target& target, int64_t filter_tiles, int64_t bytes, const std::function<bool(int64_t)>& may_be) {
  const int64_t usable = target.level2_bytes / 4 * 3, weights = element_count(c.weight) * bytes;
  const auto traffic = [&](int64_t rows) {
    const int64_t bands = ceil_divide(c.y[1], rows), band = c.band_bytes(rows, c.weight[1], bytes);
    return bands * band * (band > usable ? filter_tiles : c.groups) + weights * (weights + band > usable ? bands : 1);
  };
  int64_t best = c.y[1];
  for (int64_t rows = best - 1; rows > 0; --rows)
    if (may_be(rows) && traffic(rows) < traffic(best)) best = rows;
  return best;
}

int64_t blocks_ahead(const ConvNumbers& c, const Target& target, int64_t vector, int64_t bytes) {
  // As measured: one tap reads short runs of memory, far from each other, that the processor does not foresee where a block of a pixel
  // is less than a cache line. With a stride it would fetch what no tap reads.
  constexpr int64_t kCacheLine = 64, kManyBlocks = 16, kAhead = 2;
  const bool is_far = element_count(c.x) * bytes > target.level2_bytes;
  return c.taps() == 1 && c.stride == Dims{1, 1} && is_far && vector * bytes < kCacheLine && c.weight[1] >= kManyBlocks * vector ? kAhead : 0;
}

bool streams_weights(const ConvNumbers& c, const BlockedTile& tile, const Target& target, int64_t bytes) {
  // As measured: where few registers make short runs of a block's weights, the runs of all taps come sooner than one stream.
  return target.vector_registers > kFewRegisters && c.taps() > 1 && element_count(c.weight) * bytes > target.level2_bytes && c.tile_bytes(tile.columns, tile.rows, bytes) <= kFirstLevelBytes;
}

}  // namespace cnnc
