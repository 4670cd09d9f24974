// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Resizing as Pillow does it: a triangle filter, widened by the factor when shrinking; first along rows, then along columns, each
// rounded to 8 bits; weights in fixed point with 22 fractional bits.
#include <algorithm>
#include <cmath>

#include "runtime/formats/error.h"
#include "runtime/formats/image.h"
#include "runtime/formats/limits.h"

namespace cnnc::formats {
namespace {

constexpr int kFractionBits = 22;

/// The input positions first .. first + weights.size() that make one output position.
struct Window {
  std::size_t first = 0;
  std::vector<std::int32_t> weights;
};

double triangle(double distance) { return std::max(0.0, 1.0 - std::abs(distance)); }

std::vector<Window> make_windows(std::size_t in_size, std::size_t out_size) {
  const double scale = static_cast<double>(in_size) / static_cast<double>(out_size);
  const double radius = std::max(scale, 1.0);
  const double inverse_radius = 1.0 / radius;
  std::vector<Window> windows(out_size);
  std::vector<double> weights;
  for (std::size_t out = 0; out < out_size; ++out) {
    const double center = (static_cast<double>(out) + 0.5) * scale;
    const auto first = static_cast<std::size_t>(std::max(0.0, center - radius + 0.5));
    const std::size_t end = std::min(in_size, static_cast<std::size_t>(center + radius + 0.5));
    weights.clear();
    double sum = 0;
    for (std::size_t in = first; in < end; ++in) {
      weights.push_back(triangle((static_cast<double>(in) - center + 0.5) * inverse_radius));
      sum += weights.back();
    }
    windows[out].first = first;
    for (const double weight : weights) {
      const double fixed = (sum != 0 ? weight / sum : weight) * (1 << kFractionBits);
      windows[out].weights.push_back(static_cast<std::int32_t>(fixed + 0.5));  // Weights are never negative.
    }
  }
  return windows;
}

/// One pass: lines of `step` interleaved values; along each line, windows of input positions become output positions.
/// With step = channels it works along rows; with step = width * channels along columns, all at once.
std::vector<std::uint8_t> apply(const std::vector<std::uint8_t>& pixels, std::size_t lines, std::size_t in_size, std::size_t step,
                                const std::vector<Window>& windows) {
  std::vector<std::uint8_t> result(lines * windows.size() * step);
  std::uint8_t* target = result.data();
  for (std::size_t line = 0; line < lines; ++line) {
    const std::uint8_t* source = pixels.data() + line * in_size * step;
    for (const Window& window : windows) {
      for (std::size_t i = 0; i < step; ++i) {
        std::int32_t sum = 1 << (kFractionBits - 1);
        const std::uint8_t* value = source + window.first * step + i;
        for (std::size_t k = 0; k < window.weights.size(); ++k) sum += window.weights[k] * value[k * step];
        *target++ = static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
      }
    }
  }
  return result;
}

}  // namespace

Image resize(const Image& image, std::size_t height, std::size_t width) {
  const auto within = [](std::size_t side) { return side >= 1 && side <= kMaxImageSide; };
  const bool valid = within(height) && within(width) && height * width <= kMaxImagePixels &&
                     image.height * width <= kMaxImagePixels;
  if (!valid) {
    fail(ErrorKind::kLimit, "resize",
         "cannot make " + std::to_string(image.height) + "x" + std::to_string(image.width) + " pixels into " +
             std::to_string(height) + "x" + std::to_string(width));
  }
  Image result = image;
  if (width != image.width) {
    result.pixels = apply(result.pixels, image.height, image.width, image.channels, make_windows(image.width, width));
    result.width = width;
  }
  if (height != image.height) {
    result.pixels = apply(result.pixels, 1, image.height, width * image.channels, make_windows(image.height, height));
    result.height = height;
  }
  return result;
}

}  // namespace cnnc::formats
