// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// AST → text: the canonical form of a .cnn file (`cnnc fmt`) and the tree itself (`--emit=ast`). Tests: test/syntax.
#pragma once
#include <string>

#include "syntax/ast.h"

namespace cnnc {

/// The file in canonical form, comments kept. Printing what was parsed from its own output changes nothing.
std::string format_file(const ast::File& file, const SourceManager& sources);

/// One expression on one line, canonical.
std::string format_expression(const ast::Expr& expr);

/// The tree with one node a line, for `--emit=ast`.
std::string dump_file(const ast::File& file);

}  // namespace cnnc
