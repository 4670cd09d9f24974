// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Builds the messages of FormatError: `FILE: WHAT`.
#include "runtime/formats/error.h"

#include <cerrno>
#include <system_error>

#include "runtime/formats/text.h"

namespace cnnc::formats {

void fail(ErrorKind kind, std::string_view file, std::string_view what) {
  std::string message = escape_terminal(file);
  message += ": ";
  message += what;
  throw FormatError(kind, message);
}

void fail_system(std::string_view file, std::string_view action, int error_number) {
  const bool missing = error_number == ENOENT || error_number == ENOTDIR;
  std::string what = "cannot ";
  what += action;
  what += ": ";
  what += std::generic_category().message(error_number);
  fail(missing ? ErrorKind::kMissing : ErrorKind::kInputOutput, file, what);
}

}  // namespace cnnc::formats
