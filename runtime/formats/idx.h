// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// IDX, the format of MNIST, plain or gzip: 0 0 TYPE RANK, RANK big-endian sizes, the values. Only type 0x08 (unsigned bytes) is
// read; others are refused by name. The sizes must account for every byte of the (inflated) file; counts of images and labels
// must agree. Tests: test/runtime/formats/idx_test.cpp.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cnnc::formats {

/// An array of bytes: [count, height, width] for images, [count] for labels.
struct IdxArray {
  std::vector<std::uint64_t> dims;
  std::vector<std::uint8_t> bytes;
};

/// Reads a file, which is inflated if it begins as gzip does.
IdxArray read_idx(const std::string& path);

/// Reads a file's content; `file` is the name for messages.
IdxArray parse_idx(std::span<const std::byte> content, const std::string& file);

/// The four files of a folder in MNIST's naming.
struct IdxFolder {
  std::string train_images, train_labels, test_images, test_labels;
};

/// Finds train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, each plain or with
/// .gz (the plain one where both are there). Otherwise throws kMissing, naming all that are missing.
IdxFolder find_idx_files(const std::string& folder);

/// Images with their labels: images.dims is [count, height, width], labels.dims is [count], count is at least 1.
struct IdxPart {
  IdxArray images;
  IdxArray labels;
};

/// Reads both files and checks ranks and counts.
IdxPart read_idx_part(const std::string& images_path, const std::string& labels_path);

}  // namespace cnnc::formats
