// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows are gathered in a buffer of fixed size and written when it is full or a checkpoint is due.
#include "runtime/program/training_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runtime/formats/text.h"
#include "runtime/program/failure.h"
#include "runtime/program/retries.h"

namespace cnnc::runtime {
namespace {

constexpr size_t kBufferBytes = 1 << 15;
constexpr size_t kLongestRow = 160;
constexpr const char* kHeader = "step,epoch,loss,rate\n";

/// What stays of a log.
struct KeptRows {
  off_t bytes = 0;        // up to and with the last row that stays; 0 where the header is another
  int64_t last_step = 0;
};

/// Reads up to and with the row of `step`; false where the file of so many bytes cannot be read.
bool find_kept_rows(const std::string& path, off_t size, int64_t step, KeptRows& out) {
  out = {};
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (!file) return false;
  char line[kLongestRow + 1];
  bool ends_here = false;
  while (!ends_here && std::fgets(line, sizeof line, file)) {
    const size_t length = std::strlen(line);
    const bool whole = length > 0 && line[length - 1] == '\n';
    const bool header = out.bytes == 0;
    const int64_t row = header ? 0 : std::strtoll(line, nullptr, 10);
    ends_here = !whole || row > step || (header && std::strcmp(line, kHeader) != 0);
    if (!ends_here) out = {out.bytes + static_cast<off_t>(length), row};
  }
  const int error_number = std::ferror(file) ? errno : EIO;
  std::fclose(file);
  errno = error_number;
  return ends_here || out.bytes >= size;
}

}  // namespace

TrainingLog::TrainingLog(const std::string& path, int64_t resumed_step) : path_(path) {
  if (path.empty()) return;
  buffer_.resize(kBufferBytes);
  begin(resumed_step);
}

bool TrainingLog::begin(int64_t resumed_step) {
  const auto open_file = [&] { return (descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666)) >= 0; };
  if (!works_in_time(open_file)) return fail("open");
  struct stat status = {};
  if (!works_in_time([&] { return fstat(descriptor_, &status) == 0; })) return fail("examine");
  KeptRows kept;
  if (S_ISREG(status.st_mode)) {   // a pipe or a terminal has nothing that could stay
    const auto read_rows = [&] { return find_kept_rows(path_, status.st_size, resumed_step, kept); };
    if (resumed_step > 0 && !works_in_time(read_rows)) return fail("read");
    if (!works_in_time([&] { return ftruncate(descriptor_, kept.bytes) == 0; })) return fail("shorten");
    if (!works_in_time([&] { return lseek(descriptor_, kept.bytes, SEEK_SET) >= 0; })) return fail("go to the end of");
  }
  if (kept.bytes > 0 && kept.last_step < resumed_step)
    print_diagnostic("warning", "the log " + formats::quote_name(path_) + " has no rows of the steps " + std::to_string(kept.last_step + 1) + " to " +
                                    std::to_string(resumed_step));
  if (kept.bytes == 0) {
    used_ = std::strlen(kHeader);
    std::memcpy(buffer_.data(), kHeader, used_);
  }
  return true;
}

TrainingLog::~TrainingLog() {
  flush();
  if (descriptor_ >= 0) close(descriptor_);
}

void TrainingLog::row(int64_t step, int64_t epoch, double loss, double rate, bool loss_is_float) {
  if (descriptor_ < 0) return;
  if (used_ + kLongestRow > buffer_.size()) flush();
  char* at = buffer_.data() + used_;
  char* const end = buffer_.data() + buffer_.size();
  at = std::to_chars(at, end, step).ptr;
  *at++ = ',';
  at = std::to_chars(at, end, epoch).ptr;
  *at++ = ',';
  at = loss_is_float ? std::to_chars(at, end, static_cast<float>(loss)).ptr : std::to_chars(at, end, loss).ptr;
  *at++ = ',';
  at = std::to_chars(at, end, rate).ptr;
  *at++ = '\n';
  used_ = static_cast<size_t>(at - buffer_.data());
}

void TrainingLog::flush() {
  size_t written = 0;
  const auto write_more = [&] {
    const ssize_t now = write(descriptor_, buffer_.data() + written, used_ - written);
    if (now == 0) errno = EIO;
    if (now > 0) written += static_cast<size_t>(now);
    return now > 0;
  };
  while (descriptor_ >= 0 && written < used_)
    if (!works_in_time(write_more)) fail("write");
  used_ = 0;
}

void TrainingLog::sync() {
  flush();
  // Pipes and some file systems cannot (EINVAL, EROFS); the rows are handed over all the same.
  const auto on_disk = [&] { return fdatasync(descriptor_) == 0 || errno == EINVAL || errno == EROFS; };
  if (descriptor_ >= 0 && !works_in_time(on_disk)) fail("write");
}

bool TrainingLog::fail(const std::string& action) {
  print_diagnostic("warning", "cannot " + action + " the log " + formats::quote_name(path_) + ": " + std::strerror(errno), "training goes on without it");
  if (descriptor_ >= 0) close(descriptor_);
  descriptor_ = -1;
  return false;
}

}  // namespace cnnc::runtime
