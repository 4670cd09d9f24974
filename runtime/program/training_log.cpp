// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows are gathered in a buffer of fixed size and written when it is full or a checkpoint is due.
#include "runtime/program/training_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runtime/formats/text.h"
#include "runtime/program/failure.h"

namespace cnnc::runtime {
namespace {

constexpr size_t kBufferBytes = 1 << 15;
constexpr size_t kLongestRow = 160;
constexpr const char* kHeader = "step,epoch,loss,rate\n";

/// The bytes of the file up to and with the row of `step`; 0 where its header is another.
off_t end_of_step(const std::string& path, int64_t step) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (!file) return 0;
  char line[kLongestRow + 1];
  off_t end = 0;
  bool header = true;
  while (std::fgets(line, sizeof line, file)) {
    const size_t length = std::strlen(line);
    const bool whole = length > 0 && line[length - 1] == '\n';
    if (!whole || (header ? std::strcmp(line, kHeader) != 0 : std::strtoll(line, nullptr, 10) > step)) break;
    header = false;
    end += static_cast<off_t>(length);
  }
  std::fclose(file);
  return end;
}

}  // namespace

TrainingLog::TrainingLog(const std::string& path, int64_t resumed_step) : path_(path) {
  if (path.empty()) return;
  buffer_.resize(kBufferBytes);
  descriptor_ = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) {
    fail("open");
    return;
  }
  const off_t keep = resumed_step > 0 ? end_of_step(path, resumed_step) : 0;
  if (ftruncate(descriptor_, keep) != 0 || lseek(descriptor_, keep, SEEK_SET) < 0) {
    if (keep > 0) fail("shorten");  // what is no regular file, a pipe, is written from its begin
  }
  if (keep == 0 && descriptor_ >= 0) {
    used_ = std::strlen(kHeader);
    std::memcpy(buffer_.data(), kHeader, used_);
  }
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
  while (descriptor_ >= 0 && written < used_) {
    const ssize_t now = write(descriptor_, buffer_.data() + written, used_ - written);
    if (now < 0 && errno == EINTR) continue;
    if (now <= 0) fail("write");
    else written += static_cast<size_t>(now);
  }
  used_ = 0;
}

void TrainingLog::fail(const std::string& action) {
  print_diagnostic("warning", "cannot " + action + " the log " + formats::quote_name(path_) + ": " + std::strerror(errno), "training goes on without it");
  if (descriptor_ >= 0) close(descriptor_);
  descriptor_ = -1;
}

}  // namespace cnnc::runtime
