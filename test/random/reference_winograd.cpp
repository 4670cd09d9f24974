// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What Winograd's minimal filtering adds to the errors of a convolution: its own computation on absolute values, with tiles of
// 2x2 and of 4x4 outputs (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2016). The matrices stand here as
// the paper prints them; those of the gradient towards the filter, F(3, m), follow from the same points.
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

const Filtering kGradientFilterings[] = {
    {2, kFilterings[0].image, {{1, 0}, {.5, .5}, {.5, -.5}, {0, 1}}, {{1, 1, 1, 0}, {0, 1, -1, 0}, {0, 1, 1, -1}}},
    {4,
     kFilterings[1].image,
     {{1 / 4., 0, 0, 0}, {-1 / 6., -1 / 6., -1 / 6., -1 / 6.}, {-1 / 6., 1 / 6., -1 / 6., 1 / 6.}, {1 / 24., 1 / 12., 1 / 6., 1 / 3.}, {1 / 24., -1 / 12., 1 / 6., -1 / 3.}, {0, 0, 0, 1}},
     {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 1}}},
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

/// Absolute values of a square of x, 0 outside.
Matrix square_of(const Tensor& x, int64_t image, int64_t channel, int64_t top, int64_t left, int64_t side) {
  const Dims& dims = x.type.dims;
  Matrix square(static_cast<size_t>(side), std::vector<double>(static_cast<size_t>(side), 0));
  for (int64_t i = std::max<int64_t>(0, -top); i < std::min(side, dims[1] - top); ++i)
    for (int64_t j = std::max<int64_t>(0, -left); j < std::min(side, dims[2] - left); ++j)
      square[static_cast<size_t>(i)][static_cast<size_t>(j)] = std::abs(x.at[x.place(image, (channel * dims[1] + top + i) * dims[2] + left + j)].value);
  return square;
}

}  // namespace

void add_winograd_errors(Tensor& y, const Tensor& x, const std::function<double(int64_t, int64_t, int64_t)>& weight, const Dims& pad, int64_t images) {
  const Dims &in = x.type.dims, &out = y.type.dims;
  const int64_t channels = in[0];
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
          for (int64_t c = 0; c < channels; ++c) tiles.push_back(transform(filtering.image, square_of(x, image, c, top - pad[0], left - pad[1], side)));
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

void add_winograd_weight_errors(Tensor& dweight, const Tensor& x, const Tensor& dy, const Dims& pad, int64_t images) {
  const Dims &in = x.type.dims, &out = dy.type.dims;
  std::vector<double> errors(dweight.at.size(), 0);
  for (const Filtering& filtering : kGradientFilterings) {
    const int64_t m = filtering.outputs, side = m + 2;
    std::vector<Matrix> sums(static_cast<size_t>(out[0] * in[0]), Matrix(static_cast<size_t>(side), std::vector<double>(static_cast<size_t>(side), 0)));
    for (int64_t image = 0; image < images; ++image)
      for (int64_t top = 0; top < out[1]; top += m)
        for (int64_t left = 0; left < out[2]; left += m) {
          std::vector<Matrix> tiles;
          for (int64_t c = 0; c < in[0]; ++c) tiles.push_back(transform(filtering.image, square_of(x, image, c, top - pad[0], left - pad[1], side)));
          for (int64_t o = 0; o < out[0]; ++o) {
            const Matrix slope = transform(filtering.filter, square_of(dy, image, o, top, left, m));
            for (int64_t c = 0; c < in[0]; ++c)
              for (size_t e = 0; e < slope.size(); ++e)
                for (size_t f = 0; f < slope.size(); ++f) sums[static_cast<size_t>(o * in[0] + c)][e][f] += slope[e][f] * tiles[static_cast<size_t>(c)][e][f];
          }
        }
    for (size_t pair = 0; pair < sums.size(); ++pair) {
      const Matrix error = transform(filtering.back, sums[pair]);
      for (size_t tap = 0; tap < 9; ++tap) errors[pair * 9 + tap] = std::max(errors[pair * 9 + tap], error[tap / 3][tap % 3]);
    }
  }
  for (size_t i = 0; i < errors.size(); ++i) dweight.at[i].error += errors[i];
}

}  // namespace cnnc::random_programs
