// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Expressions of the AST. Each node knows its depth; a tree that would be deeper than limits::kMaximumNesting becomes an
// Error, so that every later recursion over the tree, its destructor included, is bounded.
#include <fmt/format.h>

#include <algorithm>

#include "support/limits.h"
#include "support/text.h"
#include "syntax/foreign_words.h"
#include "syntax/tree_builder.h"

namespace cnnc {
namespace {

int depth_of(const ast::ExprPtr& expression) { return expression ? expression->depth : 0; }

int depth_of(const std::vector<ast::ExprPtr>& expressions) {
  int depth = 0;
  for (const ast::ExprPtr& e : expressions) depth = std::max(depth, depth_of(e));
  return depth;
}

int depth_of(const std::vector<ast::Argument>& arguments) {
  int depth = 0;
  for (const ast::Argument& a : arguments) depth = std::max(depth, depth_of(a.value));
  return depth;
}

/// A value that is written down, not one with a name.
bool is_bare_literal(const ast::Expr& e) {
  return !e.parenthesized && (std::holds_alternative<ast::List>(e.kind) || std::holds_alternative<ast::Number>(e.kind) ||
                              std::holds_alternative<ast::Quantity>(e.kind) || std::holds_alternative<ast::String>(e.kind) ||
                              std::holds_alternative<ast::Boolean>(e.kind));
}

struct StatementDepth {
  int operator()(const ast::Bind& s) const { return depth_of(s.value); }
  int operator()(const ast::Equation& s) const { return std::max(depth_of(s.target), depth_of(s.value)); }
  int operator()(const ast::WeightDeclaration& s) const {
    int depth = depth_of(s.initial);
    for (const ast::Dimension& d : s.shape.dimensions) depth = std::max(depth, depth_of(d.value));
    return depth;
  }
  int operator()(const ast::Update& s) const { return std::max(depth_of(s.target), depth_of(s.value)); }
  int operator()(const ast::Return& s) const {
    int depth = 0;
    for (const ast::Result& r : s.results) depth = std::max(depth, depth_of(r.value));
    return depth;
  }
  int operator()(const ast::ExpressionStatement& s) const { return depth_of(s.value); }
};

int depth_of(const ast::Body& body) {
  int depth = 0;
  for (const ast::Statement& s : body.statements) depth = std::max(depth, std::visit(StatementDepth{}, s.kind));
  return depth;
}

int depth_of(const ast::Stage& stage) {
  int depth = depth_of(stage.arguments);
  for (const ast::Loop& loop : stage.repeats) depth = std::max(depth, depth_of(loop.value));
  return depth;
}

}  // namespace

ast::ExprPtr TreeBuilder::make(ast::Expr::Kind kind, SourceRange range, int children_depth) {
  auto result = std::make_unique<ast::Expr>();
  result->range = range;
  if (children_depth >= limits::kMaximumNesting) {
    if (!depth_reported_) {
      diagnostics_->error(DiagnosticKind::LimitExceeded, {range.file, range.begin, range.begin},
                          fmt::format("an expression is nested at most {} deep", limits::kMaximumNesting))
          .help("give the inner parts names, or move them into blocks");
    }
    depth_reported_ = true;
    result->kind = ast::Error{};
    return result;
  }
  result->kind = std::move(kind);
  result->depth = children_depth + 1;
  return result;
}

std::string TreeBuilder::text(const ast::Expr& expression) const { return abbreviate(sources_->text(expression.range), 40); }

ast::ExprPtr TreeBuilder::reference(ast::Name name) {
  if (const std::optional<ForeignWord> foreign = foreign_value(name.text)) {
    diagnostics_->error(DiagnosticKind::SyntaxError, name.range, fmt::format("there is no `{}`", name.text)).help(foreign->help);
    return error(name.range);
  }
  return leaf(ast::Reference{std::move(name.text)}, name.range);
}

ast::ExprPtr TreeBuilder::parenthesized(ast::ExprPtr inner, SourceRange range) {
  inner->parenthesized = true;
  inner->range = range;
  return inner;
}

ast::ExprPtr TreeBuilder::list(std::vector<ast::ExprPtr> items, SourceRange range) {
  const int depth = depth_of(items);
  return make(ast::List{std::move(items)}, range, depth);
}

ast::ExprPtr TreeBuilder::call(ast::ExprPtr callee, SourceRange callee_range, std::vector<ast::Argument> arguments, SourceRange bracket,
                               SourceRange range) {
  if (std::holds_alternative<ast::Error>(callee->kind)) return error(range);
  if (const auto* member = std::get_if<ast::Member>(&callee->kind)) {
    const std::string name = member->name.text;
    diagnostics_->error(DiagnosticKind::SyntaxError, callee_range, "values have no methods")
        .help(fmt::format("write `{0}({1}, …)` or `{1} -> {0}(…)`", name, text(*member->base)));
    return error(range);
  }
  const bool callable = std::holds_alternative<ast::Reference>(callee->kind) || std::holds_alternative<ast::Index>(callee->kind);
  if (!callable || callee->parenthesized) {
    diagnostics_->error(DiagnosticKind::SyntaxError, callee_range, "only a layer, a block, a network or a function can be called, by its name")
        .help("is a comma or an operator missing before the bracket?", bracket);
    return error(range);
  }
  check_touching(callee_range, bracket);
  const int depth = std::max(depth_of(callee), depth_of(arguments));
  return make(ast::Call{std::move(callee), std::move(arguments)}, range, depth);
}

ast::ExprPtr TreeBuilder::index(ast::ExprPtr base, SourceRange base_range, ast::Index index, SourceRange bracket, SourceRange range) {
  if (std::holds_alternative<ast::Error>(base->kind)) return error(range);
  if (is_bare_literal(*base)) {
    diagnostics_->error(DiagnosticKind::SyntaxError, bracket, "only a value with a name can be indexed").help("is a comma missing before the bracket?");
    return error(range);
  }
  check_touching(base_range, bracket);
  const int depth = std::max({depth_of(base), depth_of(index.indices), depth_of(index.outside)});
  index.base = std::move(base);
  return make(std::move(index), range, depth);
}

ast::ExprPtr TreeBuilder::member(ast::ExprPtr base, ast::Name name, SourceRange range) {
  if (const auto* module = std::get_if<ast::Reference>(&base->kind)) {
    if (const std::optional<ForeignWord> foreign = foreign_member(module->name, name.text)) {
      diagnostics_->error(DiagnosticKind::SyntaxError, range, fmt::format("there is no `{}.{}`", module->name, name.text)).help(foreign->help);
      return error(range);
    }
  }
  if (std::holds_alternative<ast::Error>(base->kind)) return error(range);
  // `1 .x` would have the canonical form `1.x`, which is no number.
  if (is_bare_literal(*base)) {
    diagnostics_->error(DiagnosticKind::SyntaxError, range, "only a value with a name has results by name").help("is an operator missing?");
    return error(range);
  }
  const int depth = depth_of(base);
  return make(ast::Member{std::move(base), std::move(name)}, range, depth);
}

ast::ExprPtr TreeBuilder::unary(ast::UnaryOperator op, ast::ExprPtr operand, SourceRange range) {
  const int depth = depth_of(operand);
  return make(ast::Unary{op, std::move(operand)}, range, depth);
}

ast::ExprPtr TreeBuilder::binary(ast::BinaryOperator op, ast::ExprPtr left, ast::ExprPtr right, SourceRange range) {
  const int depth = std::max(depth_of(left), depth_of(right));
  return make(ast::Binary{op, std::move(left), std::move(right)}, range, depth);
}

void TreeBuilder::compare(ast::Comparison& comparison, ast::ExprPtr first) { comparison.operands.push_back(std::move(first)); }

void TreeBuilder::compare(ast::Comparison& comparison, ast::Relation relation, ast::ExprPtr next) {
  comparison.relations.push_back(relation);
  comparison.operands.push_back(std::move(next));
}

ast::ExprPtr TreeBuilder::comparison(ast::Comparison comparison, SourceRange range) {
  const int depth = depth_of(comparison.operands);
  return make(std::move(comparison), range, depth);
}

ast::ExprPtr TreeBuilder::make_conditional(ast::If conditional, SourceRange range, int children_depth) {
  return make(std::move(conditional), range, children_depth);
}

ast::ExprPtr TreeBuilder::conditional(ast::ExprPtr condition, ast::Body then_body, ast::Body else_body, SourceRange range) {
  const int depth = std::max({depth_of(condition), depth_of(then_body), depth_of(else_body)});
  ast::If result{std::move(condition), std::make_unique<ast::Body>(std::move(then_body)), std::make_unique<ast::Body>(std::move(else_body)), false};
  return make_conditional(std::move(result), range, depth);
}

ast::ExprPtr TreeBuilder::conditional(ast::ExprPtr condition, ast::Body then_body, ast::ExprPtr else_if, SourceRange range) {
  const int depth = std::max({depth_of(condition), depth_of(then_body), depth_of(else_if)});
  const SourceRange else_range = else_if->range;
  auto else_body = std::make_unique<ast::Body>();
  else_body->range = else_range;
  else_body->statements.push_back({ast::ExpressionStatement{std::move(else_if)}, else_range});
  ast::If result{std::move(condition), std::make_unique<ast::Body>(std::move(then_body)), std::move(else_body), true};
  return make_conditional(std::move(result), range, depth);
}

ast::Stage TreeBuilder::stage(ast::Name callee, bool has_arguments, std::vector<ast::Argument> arguments, SourceRange range) {
  ast::Stage result;
  result.callee = std::move(callee);
  result.has_arguments = has_arguments;
  result.arguments = std::move(arguments);
  result.range = range;
  return result;
}

ast::ExprPtr TreeBuilder::pipe(ast::ExprPtr input, ast::Stage stage, SourceRange stage_range) {
  const SourceRange range = cover(input->range, stage_range);
  const int stage_depth = depth_of(stage);
  if (std::holds_alternative<ast::Error>(input->kind)) return error(range);
  // `(a -> f) -> g` is the same list of stages as `a -> f -> g`.
  if (auto* pipe = std::get_if<ast::Pipe>(&input->kind); pipe && stage_depth < limits::kMaximumNesting) {
    pipe->stages.push_back(std::move(stage));
    input->range = range;
    input->parenthesized = false;
    input->depth = std::max(input->depth, stage_depth + 1);
    return input;
  }
  const int depth = std::max(depth_of(input), stage_depth);
  ast::Pipe pipe;
  pipe.input = std::move(input);
  pipe.stages.push_back(std::move(stage));
  return make(std::move(pipe), range, depth);
}

}  // namespace cnnc
