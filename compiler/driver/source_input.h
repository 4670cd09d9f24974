// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reading source files and printing diagnostics, as all subcommands do it.
#pragma once
#include <optional>
#include <string>

#include "support/diagnostic.h"
#include "support/source.h"

namespace cnnc {

/// The bytes of a file, or of standard input for `-`. Without a value `error` says why, with the path.
std::optional<std::string> read_text(const std::string& path, std::string& error);

/// Reads a file into `sources`; prints `error: …` and returns nothing where that fails.
std::optional<int32_t> add_source(SourceManager& sources, const std::string& path);

/// Whether standard error is a terminal that shows colours (`NO_COLOR` turns them off).
bool error_output_has_colour();

/// Prints all diagnostics to standard error, then `2 errors, 1 warning` if there are several.
void print_diagnostics(const Diagnostics& diagnostics);

/// Prints `cnnc: error: …` to standard error.
void print_error(const std::string& message);

/// Prints `cnnc: error: internal error: …`; the message may have several lines.
void print_internal_error(const std::string& message);

/// After an internal error: whose fault it is, and what to do.
void print_defect_note();

}  // namespace cnnc
