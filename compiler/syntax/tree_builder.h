// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Makes the nodes of the AST for the actions of grammar/cnn.y: ranges, depth limits, and the checks that need more than
// one symbol of lookahead (blanks before brackets, values that nothing uses, what may be called or bound).
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "support/diagnostic.h"
#include "syntax/ast.h"

namespace cnnc {

class TreeBuilder {
 public:
  TreeBuilder(const SourceManager& sources, Diagnostics& diagnostics) : sources_(&sources), diagnostics_(&diagnostics) {}

  Diagnostics& diagnostics() const { return *diagnostics_; }
  ast::File& file() { return file_; }
  void set_expression(ast::ExprPtr expression) { expression_ = std::move(expression); }
  ast::ExprPtr take_expression() { return std::move(expression_); }

  // Items.
  template <typename Kind>
  void add_item(Kind kind, SourceRange range) {
    file_.items.push_back({std::move(kind), {}, range});
  }
  void add_test(ast::String title, std::vector<ast::Check> checks, SourceRange range);
  void add_import(ast::String path, SourceRange path_range, SourceRange range);
  void add_language(const ast::Number& version, SourceRange version_range, SourceRange range);

  // Statements and settings.
  ast::Body body(std::vector<ast::Statement> statements, SourceRange closing, SourceRange range);
  ast::Statement binding(ast::ExprPtr target, ast::ExprPtr value, SourceRange range);
  ast::Statement update(ast::ExprPtr target, ast::ExprPtr value, SourceRange range);
  ast::Statement erroneous_statement(SourceRange range);
  /// An erroneous setting has no name, and is left out by `append`.
  ast::Setting erroneous_setting(SourceRange range);
  void append(std::vector<ast::Setting>& settings, ast::Setting setting);
  ast::Check erroneous_check(SourceRange range);
  ast::Name named(ast::String string, SourceRange range);

  // Expressions.
  template <typename Kind>
  ast::ExprPtr leaf(Kind kind, SourceRange range) {
    return make(std::move(kind), range, 0);
  }
  ast::ExprPtr error(SourceRange range) { return leaf(ast::Error{}, range); }
  ast::ExprPtr reference(ast::Name name);
  ast::ExprPtr parenthesized(ast::ExprPtr inner, SourceRange range);
  ast::ExprPtr list(std::vector<ast::ExprPtr> items, SourceRange range);
  ast::ExprPtr call(ast::ExprPtr callee, SourceRange callee_range, std::vector<ast::Argument> arguments, SourceRange bracket, SourceRange range);
  ast::ExprPtr index(ast::ExprPtr base, SourceRange base_range, ast::Index index, SourceRange bracket, SourceRange range);
  ast::ExprPtr member(ast::ExprPtr base, ast::Name name, SourceRange range);
  ast::ExprPtr unary(ast::UnaryOperator op, ast::ExprPtr operand, SourceRange range);
  ast::ExprPtr binary(ast::BinaryOperator op, ast::ExprPtr left, ast::ExprPtr right, SourceRange range);
  void compare(ast::Comparison& comparison, ast::ExprPtr first);
  void compare(ast::Comparison& comparison, ast::Relation relation, ast::ExprPtr next);
  ast::ExprPtr comparison(ast::Comparison comparison, SourceRange range);
  ast::ExprPtr conditional(ast::ExprPtr condition, ast::Body then_body, ast::Body else_body, SourceRange range);
  /// `else if`: the inner `if` becomes the only statement of the else body.
  ast::ExprPtr conditional(ast::ExprPtr condition, ast::Body then_body, ast::ExprPtr else_if, SourceRange range);
  ast::Stage stage(ast::Name callee, bool has_arguments, std::vector<ast::Argument> arguments, SourceRange range);
  ast::ExprPtr pipe(ast::ExprPtr input, ast::Stage stage, SourceRange stage_range);

  // Checks, and mistakes that are understood.
  void check_touching(SourceRange name, SourceRange bracket);
  ast::Parameter mistake_colon_for_default(ast::Name name, SourceRange colon, ast::ExprPtr value, SourceRange range);
  ast::Setting mistake_colon_for_setting(ast::Name name, SourceRange colon, ast::ExprPtr value, SourceRange range);
  ast::Argument mistake_equals_for_argument(ast::Name name, SourceRange equals, ast::ExprPtr value);

 private:
  /// An expression over children of at most `children_depth` levels; an Error when that makes too many.
  ast::ExprPtr make(ast::Expr::Kind kind, SourceRange range, int children_depth);
  std::string text(const ast::Expr& expression) const;
  ast::ExprPtr make_conditional(ast::If conditional, SourceRange range, int children_depth);
  bool check_target(const ast::Expr& target);

  const SourceManager* sources_;
  Diagnostics* diagnostics_;
  ast::File file_;
  ast::ExprPtr expression_;
  bool depth_reported_ = false;
};

}  // namespace cnnc
