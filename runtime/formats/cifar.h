// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The binary form of CIFAR-10: records of 3073 bytes, a label 0..9 and the planes R, G, B of 32x32 pixels, row by row.
// A file that is no whole number of records is refused; a label beyond 9 is one bad sample, for the caller to judge. Tests: test/runtime/formats/cifar_test.cpp.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cnnc::formats {

inline constexpr std::size_t kCifarChannels = 3;
inline constexpr std::size_t kCifarSide = 32;
inline constexpr std::size_t kCifarImageBytes = kCifarChannels * kCifarSide * kCifarSide;
inline constexpr std::size_t kCifarRecordBytes = 1 + kCifarImageBytes;
inline constexpr std::size_t kCifarClasses = 10;

/// Images planar, [count, 3, 32, 32], one after the other; a label for each.
struct CifarPart {
  std::vector<std::uint8_t> pixels;
  std::vector<std::uint8_t> labels;
  std::vector<std::size_t> ends;   ///< Of read_cifar: the number of images after each file.
};

/// Reads files and joins them in the given order.
CifarPart read_cifar(std::span<const std::string> paths);

/// Appends a file's content; `file` is the name for messages.
void append_cifar(std::span<const std::byte> content, const std::string& file, CifarPart& part);

/// The files of a folder: data_batch_1.bin … data_batch_5.bin, and test_batch.bin.
struct CifarFolder {
  std::vector<std::string> train;
  std::string test;
};

/// Finds them in the folder, or in its subfolder cifar-10-batches-bin, where the archive unpacks to. The training batches must
/// be numbered from 1 without a gap; at least the first one and test_batch.bin must be there. Otherwise throws kMissing, naming
/// all that are missing.
CifarFolder find_cifar_files(const std::string& folder);

}  // namespace cnnc::formats
