// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the tests of this folder share: temporary folders, bytes from text, the message of a refusal.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/formats/error.h"
#include "runtime/formats/limits.h"
#include "runtime/formats/npy.h"
#include "runtime/formats/whole_file.h"

namespace cnnc::formats {

/// A new folder, removed at the end of the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "formats_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }

  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

  /// The names in it, sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) result.push_back(entry.path().filename().string());
    std::sort(result.begin(), result.end());
    return result;
  }

 private:
  std::string path_;
};

inline std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
  return {bytes.begin(), bytes.end()};
}

inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::string data_file(const std::string& name) { return std::string(CNNC_TEST_DATA) + "/" + name; }

inline std::string read_text(const std::string& path) { return text_of(read_file(path, kMaxArrayFileBytes)); }

/// What an action was refused with.
struct Refusal {
  ErrorKind kind;
  std::string message;
  bool operator==(const Refusal&) const = default;
};

inline std::ostream& operator<<(std::ostream& stream, const Refusal& refusal) {
  return stream << "kind " << static_cast<int>(refusal.kind) << ", " << refusal.message;
}

/// Runs the action, which must throw FormatError.
template <class Action>
Refusal refusal_of(Action action) {
  try {
    action();
  } catch (const FormatError& error) {
    return {error.kind(), error.what()};
  }
  return {ErrorKind::kLimit, "(nothing was refused)"};
}

/// Pixels that another program computed: [height, width, channels] of bytes.
inline std::vector<std::uint8_t> expected_pixels(const std::string& name) {
  const NpyArray array = read_npy(data_file(name + ".expected.npy"));
  const auto* first = reinterpret_cast<const std::uint8_t*>(array.bytes.data());
  return {first, first + array.bytes.size()};
}

}  // namespace cnnc::formats
