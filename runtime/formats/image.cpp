// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which decoder reads a picture, the limits on its size, gray and RGB.
#include "runtime/formats/image.h"

#include <cstring>
#include <string_view>

#include "runtime/formats/error.h"
#include "runtime/formats/image_codecs.h"
#include "runtime/formats/limits.h"
#include "runtime/formats/whole_file.h"

namespace cnnc::formats {
namespace {

Image decode(std::span<const std::byte> content, const std::string& file, bool header_only) {
  const auto begins_with = [content](std::string_view signature) {
    return content.size() >= signature.size() && std::memcmp(content.data(), signature.data(), signature.size()) == 0;
  };
  if (begins_with("\x89PNG\r\n\x1a\n")) return decode_png(content, file, header_only);
  if (begins_with("\xff\xd8\xff")) return decode_jpeg(content, file, header_only);
  if (content.empty()) fail(ErrorKind::kDamaged, file, "is empty, expected a PNG or JPEG picture");
  fail(ErrorKind::kUnsupported, file, "is no PNG or JPEG picture (by its first bytes)");
}

}  // namespace

Image read_image(const std::string& path) { return decode_image(read_file(path, kMaxImageFileBytes), path); }

Image decode_image(std::span<const std::byte> content, const std::string& file) { return decode(content, file, false); }

Image decode_image_header(std::span<const std::byte> content, const std::string& file) { return decode(content, file, true); }

void check_image_size(std::uint64_t height, std::uint64_t width, std::size_t file_bytes, const std::string& file) {
  const std::string size = "declares " + std::to_string(height) + "x" + std::to_string(width) + " pixels";
  if (height == 0 || width == 0) fail(ErrorKind::kDamaged, file, size);
  if (height > kMaxImageSide || width > kMaxImageSide || height * width > kMaxImagePixels) {
    fail(ErrorKind::kLimit, file,
         size + ", more than the limit of " + std::to_string(kMaxImageSide) + " a side and " + std::to_string(kMaxImagePixels) +
             " in all");
  }
  if (height * width > kSmallImagePixels && height * width / kMaxPixelsPerFileByte > file_bytes) {
    fail(ErrorKind::kLimit, file, size + ", far more than a file of " + std::to_string(file_bytes) + " bytes holds");
  }
}

Image to_gray(const Image& image) {
  if (image.channels == 1) return image;
  Image gray{.height = image.height, .width = image.width, .channels = 1, .pixels = {}};
  gray.pixels.resize(image.height * image.width);
  for (std::size_t i = 0; i < gray.pixels.size(); ++i) {
    const std::uint8_t* pixel = image.pixels.data() + 3 * i;
    gray.pixels[i] = static_cast<std::uint8_t>((pixel[0] * 19595u + pixel[1] * 38470u + pixel[2] * 7471u + 0x8000u) >> 16);
  }
  return gray;
}

Image to_rgb(const Image& image) {
  if (image.channels == 3) return image;
  Image rgb{.height = image.height, .width = image.width, .channels = 3, .pixels = {}};
  rgb.pixels.reserve(3 * image.pixels.size());
  for (const std::uint8_t value : image.pixels) rgb.pixels.insert(rgb.pixels.end(), 3, value);
  return rgb;
}

}  // namespace cnnc::formats
