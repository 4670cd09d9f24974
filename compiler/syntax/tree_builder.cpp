// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Items, statements and settings of the AST, and the checks that belong to them. Expressions: expression_builder.cpp.
#include "syntax/tree_builder.h"

#include <fmt/format.h>

#include "support/text.h"

namespace cnnc {
namespace {

bool is_erroneous(const ast::ExprPtr& expression) { return expression && std::holds_alternative<ast::Error>(expression->kind); }

bool is_erroneous(const ast::Statement& statement) {
  const auto* value = std::get_if<ast::ExpressionStatement>(&statement.kind);
  return value && is_erroneous(value->value);
}

bool is_value(const ast::Statement& statement) { return std::holds_alternative<ast::ExpressionStatement>(statement.kind); }

/// Whether a body may end with this: a value, a return, or the equation that is a layer's value.
bool gives_value(const ast::Statement& statement) {
  return is_value(statement) || std::holds_alternative<ast::Return>(statement.kind) || std::holds_alternative<ast::Equation>(statement.kind);
}

}  // namespace

void TreeBuilder::add_test(ast::String title, std::vector<ast::Check> checks, SourceRange range) {
  add_item(ast::Test{std::move(title.value), std::move(checks)}, range);
}

void TreeBuilder::add_import(ast::String path, SourceRange path_range, SourceRange range) {
  add_item(ast::Import{named(std::move(path), path_range), true}, range);
}

void TreeBuilder::add_language(const ast::Number& version, SourceRange version_range, SourceRange range) {
  if (!file_.items.empty()) {
    diagnostics_->error(DiagnosticKind::LanguageVersion, range, "the version of the language is asked for before anything else")
        .help("move this line to the top of the file", file_.items.front().range);
  } else if (version.value != 1) {
    diagnostics_->error(DiagnosticKind::LanguageVersion, version_range, fmt::format("version {} of the language is not known", abbreviate(version.text)))
        .help("this compiler reads version 1: write `language 1`, or leave the line out");
  }
  add_item(ast::Language{version.value}, range);
}

ast::Body TreeBuilder::body(std::vector<ast::Statement> statements, SourceRange closing, SourceRange range) {
  if (statements.empty()) {
    diagnostics_->error(DiagnosticKind::MissingValue, range, "this body has no value")
        .help("the last line of a body is its value; `{ x }` hands `x` on unchanged");
    statements.push_back(erroneous_statement({range.file, closing.begin, closing.begin}));
    return {std::move(statements), range};
  }
  for (size_t i = 0; i + 1 < statements.size(); ++i) {
    const ast::Statement& statement = statements[i];
    if (is_erroneous(statement)) continue;
    if (std::holds_alternative<ast::Return>(statement.kind)) {
      diagnostics_->error(DiagnosticKind::UnusedValue, statement.range, "`return` stands in the last line of a body");
    } else if (is_value(statement)) {
      // Of several such lines below each other the first is reported: one `->` on each of the next mends them all.
      if (i > 0 && is_value(statements[i - 1])) continue;
      const SourceRange next = statements[i + 1].range;
      diagnostics_->error(DiagnosticKind::UnusedValue, statement.range, "nothing uses this value")
          .help("give it a name (`y = …`), or begin the next line with `->` to pass it on", {next.file, next.begin, next.begin});
    }
  }
  const ast::Statement& last = statements.back();
  if (!gives_value(last)) {
    Diagnostic& error = diagnostics_->error(DiagnosticKind::MissingValue, last.range, "a body ends with its value, but this line gives none");
    if (const auto* bind = std::get_if<ast::Bind>(&last.kind)) {
      error.help(fmt::format("leave out `{0} =`, or add a line `{0}`", escape_control(bind->name.text)));
    } else {
      error.help("add a line with the value");
    }
    statements.push_back(erroneous_statement({range.file, closing.begin, closing.begin}));
  }
  return {std::move(statements), range};
}

bool TreeBuilder::check_target(const ast::Expr& target) {
  if (std::holds_alternative<ast::Error>(target.kind)) return false;
  const bool is_name = std::holds_alternative<ast::Reference>(target.kind) && !target.parenthesized;
  const auto* index = std::get_if<ast::Index>(&target.kind);
  const bool is_element = index && !target.parenthesized && std::holds_alternative<ast::Reference>(index->base->kind);
  if (is_name || is_element) return true;
  Diagnostic& error = diagnostics_->error(DiagnosticKind::SyntaxError, target.range, "a name or `name[indices]` stands left of `=`");
  if (std::holds_alternative<ast::Member>(target.kind)) error.help("values have no fields to set: bind a name of its own");
  return false;
}

ast::Statement TreeBuilder::binding(ast::ExprPtr target, ast::ExprPtr value, SourceRange range) {
  if (!check_target(*target)) return erroneous_statement(range);
  if (auto* reference = std::get_if<ast::Reference>(&target->kind)) {
    return {ast::Bind{{std::move(reference->name), target->range}, std::move(value)}, range};
  }
  return {ast::Equation{std::move(target), std::move(value)}, range};
}

ast::Statement TreeBuilder::update(ast::ExprPtr target, ast::ExprPtr value, SourceRange range) {
  if (!check_target(*target)) return erroneous_statement(range);
  return {ast::Update{std::move(target), std::move(value)}, range};
}

ast::Statement TreeBuilder::erroneous_statement(SourceRange range) { return {ast::ExpressionStatement{error(range)}, range}; }

ast::Setting TreeBuilder::erroneous_setting(SourceRange range) { return {ast::Assignment{{"", range}, error(range)}, range}; }

void TreeBuilder::append(std::vector<ast::Setting>& settings, ast::Setting setting) {
  const auto* assignment = std::get_if<ast::Assignment>(&setting.kind);
  if (assignment && assignment->name.text.empty()) return;
  settings.push_back(std::move(setting));
}

ast::Check TreeBuilder::erroneous_check(SourceRange range) { return {std::nullopt, error(range), nullptr, range}; }

ast::Name TreeBuilder::named(ast::String string, SourceRange range) { return {std::move(string.value), range}; }

void TreeBuilder::check_touching(SourceRange name, SourceRange bracket) {
  if (name.end >= bracket.begin) return;
  const std::string_view sign = sources_->text(bracket);
  diagnostics_->error(DiagnosticKind::SyntaxError, {bracket.file, name.end, bracket.begin},
                      fmt::format("there is a blank between a name and its `{}`", sign))
      .help(sign == "[" ? "write `name[…]`; or is a comma missing?" : "write `name(…)`; or is a comma or an operator missing?");
}

ast::Parameter TreeBuilder::mistake_colon_for_default(ast::Name name, SourceRange colon, ast::ExprPtr value, SourceRange range) {
  diagnostics_->error(DiagnosticKind::SyntaxError, colon, "a default is given with `=`; after `:` stands a shape in `[ ]`")
      .help(fmt::format("write `{} = {}`", name.text, text(*value)));
  return {std::move(name), std::nullopt, std::move(value), range};
}

ast::Setting TreeBuilder::mistake_colon_for_setting(ast::Name name, SourceRange colon, ast::ExprPtr value, SourceRange range) {
  diagnostics_->error(DiagnosticKind::SyntaxError, colon, "a setting is given with `=`")
      .help(fmt::format("write `{} = {}`", name.text, text(*value)));
  return {ast::Assignment{std::move(name), std::move(value)}, range};
}

ast::Argument TreeBuilder::mistake_equals_for_argument(ast::Name name, SourceRange equals, ast::ExprPtr value) {
  diagnostics_->error(DiagnosticKind::SyntaxError, equals, "a named argument is given with `:`")
      .help(fmt::format("write `{}: {}`", name.text, text(*value)));
  return {std::move(name), std::move(value)};
}

}  // namespace cnnc
