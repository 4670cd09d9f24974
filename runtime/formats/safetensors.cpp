// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// .safetensors files: the checks between tensors, the views, the writer and the checksum. The JSON is in safetensors_header.cpp.
#include "runtime/formats/safetensors.h"

#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <tuple>

#include "runtime/formats/error.h"
#include "runtime/formats/limits.h"
#include "runtime/formats/safetensors_header.h"
#include "runtime/formats/text.h"

namespace cnnc::formats {
namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kHeaderAlignment = 8;

/// The length of the header's text, checked against the limit and the file.
std::uint64_t header_length(std::span<const std::byte> content, const std::string& file) {
  const std::string count = std::to_string(content.size());
  if (content.size() < kLengthBytes) {
    fail(ErrorKind::kDamaged, file, "has " + count + " bytes, too few for a .safetensors file");
  }
  if (std::memcmp(content.data(), "PK\x03\x04", 4) == 0) {
    fail(ErrorKind::kUnsupported, file, "is a zip archive (written by torch.save?), expected a .safetensors file");
  }
  std::uint64_t length = 0;
  std::memcpy(&length, content.data(), kLengthBytes);
  if (length > kMaxSafetensorsHeaderBytes) {
    fail(ErrorKind::kDamaged, file,
         "declares a header of " + std::to_string(length) + " bytes, more than the limit of " +
             std::to_string(kMaxSafetensorsHeaderBytes) + "; not a .safetensors file?");
  }
  if (length > content.size() - kLengthBytes) {
    fail(ErrorKind::kDamaged, file,
         "declares a header of " + std::to_string(length) + " bytes, but only " + std::to_string(content.size() - kLengthBytes) +
             " follow");
  }
  return length;
}

/// Tensors in the order of their bytes must cover the data without holes or overlaps.
void check_coverage(std::vector<Tensor>& tensors, std::uint64_t data_size, const std::string& file) {
  std::sort(tensors.begin(), tensors.end(), [](const Tensor& left, const Tensor& right) {
    return std::tie(left.offset, left.size, left.name) < std::tie(right.offset, right.size, right.name);
  });
  std::uint64_t covered = 0;
  for (const Tensor& tensor : tensors) {
    const std::string shown = "tensor " + quote_name(tensor.name);
    if (tensor.offset < covered) {
      fail(ErrorKind::kDamaged, file,
           shown + " starts at offset " + std::to_string(tensor.offset) + ", inside another one that ends at " +
               std::to_string(covered));
    }
    if (tensor.offset > covered) {
      fail(ErrorKind::kDamaged, file,
           "has a hole in its data: nothing covers the offsets " + std::to_string(covered) + ".." +
               std::to_string(tensor.offset) + " before " + shown);
    }
    covered = tensor.offset + tensor.size;
    if (covered > data_size) {
      fail(ErrorKind::kDamaged, file,
           shown + " ends at offset " + std::to_string(covered) + ", but the file holds only " + std::to_string(data_size) +
               " bytes of data (truncated?)");
    }
  }
  if (covered != data_size) {
    fail(ErrorKind::kDamaged, file,
         "holds " + std::to_string(data_size) + " bytes of data, but its tensors end at offset " + std::to_string(covered));
  }
}

void require_utf8(std::string_view text, const std::string& path) {
  for (std::size_t position = 0; position < text.size();) {
    if (decode_utf8(text, position)) continue;
    fail(ErrorKind::kDamaged, path, "cannot hold the name or value " + quote_name(text) + ": not UTF-8");
  }
}

/// The views in the order in which they are written: the largest elements first, so that all are aligned; then by name.
std::vector<TensorView> in_file_order(std::span<const TensorView> views) {
  std::vector<TensorView> sorted(views.begin(), views.end());
  std::sort(sorted.begin(), sorted.end(), [](const TensorView& left, const TensorView& right) {
    const std::size_t left_size = element_size(left.type);
    const std::size_t right_size = element_size(right.type);
    return left_size != right_size ? left_size > right_size : left.name < right.name;
  });
  return sorted;
}

/// What the header says about the sorted views. Refuses what a reader would refuse.
std::vector<Tensor> lay_out(std::span<const TensorView> views, const std::string& path) {
  std::vector<Tensor> tensors;
  std::uint64_t offset = 0;
  for (const TensorView& view : views) {
    require_utf8(view.name, path);
    const std::string shown = "tensor " + quote_name(view.name);
    if (view.name == "__metadata__") fail(ErrorKind::kDamaged, path, shown + " has the name of the metadata");
    if (view.shape.size() > kMaxDimensions) {
      fail(ErrorKind::kLimit, path, shown + " has more than " + std::to_string(kMaxDimensions) + " dimensions");
    }
    if (checked_size(view.shape, element_size(view.type)) != view.bytes.size()) {
      fail(ErrorKind::kDamaged, path,
           shown + " of shape " + print_shape(view.shape) + " is to be written from " + std::to_string(view.bytes.size()) +
               " bytes");
    }
    tensors.push_back({view.name, view.type, view.shape, offset, view.bytes.size()});
    offset += view.bytes.size();
  }
  std::vector<std::string_view> names;
  for (const Tensor& tensor : tensors) names.push_back(tensor.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) fail(ErrorKind::kDamaged, path, "tensor " + quote_name(*twice) + " is to be written twice");
  return tensors;
}

/// The checksum starts with the header as it would be without the checksum itself, tensors by name (empty tensors have no order
/// of their own).
std::uint32_t header_checksum(std::span<const Tensor> tensors, Metadata metadata) {
  metadata.erase(std::string(kChecksumKey));
  std::vector<Tensor> by_name(tensors.begin(), tensors.end());
  std::sort(by_name.begin(), by_name.end(), [](const Tensor& left, const Tensor& right) { return left.name < right.name; });
  const std::string text = print_safetensors_header(by_name, metadata);
  return checksum(std::as_bytes(std::span(text)));
}

std::string checksum_text(std::uint32_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "crc32:%08x", value);
  return text;
}

}  // namespace

const Tensor* Safetensors::find(std::string_view name) const {
  const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const Tensor& tensor) { return tensor.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

std::span<const std::byte> Safetensors::data() const { return std::span(content_).subspan(data_start_); }

std::span<const std::byte> Safetensors::bytes(const Tensor& tensor) const { return data().subspan(tensor.offset, tensor.size); }

void Safetensors::read_floats(const Tensor& tensor, std::span<float> out) const {
  convert_to_floats(tensor.type, bytes(tensor), out.first(tensor.elements()));
}

void Safetensors::read_doubles(const Tensor& tensor, std::span<double> out) const {
  convert_to_doubles(tensor.type, bytes(tensor), out.first(tensor.elements()));
}

std::vector<float> Safetensors::floats(const Tensor& tensor) const {
  std::vector<float> values(tensor.elements());
  read_floats(tensor, values);
  return values;
}

std::vector<double> Safetensors::doubles(const Tensor& tensor) const {
  std::vector<double> values(tensor.elements());
  read_doubles(tensor, values);
  return values;
}

Safetensors read_safetensors(const std::string& path) { return parse_safetensors(read_file(path, kMaxArrayFileBytes), path); }

Safetensors parse_safetensors(std::vector<std::byte> content, const std::string& file) {
  const std::uint64_t length = header_length(content, file);
  const std::string_view text(reinterpret_cast<const char*>(content.data()) + kLengthBytes, length);
  SafetensorsHeader header = parse_safetensors_header(text, file);
  check_coverage(header.tensors, content.size() - kLengthBytes - length, file);
  Safetensors result;
  result.file = file;
  result.tensors = std::move(header.tensors);
  result.metadata = std::move(header.metadata);
  result.content_ = std::move(content);
  result.data_start_ = kLengthBytes + length;
  return result;
}

TensorView view_of(std::string name, std::vector<std::uint64_t> shape, std::span<const float> values) {
  return {std::move(name), ElementType::F32, std::move(shape), std::as_bytes(values)};
}

TensorView view_of(std::string name, std::vector<std::uint64_t> shape, std::span<const double> values) {
  return {std::move(name), ElementType::F64, std::move(shape), std::as_bytes(values)};
}

void write_safetensors(const std::string& path, std::span<const TensorView> tensors, const Metadata& metadata,
                       SafetensorsOptions options) {
  const std::vector<TensorView> views = in_file_order(tensors);
  const std::vector<Tensor> layout = lay_out(views, path);
  Metadata written = metadata;
  for (const auto& [key, value] : metadata) {
    require_utf8(key, path);
    require_utf8(value, path);
  }
  if (options.checksum) {
    std::uint32_t sum = header_checksum(layout, metadata);
    for (const TensorView& view : views) sum = checksum(view.bytes, sum);
    written[std::string(kChecksumKey)] = checksum_text(sum);
  }
  std::string header = print_safetensors_header(layout, written);
  header.resize((header.size() + kHeaderAlignment - 1) / kHeaderAlignment * kHeaderAlignment, ' ');
  if (header.size() > kMaxSafetensorsHeaderBytes) {
    fail(ErrorKind::kLimit, path, "would need a header of " + std::to_string(header.size()) + " bytes, more than the limit");
  }
  const std::uint64_t length = header.size();
  WholeFileWriter writer(path, options.rotation);
  writer.write(std::as_bytes(std::span(&length, 1)));
  writer.write(header);
  for (const TensorView& view : views) writer.write(view.bytes);
  writer.commit();
}

void verify_checksum(const Safetensors& file) {
  const auto entry = file.metadata.find(std::string(kChecksumKey));
  if (entry == file.metadata.end()) fail(ErrorKind::kDamaged, file.file, "carries no checksum");
  const std::string actual = checksum_text(checksum(file.data(), header_checksum(file.tensors, file.metadata)));
  if (entry->second != actual) {
    fail(ErrorKind::kDamaged, file.file, "is damaged: its checksum is " + actual + ", expected " + quote_name(entry->second));
  }
}

std::uint32_t checksum(std::span<const std::byte> bytes, std::uint32_t before) {
  if (bytes.empty()) return before;  // zlib takes a null pointer for a request of the start value.
  return static_cast<std::uint32_t>(::crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace cnnc::formats
