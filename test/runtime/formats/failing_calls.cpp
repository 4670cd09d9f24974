// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The wrapped system calls. State is global because the linker's wrappers have no other.
#include "failing_calls.h"

#include <sys/stat.h>
#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace {

int calls_until_failure = -1;  // Below 0: none fails.
int failure = 0;
bool failed = false;
bool troubled = false;
bool interrupted = false;

bool fails_now() {
  if (calls_until_failure < 0 || calls_until_failure-- > 0) return false;
  failed = true;
  errno = failure;
  return true;
}

}  // namespace

extern "C" {

ssize_t __real_write(int descriptor, const void* bytes, std::size_t count);
int __real_fsync(int descriptor);
int __real_rename(const char* from, const char* to);
int __real_ftruncate(int descriptor, off_t length);
int __real_fchmod(int descriptor, mode_t mode);

ssize_t __wrap_write(int descriptor, const void* bytes, std::size_t count) {
  if (fails_now()) return -1;
  if (!troubled) return __real_write(descriptor, bytes, count);
  interrupted = !interrupted;
  if (!interrupted) return __real_write(descriptor, bytes, std::min<std::size_t>(count, 3));
  errno = EINTR;
  return -1;
}

int __wrap_fsync(int descriptor) { return fails_now() ? -1 : __real_fsync(descriptor); }
int __wrap_rename(const char* from, const char* to) { return fails_now() ? -1 : __real_rename(from, to); }
int __wrap_ftruncate(int descriptor, off_t length) { return fails_now() ? -1 : __real_ftruncate(descriptor, length); }
int __wrap_fchmod(int descriptor, mode_t mode) { return fails_now() ? -1 : __real_fchmod(descriptor, mode); }

}  // extern "C"

namespace cnnc::formats {

FailingCall::FailingCall(int number, int error_number) {
  calls_until_failure = number;
  failure = error_number;
  failed = false;
}

FailingCall::~FailingCall() { calls_until_failure = -1; }

bool FailingCall::happened() const { return failed; }

TroubledWrites::TroubledWrites() { troubled = true; }

TroubledWrites::~TroubledWrites() { troubled = false; }

}  // namespace cnnc::formats
