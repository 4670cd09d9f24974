// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How the parts of the AST are written: operators, relations, units, strings.
#pragma once
#include <string>
#include <string_view>

#include "syntax/ast.h"

namespace cnnc {

std::string_view spell_operator(ast::BinaryOperator op);
std::string_view spell_relation(ast::Relation relation);
/// `epoch` for one, `epochs` for any other number.
std::string_view spell_unit(ast::Unit unit, double value);
/// `network`, `block`, `layer`.
std::string_view spell_definition(ast::DefinitionKind kind);
/// In double quotes, with escapes.
std::string spell_string(std::string_view value);

}  // namespace cnnc
