// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// .cnn text → AST. Reports every syntax error that it finds (recovery at each statement, setting and item) and always
// returns a file, whose erroneous parts are left out or are ast::Error. Tests: test/grammar.
#pragma once
#include "support/diagnostic.h"
#include "syntax/ast.h"

namespace cnnc {

ast::File parse_file(const SourceManager& sources, int32_t file, Diagnostics& diagnostics);

/// One expression, as given on a command line (`-D stages=[[64, 3]]`); null when it has errors (they are reported).
ast::ExprPtr parse_expression(const SourceManager& sources, int32_t file, Diagnostics& diagnostics);

}  // namespace cnnc
