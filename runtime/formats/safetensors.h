// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// .safetensors: 8 bytes header length, a JSON header, the tensors' bytes without holes or overlaps.
// Reading refuses: a header longer than the file or than 100 MB, text that is not the header's JSON, duplicate keys, unknown
// element types, shapes that overflow or disagree with their bytes, holes, overlaps, misaligned tensors, trailing bytes.
// Writing is deterministic: tensors by element size (largest first), then by name; metadata by key; the header padded with
// spaces to a multiple of 8; whole or not at all (whole_file.h). Tests: test/runtime/formats/safetensors_test.cpp.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/formats/element.h"
#include "runtime/formats/whole_file.h"

namespace cnnc::formats {

using Metadata = std::map<std::string, std::string>;

/// One tensor of a file that was read. `offset` counts from the start of the data.
struct Tensor {
  std::string name;
  ElementType type = ElementType::F32;
  std::vector<std::uint64_t> shape;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;  ///< Bytes.

  std::uint64_t elements() const { return size / element_size(type); }
};

/// A file that was read: the tensors in the order of their bytes, and the bytes themselves.
class Safetensors {
 public:
  std::string file;  ///< The name that messages use.
  std::vector<Tensor> tensors;
  Metadata metadata;

  /// The tensor of that name, or null.
  const Tensor* find(std::string_view name) const;
  /// The bytes of one tensor of this file, or of all of them.
  std::span<const std::byte> bytes(const Tensor& tensor) const;
  std::span<const std::byte> data() const;
  /// The values of a tensor, converted. `out` must have elements() places.
  void read_floats(const Tensor& tensor, std::span<float> out) const;
  void read_doubles(const Tensor& tensor, std::span<double> out) const;
  std::vector<float> floats(const Tensor& tensor) const;
  std::vector<double> doubles(const Tensor& tensor) const;

 private:
  friend Safetensors parse_safetensors(std::vector<std::byte> content, const std::string& file);
  std::vector<std::byte> content_;  ///< The whole file.
  std::size_t data_start_ = 0;
};

/// Reads a file.
Safetensors read_safetensors(const std::string& path);

/// Reads a file's content; `file` is the name for messages.
Safetensors parse_safetensors(std::vector<std::byte> content, const std::string& file);

/// A tensor to be written: a view of the caller's values.
struct TensorView {
  std::string name;
  ElementType type = ElementType::F32;
  std::vector<std::uint64_t> shape;
  std::span<const std::byte> bytes;
};

TensorView view_of(std::string name, std::vector<std::uint64_t> shape, std::span<const float> values);
TensorView view_of(std::string name, std::vector<std::uint64_t> shape, std::span<const double> values);

/// How write_safetensors writes.
struct SafetensorsOptions {
  Rotation rotation = Rotation::kReplace;
  bool checksum = false;  ///< Adds the metadata entry kChecksumKey over header and data, which verify_checksum checks.
};

inline constexpr std::string_view kChecksumKey = "checksum";

/// Writes a file, whole or not at all. Names must differ, and bytes must fit their shapes: kDamaged otherwise.
void write_safetensors(const std::string& path, std::span<const TensorView> tensors, const Metadata& metadata,
                       SafetensorsOptions options = {});

/// Throws kDamaged unless the file carries a checksum and it is right. It covers names, types, shapes, all other metadata and
/// all data, so one damaged bit anywhere is found.
void verify_checksum(const Safetensors& file);

/// CRC-32 of the bytes; `before` is the checksum of what came before them.
std::uint32_t checksum(std::span<const std::byte> bytes, std::uint32_t before = 0);

}  // namespace cnnc::formats
