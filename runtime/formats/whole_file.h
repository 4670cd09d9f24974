// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Whole files: read at once under a limit, written whole or not at all.
// Writing: a temporary file in the same folder, a loop over write, fsync, rename over the target, fsync of the folder. Any
// error before the rename leaves the old file as it was and removes the temporary one. A process killed in between leaves the
// old file and, at most, the temporary file `.NAME.partial`, which the next write of the same file takes over. A lock on the
// temporary file keeps two writers of one file apart: the second gets an error.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cnnc::formats {

/// Reads a regular file of at most `max_bytes`. Folders, pipes and devices are refused (without waiting for a pipe's writer).
std::vector<std::byte> read_file(const std::string& path, std::uint64_t max_bytes);

/// Whether what was at the path stays as PATH.previous.
enum class Rotation {
  kReplace,       ///< The old file is replaced. Right where PATH is damaged: PATH.previous, which may be good, stays.
  kKeepPrevious,  ///< The old file becomes PATH.previous just before the new one, already whole on disk, takes its place:
                  ///< at any moment at least one of PATH and PATH.previous is whole.
};

/// A file that appears when `commit` returns, or never. Not copyable; the destructor removes what was not committed.
class WholeFileWriter {
 public:
  /// Creates the temporary file. A target that exists and is not a regular file is refused; a symbolic link is followed.
  explicit WholeFileWriter(const std::string& path, Rotation rotation = Rotation::kReplace);
  ~WholeFileWriter();
  WholeFileWriter(const WholeFileWriter&) = delete;
  WholeFileWriter& operator=(const WholeFileWriter&) = delete;

  /// Appends bytes.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);

  /// Makes the file durable and visible under its name.
  void commit();

 private:
  std::string target_;     ///< The path with symbolic links resolved.
  std::string folder_;     ///< Of the target.
  std::string temporary_;  ///< Empty once it is renamed or removed.
  std::string shown_;      ///< The path as the caller gave it, for messages.
  Rotation rotation_;
  int descriptor_ = -1;
};

/// Writes one whole file from one piece.
void write_file(const std::string& path, std::span<const std::byte> bytes, Rotation rotation = Rotation::kReplace);
void write_file(const std::string& path, std::string_view text, Rotation rotation = Rotation::kReplace);

/// PATH.previous, where kKeepPrevious keeps the old file; beside its target where PATH is a symbolic link.
std::string previous_path(const std::string& path);

}  // namespace cnnc::formats
