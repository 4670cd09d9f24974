// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reading at once and writing whole, on POSIX calls: read, write, fsync, rename.
#include "runtime/formats/whole_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "runtime/formats/error.h"

namespace cnnc::formats {
namespace {

/// A call of read or write is limited to this, so that no single one runs long.
constexpr std::size_t kPieceBytes = 64 << 20;

constexpr const char* kPreviousSuffix = ".previous";

/// Closes a descriptor at the end of a scope.
struct Descriptor {
  int number = -1;
  explicit Descriptor(int n) : number(n) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

const char* kind_of_file(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

/// Repeats a call that a signal interrupted.
template <typename Call>
auto uninterrupted(const Call& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

/// Whether the file is there: a status that cannot be had is no answer.
bool exists(int result, const std::string& shown) {
  if (result == 0) return true;
  if (errno != ENOENT && errno != ENOTDIR) fail_system(shown, "examine this file", errno);
  return false;
}

void require_regular(const struct stat& status, const std::string& path) {
  if (S_ISREG(status.st_mode)) return;
  fail(ErrorKind::kInputOutput, path, std::string("is ") + kind_of_file(status.st_mode) + ", expected a file");
}

/// Follows symbolic links, so that a link stays a link and its target is replaced.
std::string resolve_links(const std::string& path) {
  struct stat status;
  if (!exists(::lstat(path.c_str(), &status), path) || !S_ISLNK(status.st_mode)) return path;
  char* resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) fail_system(path, "follow this link", errno);
  std::string result = resolved;
  std::free(resolved);
  return result;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string temporary_name(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::size_t start = slash == std::string::npos ? 0 : slash + 1;
  return path.substr(0, start) + "." + path.substr(start) + ".partial";
}

bool same_file(const struct stat& left, const struct stat& right) {
  return left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

/// Opens the temporary file and locks it, so that it belongs to this writer alone. Another writer may rename the file away
/// between our open and our lock; then what we hold is no longer the file of that name, and we try again.
int open_locked(const std::string& temporary, const std::string& shown) {
  for (;;) {
    const int descriptor = uninterrupted(
        [&] { return ::open(temporary.c_str(), O_CREAT | O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0666); });
    if (descriptor < 0) fail_system(shown, "create a file in this folder", errno);
    // Other errors mean a file system without locks: there, two writers at once are the user's affair.
    if (uninterrupted([&] { return ::flock(descriptor, LOCK_EX | LOCK_NB); }) != 0 && errno == EWOULDBLOCK) {
      ::close(descriptor);
      fail(ErrorKind::kInputOutput, shown, "is being written by another process");
    }
    struct stat held;
    struct stat named;
    const bool known = ::fstat(descriptor, &held) == 0;
    const bool there = known && ::lstat(temporary.c_str(), &named) == 0;
    if (there && same_file(held, named) && S_ISREG(held.st_mode)) return descriptor;
    const int error_number = errno;
    ::close(descriptor);
    if (there) require_regular(named, temporary);
    else if (!known || error_number != ENOENT) fail_system(shown, "examine the temporary file", error_number);
  }
}

void sync_folder(const std::string& folder, const std::string& shown) {
  const Descriptor descriptor(uninterrupted([&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  // Some file systems cannot sync a folder (EINVAL), and some folders may be written but not read (EACCES); the file is whole
  // and in its place all the same.
  if (descriptor.number < 0) return;
  if (uninterrupted([&] { return ::fsync(descriptor.number); }) != 0 && errno != EINVAL && errno != EROFS) {
    fail_system(shown, "make the folder durable (the file itself is in place)", errno);
  }
}

}  // namespace

std::vector<std::byte> read_file(const std::string& path, std::uint64_t max_bytes) {
  // O_NONBLOCK: opening a pipe must not wait for its writer.
  const Descriptor descriptor(uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); }));
  if (descriptor.number < 0) fail_system(path, "open this file", errno);
  struct stat status;
  if (::fstat(descriptor.number, &status) != 0) fail_system(path, "examine this file", errno);
  require_regular(status, path);
  const std::uint64_t size = static_cast<std::uint64_t>(status.st_size);
  if (size > max_bytes) {
    fail(ErrorKind::kLimit, path, "has " + std::to_string(size) + " bytes, more than the limit of " + std::to_string(max_bytes));
  }
  std::vector<std::byte> content;
  try {
    content.resize(size);
  } catch (const std::bad_alloc&) {
    fail(ErrorKind::kLimit, path, "has " + std::to_string(size) + " bytes, more than there is memory for");
  }
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count =
        uninterrupted([&] { return ::read(descriptor.number, content.data() + done, std::min(size - done, kPieceBytes)); });
    if (count < 0) fail_system(path, "read this file", errno);
    if (count == 0) {
      fail(ErrorKind::kInputOutput, path,
           "ended after " + std::to_string(done) + " of " + std::to_string(size) + " bytes while it was read");
    }
    done += static_cast<std::size_t>(count);
  }
  return content;
}

WholeFileWriter::WholeFileWriter(const std::string& path, Rotation rotation) : shown_(path), rotation_(rotation) {
  target_ = resolve_links(path);
  folder_ = folder_of(target_);
  struct stat status;
  const bool replaces = exists(::stat(target_.c_str(), &status), path);
  if (replaces) require_regular(status, path);
  const std::string temporary = temporary_name(target_);
  descriptor_ = open_locked(temporary, path);
  temporary_ = temporary;
  const bool ready = uninterrupted([&] { return ::ftruncate(descriptor_, 0); }) == 0 &&
                     (!replaces || ::fchmod(descriptor_, status.st_mode & 0777) == 0);
  if (!ready) {
    const int error_number = errno;
    ::unlink(temporary_.c_str());
    ::close(descriptor_);
    fail_system(path, "prepare the temporary file", error_number);
  }
}

WholeFileWriter::~WholeFileWriter() {
  // Removed before it is closed: while the lock is held, the name is surely ours.
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  if (descriptor_ >= 0) ::close(descriptor_);
}

void WholeFileWriter::write(std::span<const std::byte> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count =
        uninterrupted([&] { return ::write(descriptor_, bytes.data() + done, std::min(bytes.size() - done, kPieceBytes)); });
    if (count < 0) fail_system(shown_, "write this file", errno);
    if (count == 0) fail(ErrorKind::kInputOutput, shown_, "cannot write this file: the system takes no bytes");
    done += static_cast<std::size_t>(count);
  }
}

void WholeFileWriter::write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }

void WholeFileWriter::commit() {
  if (uninterrupted([&] { return ::fsync(descriptor_); }) != 0) fail_system(shown_, "write this file to the disk", errno);
  const std::string previous = target_ + kPreviousSuffix;
  bool rotated = false;
  if (rotation_ == Rotation::kKeepPrevious) {
    rotated = ::rename(target_.c_str(), previous.c_str()) == 0;
    if (!rotated && errno != ENOENT) fail_system(shown_, "rename the old file to `.previous`", errno);
  }
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
    const int error_number = errno;
    if (rotated) std::rename(previous.c_str(), target_.c_str());
    fail_system(shown_, "put the new file in its place", error_number);
  }
  temporary_.clear();
  const int descriptor = descriptor_;
  descriptor_ = -1;
  ::close(descriptor);  // Its data are on the disk since fsync: nothing is left that could fail.
  sync_folder(folder_, shown_);
}

void write_file(const std::string& path, std::span<const std::byte> bytes, Rotation rotation) {
  WholeFileWriter writer(path, rotation);
  writer.write(bytes);
  writer.commit();
}

void write_file(const std::string& path, std::string_view text, Rotation rotation) {
  write_file(path, std::as_bytes(std::span(text.data(), text.size())), rotation);
}

std::string previous_path(const std::string& path) { return resolve_links(path) + kPreviousSuffix; }

}  // namespace cnnc::formats
