// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How this folder reports failures: every reader and writer throws FormatError, and nothing else. (std::bad_alloc excepted:
// sizes are checked against limits.h and against the file's own length before anything is allocated.)
// Wording: `FILE: what was observed, what was expected`; lower case, no full stop; names the index, offset, counts and sizes
// concerned. Names that come from files are escaped (text.h): a message is safe to print on a terminal.
#pragma once
#include <stdexcept>
#include <string>
#include <string_view>

namespace cnnc::formats {

/// What a caller may want to do about a failure: fall back, retry, skip, or stop.
enum class ErrorKind {
  kMissing,      ///< The file or folder is not there.
  kInputOutput,  ///< The system failed a call: no space, no permission, a read error. Worth a retry.
  kDamaged,      ///< The bytes contradict themselves or the format: truncated, overlapping, out of range.
  kUnsupported,  ///< A well-formed file that holds something this program does not read.
  kLimit,        ///< Larger than limits.h allows.
};

/// The one exception of this folder. `what()` is the whole message, file name included.
class FormatError : public std::runtime_error {
 public:
  FormatError(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

/// Throws FormatError with the message `FILE: WHAT`; the file's name is escaped here, `what` must be already.
[[noreturn]] void fail(ErrorKind kind, std::string_view file, std::string_view what);

/// Throws FormatError for a failed system call: `FILE: cannot ACTION: TEXT OF ERRNO`. Kind kMissing where errno says that
/// the file is not there, else kInputOutput.
[[noreturn]] void fail_system(std::string_view file, std::string_view action, int error_number);

}  // namespace cnnc::formats
