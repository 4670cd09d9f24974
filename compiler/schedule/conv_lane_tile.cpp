// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Register tiles of convolutions of images in lanes, and of their gradients towards x as direct sums.
#include "schedule/conv_numbers.h"

#include <algorithm>

#include "schedule/templates.h"

namespace cnnc {

Tile lane_tile(const ConvNumbers& c, int64_t registers, int64_t bytes, int64_t filters) {
  constexpr int64_t kMostColumns = 14, kMostFilters = 16;
  // The compiler keeps what several taps read of x; of few registers that must leave some, or sums are spilled.
  const int64_t kept = registers <= kFewRegisters && c.weight[3] > 1 && c.stride[1] > 1 ? 2 : 0;
  Tile best{c.window[1], std::max<int64_t>(filters, 1), c.window[0]};
  double best_score = 0;
  for (int64_t columns = c.window[1]; columns <= std::min(kMostColumns, c.y[2]); columns += c.window[1])
    for (int64_t f = 1; f <= std::min(c.group_filters(), kMostFilters); ++f) {
      const int64_t pixels = columns * c.window[0], sums = pixels * f;
      if (c.group_filters() % f != 0 || (filters > 0 && f != filters) || tile_registers(pixels, f) + kept > registers) continue;
      // What does not lie in the first-level cache takes longer to load; neighbouring taps share it.
      constexpr double kFar = 0.3;
      const double far = c.tile_bytes(columns, c.window[0], bytes) > kFirstLevelBytes ? kFar / static_cast<double>(f * c.weight[3]) : 0;
      const double score = useful_share(c.y[2], columns) * tile_efficiency(sums, loads(pixels, f) + far);
      if (score > best_score + 1e-9) best_score = score, best = {columns, f, c.window[0]};
    }
  return best;
}

double useful_taps(const ConvNumbers& c) {
  double share = 1;
  for (size_t axis = 0; axis < 2; ++axis) {
    const int64_t extent = c.y[axis + 1], taps = c.weight[axis + 2];
    int64_t useful = 0;
    for (int64_t i = 0; i < extent; ++i)
      for (int64_t t = 0; t < taps; ++t) {
        const int64_t place = i * c.stride[axis] + t * c.dilation[axis] - c.pad[axis];
        useful += place >= 0 && place < c.x[axis + 1];
      }
    share *= static_cast<double>(useful) / static_cast<double>(extent * taps);
  }
  return share;
}

constexpr double kMostlyUseful = 0.8;

bool leaves_out_taps(const ConvNumbers& c, int64_t registers) {
  return c.has_border() && tile_registers(c.y[2], 1) <= registers && useful_taps(c) < kMostlyUseful;
}

namespace {

/// Of few registers, many channels by few columns, as measured, so that a row is not too many tiles to write out.
std::optional<Tile> written_out_tile(const ConvNumbers& c, int64_t registers) {
  if (registers > kFewRegisters || c.is_depthwise()) return {};
  std::optional<Tile> best;
  double best_score = 0;
  for (const int64_t columns : divisors(c.x[2]))
    for (const int64_t channels : divisors(c.weight[1])) {
      if (columns % c.stride[1] != 0 || columns * channels > registers - 4 || columns * kMostWrittenOutTiles < c.x[2]) continue;
      const double score = tile_efficiency(columns * channels, loads(columns, channels));
      if (score > best_score + 1e-9) best_score = score, best = {columns, channels, 1};
    }
  return best;
}

}  // namespace

bool leaves_out_zeros(const ConvNumbers& c, int64_t registers) {
  const std::optional<ConvNumbers> convolution = c.of_gradient();
  if (!convolution) return true;
  // A filter for each channel makes a copy of dy, which zeros around it need, too costly.
  const bool copies = c.is_depthwise() && convolution->has_border();
  constexpr int64_t kMostWrittenOut = 32;
  const bool has_tile = c.x[2] <= registers - 4 || (c.x[2] <= kMostWrittenOut && written_out_tile(c, registers));
  return has_tile && (copies || useful_taps(*convolution) < kMostlyUseful);
}

int64_t reached_columns(const ConvNumbers& c, int64_t columns) {
  // Where tiles begin decides which ones, unless they all begin at multiples of the stride.
  if (columns % c.stride[1] != 0) return columns;
  int64_t reached = 0;
  for (int64_t column = 0; column < columns; ++column) {
    bool meets = false;
    for (int64_t tap = 0; tap < c.weight[3]; ++tap) meets |= (column + c.pad[1] - tap * c.dilation[1]) % c.stride[1] == 0;
    reached += meets;
  }
  return reached;
}

Tile gradient_tile(const ConvNumbers& c, int64_t registers) {
  constexpr int64_t kMostColumns = 28, kMostChannels = 8, kFew = 4, kLong = 8;
  const int64_t width = c.x[2], stride = c.stride[1], channels = c.weight[1], left = registers - 4;
  const auto is_whole = [&](int64_t columns) { return columns % stride == 0; };
  if (c.skips_columns()) {
    Tile best;
    double best_score = 0;
    for (const int64_t columns : divisors(width))
      for (int64_t n = 1; n <= std::min(channels, kMostChannels); ++n) {
        const int64_t reached = reached_columns(c, columns);
        if (columns > kMostColumns || channels % n != 0 || reached == 0 || tile_registers(reached, n) > registers) continue;
        const double score = tile_efficiency(reached * n, loads(reached, n)) * static_cast<double>(columns) / static_cast<double>(reached * stride);
        if (score > best_score + 1e-9) best_score = score, best = {columns, n, 1};
      }
    return best;
  }
  if (const std::optional<Tile> tile = written_out_tile(c, registers)) return *tile;
  // With a stride whole rows are not needed, and shorter tiles keep what they read of dy in the caches.
  const int64_t many = registers <= kFewRegisters ? 8 : 14, part = stride > 1 ? largest_divisor(width, many, is_whole) : 1;
  if (part >= kFew || width <= left) {
    const int64_t columns = part >= kFew ? part : width;
    return {columns, largest_divisor(channels, std::max<int64_t>(1, left / columns)), 1};
  }
  const int64_t columns = largest_divisor(width, kLong, is_whole);
  return {columns, largest_divisor(channels, std::max<int64_t>(1, left / (2 * columns))), 1};
}

}  // namespace cnnc
