// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// IDX files, inflated by zlib where they are compressed.
#include "runtime/formats/idx.h"

#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

#include "runtime/formats/element.h"
#include "runtime/formats/error.h"
#include "runtime/formats/limits.h"
#include "runtime/formats/whole_file.h"

namespace cnnc::formats {
namespace {

constexpr std::size_t kMagicBytes = 4;
constexpr std::uint8_t kUnsignedBytes = 0x08;
constexpr std::size_t kFirstBuffer = 64 << 10;

const char* type_name(std::uint8_t type) {
  switch (type) {
    case 0x09: return "signed bytes";
    case 0x0b: return "16-bit integers";
    case 0x0c: return "32-bit integers";
    case 0x0d: return "32-bit floats";
    case 0x0e: return "64-bit floats";
    default: return nullptr;
  }
}

bool is_gzip(std::span<const std::byte> content) {
  return content.size() >= 2 && content[0] == std::byte{0x1f} && content[1] == std::byte{0x8b};
}

/// zlib's state for one stream, released at the end of a scope.
struct InflateStream {
  z_stream stream = {};
  explicit InflateStream(const std::string& file) {
    const int gzip_only = 16 + MAX_WBITS;
    if (::inflateInit2(&stream, gzip_only) != Z_OK) fail(ErrorKind::kInputOutput, file, "zlib cannot be started");
  }
  InflateStream(const InflateStream&) = delete;
  InflateStream& operator=(const InflateStream&) = delete;
  ~InflateStream() { ::inflateEnd(&stream); }
};

/// The inflated content. Memory grows with what really comes out, at most 1032 times the file.
std::vector<std::byte> inflate_gzip(std::span<const std::byte> content, const std::string& file) {
  InflateStream state(file);
  z_stream& stream = state.stream;
  std::vector<std::byte> result(kFirstBuffer);
  std::size_t consumed = 0;
  std::size_t produced = 0;
  for (int status = Z_OK; status != Z_STREAM_END;) {
    if (produced == result.size()) {
      if (produced >= kMaxDataFileBytes) {
        fail(ErrorKind::kLimit, file, "inflates to more than the limit of " + std::to_string(kMaxDataFileBytes) + " bytes");
      }
      result.resize(result.size() * 2);
    }
    constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
    const std::size_t input = std::min(content.size() - consumed, kMost);
    const std::size_t output = std::min(result.size() - produced, kMost);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(content.data() + consumed));
    stream.avail_in = static_cast<uInt>(input);
    stream.next_out = reinterpret_cast<Bytef*>(result.data() + produced);
    stream.avail_out = static_cast<uInt>(output);
    status = ::inflate(&stream, Z_NO_FLUSH);
    consumed += input - stream.avail_in;
    produced += output - stream.avail_out;
    if (status == Z_OK) continue;
    if (status == Z_BUF_ERROR) {
      fail(ErrorKind::kDamaged, file,
           "is truncated: the compressed data end after " + std::to_string(content.size()) + " bytes, " +
               std::to_string(produced) + " bytes inflated");
    }
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    if (status != Z_STREAM_END) {
      fail(ErrorKind::kDamaged, file,
           "is damaged: the compressed data are wrong near byte " + std::to_string(consumed) + " of " +
               std::to_string(content.size()));
    }
  }
  if (consumed != content.size()) {
    fail(ErrorKind::kDamaged, file, "has " + std::to_string(content.size() - consumed) + " bytes after its compressed data");
  }
  result.resize(produced);
  return result;
}

std::uint64_t big_endian_32(std::span<const std::byte> content, std::size_t position) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<std::uint64_t>(content[position + i]);
  return value;
}

IdxArray parse_plain(std::span<const std::byte> content, const std::string& file) {
  const std::string count = std::to_string(content.size());
  if (content.size() < kMagicBytes) fail(ErrorKind::kDamaged, file, "has " + count + " bytes, too few for an IDX file");
  if (content[0] != std::byte{0} || content[1] != std::byte{0}) {
    fail(ErrorKind::kDamaged, file, "is not an IDX file: it must begin with two zero bytes");
  }
  const auto type = std::to_integer<std::uint8_t>(content[2]);
  if (type != kUnsignedBytes) {
    const char* name = type_name(type);
    if (name == nullptr) fail(ErrorKind::kDamaged, file, "is not an IDX file: type " + std::to_string(type) + " is unknown");
    fail(ErrorKind::kUnsupported, file, std::string("holds ") + name + ", expected unsigned bytes");
  }
  const auto rank = std::to_integer<std::size_t>(content[3]);
  if (rank == 0 || rank > kMaxDimensions) {
    fail(ErrorKind::kDamaged, file,
         "declares " + std::to_string(rank) + " dimensions, expected 1 to " + std::to_string(kMaxDimensions));
  }
  const std::size_t header_bytes = kMagicBytes + 4 * rank;
  if (content.size() < header_bytes) {
    fail(ErrorKind::kDamaged, file, "is truncated: it has " + count + " bytes, its header takes " + std::to_string(header_bytes));
  }
  IdxArray array;
  for (std::size_t i = 0; i < rank; ++i) array.dims.push_back(big_endian_32(content, kMagicBytes + 4 * i));
  const std::optional<std::uint64_t> needed = checked_size(array.dims, 1);
  const std::string shape = "declares the sizes " + print_shape(array.dims);
  if (!needed) fail(ErrorKind::kDamaged, file, shape + ", which are too large for any file");
  const std::uint64_t there = content.size() - header_bytes;
  if (there != *needed) {
    fail(ErrorKind::kDamaged, file,
         std::string(there < *needed ? "is truncated: it " : "is too long: it ") + shape + ", which take " +
             std::to_string(*needed) + " bytes, but holds " + std::to_string(there));
  }
  const auto* first = reinterpret_cast<const std::uint8_t*>(content.data()) + header_bytes;
  array.bytes.assign(first, first + there);
  return array;
}

}  // namespace

IdxArray read_idx(const std::string& path) { return parse_idx(read_file(path, kMaxDataFileBytes), path); }

IdxArray parse_idx(std::span<const std::byte> content, const std::string& file) {
  if (is_gzip(content)) return parse_plain(inflate_gzip(content, file), file);
  return parse_plain(content, file);
}

IdxFolder find_idx_files(const std::string& folder) {
  std::string missing;
  const auto find = [&](const char* name) {
    const std::string plain = folder + "/" + name;
    const std::string compressed = plain + ".gz";
    if (::access(plain.c_str(), F_OK) == 0) return plain;
    if (::access(compressed.c_str(), F_OK) == 0) return compressed;
    missing += (missing.empty() ? "" : ", ") + std::string(name);
    return std::string();
  };
  IdxFolder found;
  found.train_images = find("train-images-idx3-ubyte");
  found.train_labels = find("train-labels-idx1-ubyte");
  found.test_images = find("t10k-images-idx3-ubyte");
  found.test_labels = find("t10k-labels-idx1-ubyte");
  if (!missing.empty()) {
    fail(ErrorKind::kMissing, folder, "this folder lacks " + missing + " (each may also end in .gz)");
  }
  return found;
}

IdxPart read_idx_part(const std::string& images_path, const std::string& labels_path) {
  IdxPart part;
  part.images = read_idx(images_path);
  part.labels = read_idx(labels_path);
  const std::vector<std::uint64_t>& images = part.images.dims;
  const std::vector<std::uint64_t>& labels = part.labels.dims;
  if (images.size() != 3) {
    fail(ErrorKind::kDamaged, images_path,
         "has " + std::to_string(images.size()) + " dimensions, expected 3 (images, height, width)");
  }
  if (labels.size() != 1) {
    fail(ErrorKind::kDamaged, labels_path, "has " + std::to_string(labels.size()) + " dimensions, expected 1 (labels)");
  }
  if (images[0] != labels[0]) {
    fail(ErrorKind::kDamaged, labels_path,
         "holds " + std::to_string(labels[0]) + " labels, but the images' file holds " + std::to_string(images[0]) + " images");
  }
  if (part.images.bytes.empty()) {
    fail(ErrorKind::kDamaged, images_path, "holds no pixels: its sizes are " + print_shape(images));
  }
  return part;
}

}  // namespace cnnc::formats
