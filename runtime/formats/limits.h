// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every limit on what is read from files, and the checked arithmetic for sizes that files declare.
// A declared size is first checked against its limit and against the length of the file; only then is memory taken.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace cnnc::formats {

inline constexpr std::uint64_t kKilobyte = 1000;
inline constexpr std::uint64_t kMegabyte = 1000 * kKilobyte;
inline constexpr std::uint64_t kGigabyte = 1000 * kMegabyte;

// Whole files.
inline constexpr std::uint64_t kMaxArrayFileBytes = 256 * kGigabyte;  ///< .safetensors and .npy: read whole, at their own size.
inline constexpr std::uint64_t kMaxDataFileBytes = 64 * kGigabyte;    ///< IDX (also after decompression) and CIFAR.
inline constexpr std::uint64_t kMaxImageFileBytes = 256 * kMegabyte;  ///< PNG and JPEG, compressed.

// .safetensors
inline constexpr std::uint64_t kMaxSafetensorsHeaderBytes = 100 * kMegabyte;
inline constexpr std::size_t kMaxTensors = 1'000'000;
inline constexpr std::size_t kMaxMetadataEntries = 100'000;

// Arrays of any format.
inline constexpr std::size_t kMaxDimensions = 32;
inline constexpr std::uint64_t kMaxNpyHeaderBytes = 64 * kKilobyte;

// Pictures. One of more than kSmallImagePixels must have bytes to match: deflate yields at most 1032 bytes for one, and a
// JPEG block of 8x8 takes at least one bit. (Only PNGs with less than 8 bits a pixel could honestly be denser.)
inline constexpr std::uint32_t kMaxImageSide = 65'500;  ///< JPEG's own limit.
inline constexpr std::uint64_t kMaxImagePixels = 100'000'000;
inline constexpr std::uint64_t kSmallImagePixels = 4 * 1024 * 1024;
inline constexpr std::uint64_t kMaxPixelsPerFileByte = 1040;
inline constexpr int kMaxJpegScans = 100;  ///< Progressive files: each scan is work over the whole picture.
inline constexpr std::uint64_t kMaxPngChunkBytes = 8 * kMegabyte;

/// left * right, or nothing when it does not fit.
inline std::optional<std::uint64_t> checked_multiply(std::uint64_t left, std::uint64_t right) {
  std::uint64_t result = 0;
  if (__builtin_mul_overflow(left, right, &result)) return std::nullopt;
  return result;
}

/// left + right, or nothing when it does not fit.
inline std::optional<std::uint64_t> checked_add(std::uint64_t left, std::uint64_t right) {
  std::uint64_t result = 0;
  if (__builtin_add_overflow(left, right, &result)) return std::nullopt;
  return result;
}

/// The product of a shape and the size of one element (1 for an empty shape), or nothing when it does not fit.
/// A shape with a zero somewhere has size 0 only if the other factors fit as well: [2^63, 2^63, 0] is refused.
std::optional<std::uint64_t> checked_size(std::span<const std::uint64_t> shape, std::uint64_t element_size);

}  // namespace cnnc::formats
