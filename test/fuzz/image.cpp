// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as a picture, PNG or JPEG: refused, or pixels that can be turned gray and resized. The checksums of a PNG's chunks are put
// right, since the fuzzer would not guess them.
#include "runtime/formats/image.h"

#include <vector>

#include "refusal.h"
#include "runtime/formats/safetensors.h"
#include "target.h"

namespace cnnc::fuzz {
namespace {

/// The PNG file with the right checksum behind each whole chunk; other files as they are.
std::vector<std::byte> with_right_checksums(Bytes bytes) {
  constexpr std::string_view kSignature = "\x89PNG\r\n\x1a\n";
  constexpr std::size_t kLength = 4, kAround = 12;   // a chunk is its length, four letters, the data, and the checksum
  std::vector<std::byte> result(bytes.begin(), bytes.end());
  if (!text_of(bytes).starts_with(kSignature)) return result;
  for (std::size_t begin = kSignature.size(); begin + kAround <= result.size();) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < kLength; ++i) length = length << 8 | std::to_integer<std::size_t>(result[begin + i]);
    if (length > result.size() - begin - kAround) break;
    const std::uint32_t checksum = formats::checksum(Bytes(result).subspan(begin + kLength, 4 + length));
    begin += kAround + length;
    for (std::size_t i = 0; i < 4; ++i) result[begin - 4 + i] = static_cast<std::byte>(checksum >> (24 - 8 * i));
  }
  return result;
}

bool decoded(Bytes bytes) {
  return accepted([&] {
    const formats::Image image = formats::decode_image(bytes, "f");
    require(image.pixels.size() == image.height * image.width * image.channels, "as many bytes as the sizes say");
    require(resize(to_gray(image), 3, 5).pixels.size() == 15, "it can be resized");
  });
}

}  // namespace

bool image(Bytes bytes) {
  const std::vector<std::byte> right = with_right_checksums(bytes);
  return decoded(right);
}

}  // namespace cnnc::fuzz
