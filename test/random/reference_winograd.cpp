// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What Winograd's minimal filtering adds to the errors of a convolution: its own computation on absolute values, with tiles of
// 2x2 and of 4x4 outputs (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2016). The matrices stand here as
// the paper prints them.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "test/random/reference.h"

namespace cnnc::random_programs {
namespace {

using Matrix = std::vector<std::vector<double>>;

struct Filtering {
  int64_t outputs;
  Matrix image, filter, back;      // B^T, G, A^T
};

const Filtering kFilterings[] = {
    {2,
     {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}},
     {{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}},
     {{1, 1, 1, 0}, {0, 1, -1, -1}}},
    {4,
     {{4, 0, -5, 0, 1, 0}, {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0}, {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}},
     {{1 / 4., 0, 0}, {-1 / 6., -1 / 6., -1 / 6.}, {-1 / 6., 1 / 6., -1 / 6.}, {1 / 24., 1 / 12., 1 / 6.}, {1 / 24., -1 / 12., 1 / 6.}, {0, 0, 1}},
     {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}}},
};

/// |m| values |m|^T.
Matrix transform(const Matrix& m, const Matrix& values) {
  Matrix result(m.size(), std::vector<double>(m.size(), 0));
  for (size_t e = 0; e < m.size(); ++e)
    for (size_t f = 0; f < m.size(); ++f)
      for (size_t i = 0; i < values.size(); ++i)
        for (size_t j = 0; j < values.size(); ++j) result[e][f] += std::abs(m[e][i] * m[f][j]) * values[i][j];
  return result;
}

/// The sum of one tile's products over all channels, transformed back: m x m numbers.
Matrix tile_error(const Filtering& filtering, const std::vector<Matrix>& filters, const std::vector<Matrix>& images) {
  const size_t side = filtering.image.size();
  Matrix sums(side, std::vector<double>(side, 0));
  for (size_t channel = 0; channel < filters.size(); ++channel)
    for (size_t e = 0; e < side; ++e)
      for (size_t f = 0; f < side; ++f) sums[e][f] += filters[channel][e][f] * images[channel][e][f];
  return transform(filtering.back, sums);
}

}  // namespace

void add_winograd_errors(Tensor& y, const Tensor& x, const std::function<double(int64_t, int64_t, int64_t)>& weight, const Dims& pad, int64_t images) {
  const Dims &in = x.type.dims, &out = y.type.dims;
  const int64_t channels = in[0];
  const auto pixel = [&](int64_t image, int64_t channel, int64_t row, int64_t column) {
    if (row < 0 || row >= in[1] || column < 0 || column >= in[2]) return 0.0;
    return std::abs(x.at[x.place(image, (channel * in[1] + row) * in[2] + column)].value);
  };
  std::vector<double> errors(y.at.size(), 0);
  for (const Filtering& filtering : kFilterings) {
    const int64_t m = filtering.outputs, side = m + 2;
    std::vector<std::vector<Matrix>> filters(static_cast<size_t>(out[0]));
    for (int64_t o = 0; o < out[0]; ++o)
      for (int64_t c = 0; c < channels; ++c) {
        Matrix taps(3, std::vector<double>(3));
        for (int64_t t = 0; t < 9; ++t) taps[static_cast<size_t>(t / 3)][static_cast<size_t>(t % 3)] = std::abs(weight(o, c, t));
        filters[static_cast<size_t>(o)].push_back(transform(filtering.filter, taps));
      }
    for (int64_t image = 0; image < images; ++image)
      for (int64_t top = 0; top < out[1]; top += m)
        for (int64_t left = 0; left < out[2]; left += m) {
          std::vector<Matrix> tiles;
          for (int64_t c = 0; c < channels; ++c) {
            Matrix tile(static_cast<size_t>(side), std::vector<double>(static_cast<size_t>(side)));
            for (int64_t i = 0; i < side * side; ++i) tile[static_cast<size_t>(i / side)][static_cast<size_t>(i % side)] = pixel(image, c, top + i / side - pad[0], left + i % side - pad[1]);
            tiles.push_back(transform(filtering.image, tile));
          }
          for (int64_t o = 0; o < out[0]; ++o) {
            const Matrix error = tile_error(filtering, filters[static_cast<size_t>(o)], tiles);
            for (int64_t i = top; i < std::min(top + m, out[1]); ++i)
              for (int64_t j = left; j < std::min(left + m, out[2]); ++j) {
                double& largest = errors[y.place(image, (o * out[1] + i) * out[2] + j)];
                largest = std::max(largest, error[static_cast<size_t>(i - top)][static_cast<size_t>(j - left)]);
              }
          }
        }
  }
  for (size_t i = 0; i < errors.size(); ++i) y.at[i].error += errors[i];
}

}  // namespace cnnc::random_programs
