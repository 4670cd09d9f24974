// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How the parts of the AST are written.
#include "syntax/spelling.h"

#include "support/check.h"

namespace cnnc {

std::string_view spell_operator(ast::BinaryOperator op) {
  switch (op) {
    case ast::BinaryOperator::Add: return "+";
    case ast::BinaryOperator::Subtract: return "-";
    case ast::BinaryOperator::Multiply: return "*";
    case ast::BinaryOperator::Divide: return "/";
    case ast::BinaryOperator::Modulo: return "%";
    case ast::BinaryOperator::Power: return "^";
    case ast::BinaryOperator::And: return "and";
    case ast::BinaryOperator::Or: return "or";
  }
  CNNC_CHECK(false, "an operator without a spelling");
}

std::string_view spell_relation(ast::Relation relation) {
  switch (relation) {
    case ast::Relation::Equal: return "==";
    case ast::Relation::NotEqual: return "!=";
    case ast::Relation::Less: return "<";
    case ast::Relation::LessEqual: return "<=";
    case ast::Relation::Greater: return ">";
    case ast::Relation::GreaterEqual: return ">=";
  }
  CNNC_CHECK(false, "a relation without a spelling");
}

std::string_view spell_unit(ast::Unit unit, double value) {
  switch (unit) {
    case ast::Unit::Epochs: return value == 1 ? "epoch" : "epochs";
    case ast::Unit::Steps: return value == 1 ? "step" : "steps";
    case ast::Unit::Times: return "x";
    case ast::Unit::KB: return "KB";
    case ast::Unit::MB: return "MB";
    case ast::Unit::GB: return "GB";
  }
  CNNC_CHECK(false, "a unit without a spelling");
}

std::string_view spell_definition(ast::DefinitionKind kind) {
  switch (kind) {
    case ast::DefinitionKind::Network: return "network";
    case ast::DefinitionKind::Block: return "block";
    case ast::DefinitionKind::Layer: return "layer";
  }
  CNNC_CHECK(false, "a kind of definition without a spelling");
}

std::string spell_string(std::string_view value) {
  std::string result = "\"";
  for (const char c : value) {
    switch (c) {
      case '"': result += "\\\""; break;
      case '\\': result += "\\\\"; break;
      case '\n': result += "\\n"; break;
      case '\t': result += "\\t"; break;
      default: result += c;
    }
  }
  return result + '"';
}

}  // namespace cnnc
