// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pictures: PNG and JPEG in, PNG out, and what is done to pixels on the way to a network.
// Rules: 16 bit by /257 (rounded); alpha over black; palettes become RGB; gray stays one channel; CMYK becomes RGB as in Pillow;
// orientation tags and colour profiles are ignored; a truncated or damaged picture is refused, never filled up.
// Neither library prints or exits. Tests: test/runtime/formats/image_test.cpp.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cnnc::formats {

/// Pixels row by row, channels innermost: pixels[(y * width + x) * channels + c].
struct Image {
  std::size_t height = 0;
  std::size_t width = 0;
  std::size_t channels = 1;  ///< 1 (gray) or 3 (red, green, blue).
  std::vector<std::uint8_t> pixels;
};

/// Reads a file; PNG or JPEG by its first bytes, whatever its name.
Image read_image(const std::string& path);

/// Reads a file's content; `file` is the name for messages.
Image decode_image(std::span<const std::byte> content, const std::string& file);

/// Only the size and channels that decode_image would give: reads the header alone.
Image decode_image_header(std::span<const std::byte> content, const std::string& file);

/// One channel: (19595 R + 38470 G + 7471 B + 32768) / 65536, as Pillow's "L". Gray is returned as it is.
Image to_gray(const Image& image);

/// Three channels: gray is repeated. RGB is returned as it is.
Image to_rgb(const Image& image);

/// Bilinear, half-pixel centres, antialiased when shrinking; equal to Pillow's Image.resize(…, BILINEAR), or within one level
/// where Pillow 13 and later go along columns first. Sizes must be at least 1 and within limits.h.
Image resize(const Image& image, std::size_t height, std::size_t width);

/// Writes a PNG of 8 bits, gray or RGB, whole or not at all. Equal pixels give equal bytes.
void write_png(const std::string& path, const Image& image);

/// The PNG's bytes.
std::vector<std::byte> encode_png(const Image& image);

}  // namespace cnnc::formats
