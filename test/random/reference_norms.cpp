// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reference loops for what combines the elements of a channel or of the classes: batchnorm, softmax, losses, accuracy.
#include <array>

#include "test/random/reference.h"

namespace cnnc::random_programs {
namespace {

// ---- batchnorm

/// Calls visit(image, place in one image) for all values of a channel.
template <class Visit>
void for_each_of_channel(const ReferenceNode& n, int64_t channel, Visit visit) {
  const Tensor& x = *n.in[0];
  const int64_t pixels = x.count() / x.type.dims[0];
  for (int64_t image = 0; image < n.repetitions(x); ++image)
    for (int64_t p = 0; p < pixels; ++p) visit(image, channel * pixels + p);
}

struct ChannelStatistics {
  Bounded count, mean, variance, deviation;      // deviation = sqrt(variance + eps)
};

ChannelStatistics statistics_of(const ReferenceNode& n, int64_t channel) {
  const Tensor& x = *n.in[0];
  ChannelStatistics s;
  s.count = exact(static_cast<double>(n.repetitions(x) * (x.count() / x.type.dims[0])));
  for_each_of_channel(n, channel, [&](int64_t image, int64_t p) { accumulate(s.mean, x.at[x.place(image, p)]); });
  s.mean = s.mean / s.count;
  for_each_of_channel(n, channel, [&](int64_t image, int64_t p) {
    const Bounded difference = x.at[x.place(image, p)] - s.mean;
    accumulate(s.variance, difference * difference);
  });
  s.variance = s.variance / s.count;
  s.deviation = square_root(s.variance + rounded(n.attribute<double>("eps")));
  return s;
}

void forward_batchnorm(ReferenceNode& n) {
  const Tensor &x = *n.in[0], &weight = *n.in[1], &bias = *n.in[2], &running_mean = *n.in[3], &running_variance = *n.in[4];
  const Bounded momentum = rounded(n.attribute<double>("momentum")), rest = exact(1) - momentum;
  for (size_t c = 0; c < weight.at.size(); ++c) {
    ChannelStatistics s;
    if (n.mode == Mode::Training) {
      s = statistics_of(n, static_cast<int64_t>(c));
      n.out->at(1).at[c] = rest * running_mean.at[c] + momentum * s.mean;
      n.out->at(2).at[c] = rest * running_variance.at[c] + momentum * (s.variance * s.count / (s.count - exact(1)));
    } else {
      s.mean = running_mean.at[c];
      s.deviation = square_root(running_variance.at[c] + rounded(n.attribute<double>("eps")));
      n.out->at(1).at[c] = running_mean.at[c];
      n.out->at(2).at[c] = running_variance.at[c];
    }
    const Bounded factor = weight.at[c] / s.deviation;
    for_each_of_channel(n, static_cast<int64_t>(c), [&](int64_t image, int64_t p) {
      Bounded& y = n.out->at(0).at[x.place(image, p)];
      accumulate(y, bias.at[c]);
      accumulate(y, x.at[x.place(image, p)] * factor);
      accumulate(y, -(s.mean * factor));
    });
  }
}

/// Through normalised value, variance and mean, one after the other.
void backward_batchnorm(ReferenceNode& n) {
  if (!n.d_out[0]) return;
  const Tensor &x = *n.in[0], &weight = *n.in[1], &dy = *n.d_out[0];
  for (size_t c = 0; c < weight.at.size(); ++c) {
    const auto channel = static_cast<int64_t>(c);
    const ChannelStatistics s = statistics_of(n, channel);
    Bounded dvariance, dmean;
    for_each_of_channel(n, channel, [&](int64_t image, int64_t p) {
      const Bounded &d = dy.at[x.place(image, p)], difference = x.at[x.place(image, p)] - s.mean;
      accumulate(n.d_in[1]->at[c], d * (difference / s.deviation));
      accumulate(n.d_in[2]->at[c], d);
      const Bounded dnormalised = d * weight.at[c];
      accumulate(dvariance, -(dnormalised * difference / (exact(2) * s.deviation * s.deviation * s.deviation)));
      accumulate(dmean, -(dnormalised / s.deviation));
    });
    for_each_of_channel(n, channel, [&](int64_t image, int64_t p) {
      Bounded& dx = n.d_in[0]->at[x.place(image, p)];
      accumulate(dx, dy.at[x.place(image, p)] * weight.at[c] / s.deviation);
      accumulate(dx, dvariance * exact(2) * (x.at[x.place(image, p)] - s.mean) / s.count);
      accumulate(dx, dmean / s.count);
    });
  }
}

// ---- softmax

/// The elements over which a softmax sums: those of one image at one pixel, by class.
class Classes {
 public:
  Classes(const Tensor& x, int64_t image, int64_t pixel)
      : count(x.type.dims[0]), x_(&x), image_(image), pixel_(pixel), pixels_(x.count() / count) {
    double largest = at(0).value;
    for (int64_t c = 1; c < count; ++c) largest = std::max(largest, at(c).value);
    maximum_ = exact(largest);
    for (int64_t c = 0; c < count; ++c) accumulate(sum_, exponential(at(c) - maximum_));
    log_sum_ = logarithm(sum_);
  }

  size_t place(int64_t c) const { return x_->place(image_, c * pixels_ + pixel_); }
  const Bounded& at(int64_t c) const { return x_->at[place(c)]; }
  Bounded log_probability(int64_t c) const { return at(c) - maximum_ - log_sum_; }
  Bounded probability(int64_t c) const { return exponential(at(c) - maximum_) / sum_; }

  int64_t count;

 private:
  const Tensor* x_;
  int64_t image_, pixel_, pixels_;
  Bounded maximum_;                // without its error: what is subtracted from all drops out
  Bounded sum_, log_sum_;          // of exp(x - maximum)
};

template <class Visit>
void for_each_pixel(const ReferenceNode& n, Visit visit) {
  const Tensor& x = *n.in[0];
  for (int64_t image = 0; image < n.repetitions(x); ++image)
    for (int64_t pixel = 0; pixel < x.count() / x.type.dims[0]; ++pixel) visit(image, pixel);
}

void forward_softmax(ReferenceNode& n) {
  for_each_pixel(n, [&](int64_t image, int64_t pixel) {
    const Classes x(*n.in[0], image, pixel);
    for (int64_t c = 0; c < x.count; ++c) n.out->at(0).at[x.place(c)] = x.probability(c);
  });
}

/// The whole matrix of derivatives: dy_c/dx_k = y_c ([c = k] - y_k).
void backward_softmax(ReferenceNode& n) {
  for_each_pixel(n, [&](int64_t image, int64_t pixel) {
    const Classes x(*n.in[0], image, pixel);
    for (int64_t c = 0; c < x.count; ++c)
      for (int64_t k = 0; k < x.count; ++k)
        accumulate(n.d_in[0]->at[x.place(k)],
                   n.d_out[0]->at[x.place(c)] * n.out->at(0).at[x.place(c)] * (exact(c == k) - n.out->at(0).at[x.place(k)]));
  });
}

void forward_log_softmax(ReferenceNode& n) {
  for_each_pixel(n, [&](int64_t image, int64_t pixel) {
    const Classes x(*n.in[0], image, pixel);
    for (int64_t c = 0; c < x.count; ++c) n.out->at(0).at[x.place(c)] = x.log_probability(c);
  });
}

void backward_log_softmax(ReferenceNode& n) {
  for_each_pixel(n, [&](int64_t image, int64_t pixel) {
    const Classes x(*n.in[0], image, pixel);
    for (int64_t k = 0; k < x.count; ++k) {
      const Bounded probability = x.probability(k);
      for (int64_t c = 0; c < x.count; ++c)
        accumulate(n.d_in[0]->at[x.place(k)], n.d_out[0]->at[x.place(c)] * (exact(c == k) - probability));
    }
  });
}

// ---- cross_entropy: minus the sum over classes of target times log probability, the mean over pixels

/// (1 - smoothing) at the label, and smoothing / classes everywhere.
Bounded target(const ReferenceNode& n, const Classes& x, int64_t c, int64_t label) {
  const double smoothing = n.attribute<double>("smoothing");
  const Bounded share = rounded(smoothing / static_cast<double>(x.count));
  return c == label ? rounded(1 - smoothing) + share : share;
}

int64_t label_at(const ReferenceNode& n, int64_t image, int64_t pixel) {
  return static_cast<int64_t>(n.in[1]->at[n.in[1]->place(image, pixel)].value);
}
Bounded pixels_of(const ReferenceNode& n) {
  return exact(static_cast<double>(n.in[0]->count() / n.in[0]->type.dims[0]));
}

void forward_cross_entropy(ReferenceNode& n) {
  Tensor& y = n.out->at(0);
  for (int64_t image = 0; image < n.repetitions(y); ++image)
    for (int64_t pixel = 0; pixel < n.in[0]->count() / n.in[0]->type.dims[0]; ++pixel) {
      const Classes x(*n.in[0], image, pixel);
      for (int64_t c = 0; c < x.count; ++c) {
        const Bounded share = target(n, x, c, label_at(n, image, pixel));
        if (is_exactly(share, 0)) continue;      // a class that does not count may have the probability 0
        accumulate(y.at[y.place(image, 0)], -(share * x.log_probability(c) / pixels_of(n)));
      }
    }
}

void backward_cross_entropy(ReferenceNode& n) {
  const Tensor& dy = *n.d_out[0];
  for (int64_t image = 0; image < n.repetitions(dy); ++image)
    for (int64_t pixel = 0; pixel < n.in[0]->count() / n.in[0]->type.dims[0]; ++pixel) {
      const Classes x(*n.in[0], image, pixel);
      for (int64_t c = 0; c < x.count; ++c) {
        const Bounded slope = x.probability(c) - target(n, x, c, label_at(n, image, pixel));
        accumulate(n.d_in[0]->at[x.place(c)], dy.at[dy.place(image, 0)] * slope / pixels_of(n));
      }
    }
}

// ---- mse

void forward_mse(ReferenceNode& n) {
  Tensor& y = n.out->at(0);
  const Tensor &a = *n.in[0], &b = *n.in[1];
  for (int64_t image = 0; image < n.repetitions(y); ++image)
    for (int64_t p = 0; p < a.count(); ++p) {
      const Bounded difference = a.at[a.place(image, p)] - b.at[b.place(image, p)];
      accumulate(y.at[y.place(image, 0)], difference * difference / exact(static_cast<double>(a.count())));
    }
}

void backward_mse(ReferenceNode& n) {
  const Tensor &a = *n.in[0], &b = *n.in[1], &dy = *n.d_out[0];
  for (int64_t image = 0; image < n.repetitions(dy); ++image)
    for (int64_t p = 0; p < a.count(); ++p) {
      const Bounded difference = a.at[a.place(image, p)] - b.at[b.place(image, p)];
      const Bounded slope = dy.at[dy.place(image, 0)] * exact(2) * difference / exact(static_cast<double>(a.count()));
      accumulate(n.d_in[0]->at[a.place(image, p)], slope);
      if (n.d_in[1]) accumulate(n.d_in[1]->at[b.place(image, p)], -slope);
    }
}

// ---- correct: 1 where the first of the largest scores is the label's

void forward_correct(ReferenceNode& n) {
  Tensor& y = n.out->at(0);
  for (int64_t image = 0; image < n.repetitions(y); ++image)
    for (int64_t pixel = 0; pixel < n.in[0]->count() / n.in[0]->type.dims[0]; ++pixel) {
      const Classes x(*n.in[0], image, pixel);
      int64_t best = 0;
      for (int64_t c = 1; c < x.count; ++c)
        if (!std::isnan(x.at(best).value) && !(x.at(c).value <= x.at(best).value)) best = c;      // the first NaN wins
      bool decided = true;
      for (int64_t c = 0; c < x.count; ++c) decided = decided && (c == best || are_apart(x.at(c), x.at(best)));
      Bounded hit = exact(best == label_at(n, image, pixel)) / pixels_of(n);
      if (!decided) hit.error += 1 / pixels_of(n).value / rounding_unit;
      accumulate(y.at[y.place(image, 0)], hit);
    }
}

}  // namespace

std::span<const ReferenceOp> norm_reference_ops() {
  static constexpr auto kOps = std::to_array<ReferenceOp>({
      {"batchnorm", forward_batchnorm, backward_batchnorm},
      {"softmax", forward_softmax, backward_softmax},
      {"log_softmax", forward_log_softmax, backward_log_softmax},
      {"cross_entropy", forward_cross_entropy, backward_cross_entropy},
      {"mse", forward_mse, backward_mse},
      {"correct", forward_correct, nullptr},
  });
  return kOps;
}

}  // namespace cnnc::random_programs
