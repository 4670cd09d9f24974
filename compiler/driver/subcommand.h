// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A subcommand of `cnnc`: a file of this folder, which defines `Subcommand NAME_subcommand()`, and a line in
// subcommands.inc.
#pragma once
#include <CLI/CLI.hpp>

#include <functional>
#include <string>

namespace cnnc {

/// What a subcommand does once its arguments are read; returns an ExitStatus.
using Action = std::function<int()>;

struct Subcommand {
  std::string name;
  std::string summary;   // one line for the list of commands
  std::string examples;  // shown below the options by `--help`; each line `  cnnc …`
  /// Adds options and arguments, and returns what to do. Values live in the action (a std::shared_ptr that options write to).
  std::function<Action(CLI::App&)> define;
};

#define SUBCOMMAND(name) Subcommand name##_subcommand();
#include "driver/subcommands.inc"
#undef SUBCOMMAND

}  // namespace cnnc
