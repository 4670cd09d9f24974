// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A folder with all that is needed to find a defect of the compiler: the source and what it imports, the texts of the stages
// that could still be made, the options, and a script that reproduces it. Tests: test/driver/internal_errors.test
#pragma once
#include <string>
#include <vector>

#include "driver/pipeline.h"

namespace cnnc {

/// Makes the folder below $TMPDIR or /tmp; returns its path, empty where it cannot be made or the source was standard input.
/// `arguments` are those of `cnnc build` besides the source; a stage that takes longer than `seconds` is left out.
std::string write_defect_folder(const CompileOptions& options, std::vector<std::string> arguments, int seconds);

/// `path` in quotes for a shell.
std::string shell_quote(const std::string& text);

}  // namespace cnnc
