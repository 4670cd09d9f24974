// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Initialisers as in PyTorch; draws by counter. `value` 0 stands for the initialiser's own default of gain, bound or deviation.
#include "runtime/program/initialise.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>
#include <vector>

#include "runtime/program/failure.h"
#include "runtime/program/function_call.h"
#include "runtime/program/random.h"

namespace cnnc::runtime {
namespace {

/// A standard normal number (Box and Muller) from two uniform ones.
double normal_draw(RandomKey key, uint64_t index) {
  const double radius = std::sqrt(-2 * std::log(1 - key.uniform(2 * index)));
  return radius * std::cos(2 * std::numbers::pi * key.uniform(2 * index + 1));
}

void fill_normal(RandomKey key, double mean, double deviation, std::span<double> values) {
  for (size_t i = 0; i < values.size(); ++i) values[i] = mean + deviation * normal_draw(key, i);
}

void fill_uniform(RandomKey key, double low, double high, std::span<double> values) {
  for (size_t i = 0; i < values.size(); ++i) values[i] = low + (high - low) * key.uniform(i);
}

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// Rows (or columns, where those are fewer) that are orthogonal and of length `gain`, by Gram and Schmidt, twice for precision.
void fill_orthogonal(RandomKey key, const cnn_tensor& tensor, double gain, std::span<double> values) {
  const size_t rows = tensor.rank > 0 ? static_cast<size_t>(tensor.dims[0]) : 1, columns = values.size() / rows;
  const size_t vectors = std::min(rows, columns), length = std::max(rows, columns);
  std::vector<double> basis(vectors * length);
  fill_normal(key, 0, 1, basis);
  const auto row = [&](size_t i) { return std::span(basis).subspan(i * length, length); };
  for (size_t i = 0; i < vectors; ++i) {
    for (int pass = 0; pass < 2; ++pass)
      for (size_t j = 0; j < i; ++j) {
        const double along = dot(row(i), row(j));
        for (size_t k = 0; k < length; ++k) row(i)[k] -= along * row(j)[k];
      }
    const double norm = std::sqrt(dot(row(i), row(i)));
    for (double& x : row(i)) x /= norm;
  }
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < columns; ++c)
      values[r * columns + c] = gain * (rows <= columns ? basis[r * length + c] : basis[c * length + r]);
}

double or_default(double value, double fallback) { return value == 0 ? fallback : value; }

}  // namespace

void initialise_tensor(const cnn_tensor& tensor, uint64_t seed, std::span<double> values) {
  const std::string_view name = tensor.initialiser;
  const RandomKey key = random_key(seed, kInitialise).with(tensor.name);
  const double fan_in = static_cast<double>(std::max<int64_t>(1, tensor.fan_in));
  const double fans = fan_in + static_cast<double>(std::max<int64_t>(1, tensor.fan_out));
  const double value = tensor.value, second = tensor.second;
  const auto symmetric = [&](double bound) { fill_uniform(key, -bound, bound, values); };
  if (name == "zeros") std::fill(values.begin(), values.end(), 0.0);
  else if (name == "ones") std::fill(values.begin(), values.end(), 1.0);
  else if (name == "constant") std::fill(values.begin(), values.end(), value);
  else if (name == "uniform_fan_in") symmetric(1 / std::sqrt(fan_in));
  else if (name == "he_normal") fill_normal(key, 0, or_default(value, std::numbers::sqrt2) / std::sqrt(fan_in), values);
  else if (name == "he_uniform") symmetric(or_default(value, std::numbers::sqrt2) * std::sqrt(3 / fan_in));
  else if (name == "xavier_normal") fill_normal(key, 0, or_default(value, 1) * std::sqrt(2 / fans), values);
  else if (name == "xavier_uniform") symmetric(or_default(value, 1) * std::sqrt(6 / fans));
  else if (name == "normal" && second == 0) fill_normal(key, 0, or_default(value, 1), values);
  else if (name == "normal") fill_normal(key, value, second, values);
  else if (name == "uniform" && second > value) fill_uniform(key, value, second, values);
  else if (name == "uniform") symmetric(std::abs(or_default(value, 1)));
  else if (name == "orthogonal") fill_orthogonal(key, tensor, or_default(value, 1), values);
  else throw Failure(kInternalError, "the program has the initialiser `" + std::string(name) + "`, which this runtime does not know");
}

void initialise_tensors(std::span<const cnn_tensor> tensors, int32_t element, uint64_t seed, void* buffer) {
  std::vector<double> values;
  for (const cnn_tensor& tensor : tensors) {
    values.resize(static_cast<size_t>(tensor.elements));
    initialise_tensor(tensor, seed, values);
    with_float(element, [&](auto zero) {
      using Float = decltype(zero);
      std::transform(values.begin(), values.end(), static_cast<Float*>(buffer) + tensor.offset,
                     [](double x) { return static_cast<Float>(x); });
    });
  }
}

}  // namespace cnnc::runtime
