// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Invariants. A broken one is a defect of the compiler, not of the input: it throws InternalError, which only the driver
// catches (exit status 70, with a folder that reproduces it).
#pragma once
#include <stdexcept>
#include <string>

namespace cnnc {

/// A broken invariant of the compiler.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] void fail_check(const char* condition, const char* file, int line, const std::string& message);

}  // namespace cnnc

/// CHECK(condition, "what was expected"): the message may use std::string concatenation or fmt::format.
#define CNNC_CHECK(condition, message) \
  do {                                 \
    if (!(condition)) ::cnnc::fail_check(#condition, __FILE__, __LINE__, (message)); \
  } while (false)
