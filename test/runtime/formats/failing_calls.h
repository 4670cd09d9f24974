// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Makes the N-th system call of whole_file.cpp fail. The linker sends write, fsync, rename, ftruncate and fchmod here (--wrap).
#pragma once

namespace cnnc::formats {

/// From construction to destruction, the `number`-th wrapped call (from 0) fails with `error_number`.
class FailingCall {
 public:
  FailingCall(int number, int error_number);
  ~FailingCall();
  FailingCall(const FailingCall&) = delete;
  FailingCall& operator=(const FailingCall&) = delete;

  /// Whether so many calls were made that one failed.
  bool happened() const;
};

/// While it lives, every write takes at most 3 bytes, and every second one is interrupted (EINTR).
class TroubledWrites {
 public:
  TroubledWrites();
  ~TroubledWrites();
  TroubledWrites(const TroubledWrites&) = delete;
  TroubledWrites& operator=(const TroubledWrites&) = delete;
};

}  // namespace cnnc::formats
