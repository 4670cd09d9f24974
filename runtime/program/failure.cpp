// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Diagnostics on standard error. A progress bar on the terminal is wiped first.
#include "runtime/program/failure.h"

#include <unistd.h>

#include <cstdio>

namespace cnnc::runtime {
namespace {

std::string& stored_name() {
  static std::string name = "program";
  return name;
}

}  // namespace

void set_diagnostic_name(const std::string& name) { stored_name() = name; }
const std::string& diagnostic_name() { return stored_name(); }

void print_diagnostic(const std::string& severity, const std::string& message, const std::string& help) {
  std::string text = isatty(STDERR_FILENO) ? "\r\x1b[K" : "";
  text += diagnostic_name() + ": " + severity + ": " + message + "\n";
  if (!help.empty()) text += "  help: " + help + "\n";
  std::fputs(text.c_str(), stderr);
}

void print_out_of_memory() {
  if (isatty(STDERR_FILENO)) std::fputs("\r\x1b[K", stderr);
  std::fputs(diagnostic_name().c_str(), stderr);
  std::fputs(": error: there is not enough memory for the data\n", stderr);
}

}  // namespace cnnc::runtime
