// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// CIFAR-10's binary records.
#include "runtime/formats/cifar.h"

#include <unistd.h>

#include "runtime/formats/error.h"
#include "runtime/formats/limits.h"
#include "runtime/formats/whole_file.h"

namespace cnnc::formats {
namespace {

constexpr int kTrainingBatches = 5;

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace

CifarPart read_cifar(std::span<const std::string> paths) {
  CifarPart part;
  for (const std::string& path : paths) {
    append_cifar(read_file(path, kMaxDataFileBytes), path, part);
    part.ends.push_back(part.labels.size());
  }
  return part;
}

void append_cifar(std::span<const std::byte> content, const std::string& file, CifarPart& part) {
  const std::size_t records = content.size() / kCifarRecordBytes;
  const std::size_t rest = content.size() % kCifarRecordBytes;
  if (rest != 0 || records == 0) {
    fail(ErrorKind::kDamaged, file,
         "has " + std::to_string(content.size()) + " bytes, expected a multiple of " + std::to_string(kCifarRecordBytes) +
             "; after " + std::to_string(records) + " records " + std::to_string(rest) + " bytes are left");
  }
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(content.data());
  part.labels.reserve(part.labels.size() + records);
  part.pixels.reserve(part.pixels.size() + records * kCifarImageBytes);
  for (std::size_t i = 0; i < records; ++i) {
    const std::uint8_t* record = bytes + i * kCifarRecordBytes;
    part.labels.push_back(record[0]);
    part.pixels.insert(part.pixels.end(), record + 1, record + kCifarRecordBytes);
  }
}

CifarFolder find_cifar_files(const std::string& folder) {
  const std::string unpacked = folder + "/cifar-10-batches-bin";
  const std::string base = exists(unpacked) ? unpacked : folder;
  CifarFolder found;
  found.test = base + "/test_batch.bin";
  std::string missing;
  const auto note_missing = [&missing](const std::string& name) { missing += (missing.empty() ? "" : ", ") + name; };
  int last = 1;  // The last batch that is there: all before it must be there, too.
  const auto batch = [](int number) { return "data_batch_" + std::to_string(number) + ".bin"; };
  for (int i = 1; i <= kTrainingBatches; ++i) {
    if (exists(base + "/" + batch(i))) last = i;
  }
  for (int i = 1; i <= last; ++i) {
    found.train.push_back(base + "/" + batch(i));
    if (!exists(found.train.back())) note_missing(batch(i));
  }
  if (!exists(found.test)) note_missing("test_batch.bin");
  if (!missing.empty()) fail(ErrorKind::kMissing, base, "this folder lacks " + missing);
  return found;
}

}  // namespace cnnc::formats
