// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reference loops for convolution and pooling: each visits all pairs of an output and a tap.
#include <array>
#include <functional>

#include "test/random/reference.h"

namespace cnnc::random_programs {
namespace {

/// Window, stride and padding of a node, and the images that it slides over.
struct Sliding {
  Dims kernel, stride, pad, dilation = {1, 1};
  Dims x, y;      // [channels, height, width]

  static constexpr int64_t kPadding = -1;

  /// Calls visit(i, j, u, v, place in one channel of x) for all taps that lie inside the image, and, `with_padding`, for the others
  /// with the place kPadding.
  void for_each(const std::function<void(int64_t, int64_t, int64_t, int64_t, int64_t)>& visit, bool with_padding = false) const {
    for (int64_t i = 0; i < y[1]; ++i)
      for (int64_t j = 0; j < y[2]; ++j)
        for (int64_t u = 0; u < kernel[0]; ++u)
          for (int64_t v = 0; v < kernel[1]; ++v) {
            const int64_t row = i * stride[0] + u * dilation[0] - pad[0], column = j * stride[1] + v * dilation[1] - pad[1];
            const bool inside = row >= 0 && row < x[1] && column >= 0 && column < x[2];
            if (inside || with_padding) visit(i, j, u, v, inside ? row * x[2] + column : kPadding);
          }
  }
};

// ---- convolution

struct Convolution : Sliding {
  explicit Convolution(const ReferenceNode& n) {
    const Dims& weight = n.in[1]->type.dims;
    kernel = {weight[2], weight[3]};
    stride = n.attribute<Dims>("stride");
    pad = n.attribute<Dims>("pad");
    dilation = n.attribute<Dims>("dilation");
    x = n.in[0]->type.dims;
    y = n.out->at(0).type.dims;
    channels = weight[1];
    filters_per_group = y[0] / n.attribute<int64_t>("groups");
    flip = n.attribute<bool>("flip");
  }

  /// Calls visit(place in y, place in x, place in the weight) for all products of one image; the place in x may be kPadding.
  void for_each_product(const std::function<void(int64_t, int64_t, int64_t)>& visit) const {
    for_each([&](int64_t i, int64_t j, int64_t u, int64_t v, int64_t from) {
      const int64_t row = flip ? kernel[0] - 1 - u : u, column = flip ? kernel[1] - 1 - v : v;
      for (int64_t o = 0; o < y[0]; ++o)
        for (int64_t a = 0; a < channels; ++a) {
          const int64_t channel = o / filters_per_group * channels + a;
          visit((o * y[1] + i) * y[2] + j, from == kPadding ? kPadding : channel * x[1] * x[2] + from,
                ((o * channels + a) * kernel[0] + row) * kernel[1] + column);
        }
    }, true);
  }

  bool allows_winograd() const {
    const Dims ones{1, 1};
    return kernel == Dims{3, 3} && stride == ones && dilation == ones && filters_per_group == y[0] && !flip;
  }

  int64_t channels = 1, filters_per_group = 1;
  bool flip = false;
};

/// A product of padding: 0, but for a factor that is not finite, where 0 and NaN are both right.
void accumulate_padding(Bounded& sum, const Bounded& factor) {
  if (!std::isfinite(factor.value)) sum.error = INFINITY;
}

void forward_conv(ReferenceNode& n) {
  const Convolution c(n);
  Tensor& y = n.out->at(0);
  const Tensor &x = *n.in[0], &weight = *n.in[1];
  const int64_t pixels = c.y[1] * c.y[2];
  for (int64_t image = 0; image < n.repetitions(y); ++image) {
    c.for_each_product([&](int64_t to, int64_t from, int64_t tap) {
      if (from == Sliding::kPadding) return accumulate_padding(y.at[y.place(image, to)], weight.at[weight.place(image, tap)]);
      accumulate(y.at[y.place(image, to)], x.at[x.place(image, from)] * weight.at[weight.place(image, tap)]);
    });
    if (n.in.size() < 3 || !n.in[2]) continue;
    for (int64_t p = 0; p < y.count(); ++p) accumulate(y.at[y.place(image, p)], n.in[2]->at[static_cast<size_t>(p / pixels)]);
  }
  if (!WithWinograd::allowed() || !c.allows_winograd()) return;
  const auto filter = [&](int64_t output, int64_t input, int64_t tap) { return weight.at[static_cast<size_t>((output * c.channels + input) * 9 + tap)].value; };
  add_winograd_errors(y, x, filter, c.pad, n.repetitions(y));
}

void backward_conv(ReferenceNode& n) {
  const Convolution c(n);
  const Tensor &x = *n.in[0], &weight = *n.in[1], &dy = *n.d_out[0];
  Tensor &dx = *n.d_in[0], &dweight = *n.d_in[1];
  const int64_t pixels = c.y[1] * c.y[2];
  for (int64_t image = 0; image < n.repetitions(dy); ++image) {
    c.for_each_product([&](int64_t to, int64_t from, int64_t tap) {
      const Bounded& d = dy.at[dy.place(image, to)];
      if (from == Sliding::kPadding) return accumulate_padding(dweight.at[dweight.place(image, tap)], d);
      accumulate(dx.at[dx.place(image, from)], d * weight.at[weight.place(image, tap)]);
      accumulate(dweight.at[dweight.place(image, tap)], d * x.at[x.place(image, from)]);
    });
    if (n.in.size() < 3 || !n.in[2]) continue;
    for (int64_t p = 0; p < dy.count(); ++p) accumulate(n.d_in[2]->at[static_cast<size_t>(p / pixels)], dy.at[dy.place(image, p)]);
  }
  if (!WithWinograd::allowed() || !c.allows_winograd()) return;
  // Towards x: a convolution of dy with the filters turned around.
  const auto turned = [&](int64_t output, int64_t input, int64_t tap) { return weight.at[static_cast<size_t>((input * c.channels + output) * 9 + 8 - tap)].value; };
  add_winograd_errors(dx, dy, turned, {2 - c.pad[0], 2 - c.pad[1]}, n.repetitions(dy));
  add_winograd_weight_errors(dweight, x, dy, c.pad, n.repetitions(dy));
}

// ---- pooling

Sliding pooling_of(const ReferenceNode& n) {
  Sliding pool{.kernel = n.attribute<Dims>("kernel"), .stride = n.attribute<Dims>("stride"), .pad = n.attribute<Dims>("pad"),
               .x = n.in[0]->type.dims, .y = n.out->at(0).type.dims};
  return pool;
}

/// For each element of y, the places in x that its window covers, row by row.
std::vector<std::vector<int64_t>> windows_of(const Sliding& pool) {
  std::vector<std::vector<int64_t>> windows(static_cast<size_t>(element_count(pool.y)));
  for (int64_t channel = 0; channel < pool.x[0]; ++channel)
    pool.for_each([&](int64_t i, int64_t j, int64_t, int64_t, int64_t from) {
      windows[static_cast<size_t>((channel * pool.y[1] + i) * pool.y[2] + j)].push_back(channel * pool.x[1] * pool.x[2] + from);
    });
  return windows;
}

/// The first largest element of a window; the first NaN where there is one.
int64_t winner_of(const Tensor& x, int64_t image, const std::vector<int64_t>& window) {
  int64_t best = window[0];
  for (const int64_t place : window) {
    const double value = x.at[x.place(image, place)].value, largest = x.at[x.place(image, best)].value;
    if (value > largest || (std::isnan(value) && !std::isnan(largest))) best = place;
  }
  return best;
}

void forward_maxpool(ReferenceNode& n) {
  const auto windows = windows_of(pooling_of(n));
  Tensor& y = n.out->at(0);
  const Tensor& x = *n.in[0];
  for (int64_t image = 0; image < n.repetitions(y); ++image)
    for (size_t p = 0; p < windows.size(); ++p) {
      Bounded& maximum = y.at[y.place(image, static_cast<int64_t>(p))];
      maximum = x.at[x.place(image, winner_of(x, image, windows[p]))];
      for (const int64_t place : windows[p]) maximum.error = std::max(maximum.error, x.at[x.place(image, place)].error);
    }
  // The second result, the winners' places, is read by the gradient alone.
}

/// The winner takes all; where another element is as near as the errors, both may be off by all.
void backward_maxpool(ReferenceNode& n) {
  const auto windows = windows_of(pooling_of(n));
  const Tensor &x = *n.in[0], &dy = *n.d_out[0];
  Tensor& dx = *n.d_in[0];
  for (int64_t image = 0; image < n.repetitions(dy); ++image)
    for (size_t p = 0; p < windows.size(); ++p) {
      const Bounded& d = dy.at[dy.place(image, static_cast<int64_t>(p))];
      const int64_t winner = winner_of(x, image, windows[p]);
      Bounded& taker = dx.at[dx.place(image, winner)];
      accumulate(taker, d);
      for (const int64_t place : windows[p]) {
        if (place == winner || are_apart(x.at[x.place(image, place)], x.at[x.place(image, winner)])) continue;
        taker.error += std::abs(d.value) / rounding_unit;
        dx.at[dx.place(image, place)].error += std::abs(d.value) / rounding_unit;
      }
    }
}

/// How many pixels the window of an output counts along one axis: those of the image, or with the padding, but never beyond it.
int64_t counted(const ReferenceNode& n, const Sliding& pool, size_t axis, int64_t output) {
  const int64_t extent = pool.x[axis + 1];
  const bool count_pad = n.attribute<bool>("count_pad");
  int64_t count = 0;
  for (int64_t u = 0; u < pool.kernel[axis]; ++u) {
    const int64_t place = output * pool.stride[axis] + u - pool.pad[axis];
    count += count_pad ? place < extent + pool.pad[axis + 2] : place >= 0 && place < extent;
  }
  return count;
}

/// Calls visit(place in y, place in x, divisor) for all pixels that a mean takes in.
void for_each_share(const ReferenceNode& n, const std::function<void(int64_t, int64_t, Bounded)>& visit) {
  const Sliding pool = pooling_of(n);
  const auto windows = windows_of(pool);
  for (size_t p = 0; p < windows.size(); ++p) {
    const auto place = static_cast<int64_t>(p);
    const int64_t divisor = counted(n, pool, 0, place / pool.y[2] % pool.y[1]) * counted(n, pool, 1, place % pool.y[2]);
    for (const int64_t from : windows[p]) visit(place, from, exact(static_cast<double>(divisor)));
  }
}

void forward_avgpool(ReferenceNode& n) {
  Tensor& y = n.out->at(0);
  const Tensor& x = *n.in[0];
  for (int64_t image = 0; image < n.repetitions(y); ++image)
    for_each_share(n, [&](int64_t to, int64_t from, const Bounded& divisor) {
      accumulate(y.at[y.place(image, to)], x.at[x.place(image, from)] / divisor);
    });
}

void backward_avgpool(ReferenceNode& n) {
  const Tensor& dy = *n.d_out[0];
  Tensor& dx = *n.d_in[0];
  for (int64_t image = 0; image < n.repetitions(dy); ++image)
    for_each_share(n, [&](int64_t to, int64_t from, const Bounded& divisor) {
      accumulate(dx.at[dx.place(image, from)], dy.at[dy.place(image, to)] / divisor);
    });
}

}  // namespace

std::span<const ReferenceOp> window_reference_ops() {
  static constexpr auto kOps = std::to_array<ReferenceOp>({
      {"conv", forward_conv, backward_conv},
      {"maxpool", forward_maxpool, backward_maxpool},
      {"avgpool", forward_avgpool, backward_avgpool},
  });
  return kOps;
}

}  // namespace cnnc::random_programs
