// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How this folder reports what goes wrong: one exception with an exit status, a message and a help, caught in cnn_main.
// Nothing here is thrown while a step writes weights. Wording as in the compiler: lower case, no full stop, code in backticks.
#pragma once
#include <stdexcept>
#include <string>

namespace cnnc::runtime {

/// Exit statuses of built programs.
enum ExitStatus { kDone = 0, kBadInput = 1, kBadUsage = 2, kInternalError = 70, kHungUp = 129, kInterrupted = 130, kTerminated = 143 };

class Failure : public std::runtime_error {
 public:
  Failure(int status, const std::string& message, std::string help = {})
      : std::runtime_error(message), status(status), help(std::move(help)) {}
  int status;
  std::string help;
};

/// The input was wrong.
[[noreturn]] inline void fail(const std::string& message, const std::string& help = {}) { throw Failure(kBadInput, message, help); }

/// The command line was wrong.
[[noreturn]] inline void fail_usage(const std::string& message, const std::string& help = {}) { throw Failure(kBadUsage, message, help); }

/// Prints `NETWORK: error: …` and `  help: …` to standard error; also `warning` and `note`.
void print_diagnostic(const std::string& severity, const std::string& message, const std::string& help = {});

/// Says that memory is missing, without asking for any.
void print_out_of_memory();

/// The name in front of diagnostics, the program's as it was called; set once by cnn_main.
void set_diagnostic_name(const std::string& name);
const std::string& diagnostic_name();

}  // namespace cnnc::runtime
