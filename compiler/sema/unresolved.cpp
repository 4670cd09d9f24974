// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Walks each definition twice: first for the names that it binds anywhere, then for those that it mentions.
#include "sema/unresolved.h"

#include <fmt/format.h>

#include <set>

#include "sema/builtins.h"
#include "sema/evaluator.h"

namespace cnnc::sema {
namespace {

class Walk {
 public:
  Walk(const Program& program, Reporter& reporter) : program_(&program), reporter_(&reporter) {}

  void definition(const ast::Definition& definition) {
    for (const bool checking : {false, true}) {
      checking_ = checking;
      refused_ = false;
      for (const ast::Parameter& parameter : definition.parameters) {
        names_.insert(parameter.name.text);
        expression(parameter.default_value.get());
        if (parameter.shape)
          for (const ast::Dimension& dimension : parameter.shape->dimensions) this->dimension(dimension);
      }
      body(definition.body);
    }
  }

 private:
  /// A name in a shape is bound by the input's size.
  void dimension(const ast::Dimension& dimension) {
    if (dimension.name) names_.insert(dimension.name->text);
    if (const auto* name = std::get_if<ast::Reference>(&dimension.value->kind); name && !checking_) names_.insert(name->name);
    expression(dimension.value.get());
  }

  void body(const ast::Body& body) {
    for (const ast::Statement& statement : body.statements) {
      if (const auto* bind = std::get_if<ast::Bind>(&statement.kind)) {
        names_.insert(bind->name.text);
        expression(bind->value.get());
      } else if (const auto* result = std::get_if<ast::Return>(&statement.kind)) {
        for (const ast::Result& part : result->results) expression(part.value.get());
      } else if (const auto* value = std::get_if<ast::ExpressionStatement>(&statement.kind)) {
        expression(value->value.get());
      } else {
        if (checking_ && !refused_) refuse_statement(statement, *reporter_);
        refused_ = true;      // what follows uses names that indices bind
      }
    }
  }

  void expression(const ast::Expr* expr) {
    if (!expr) return;
    if (const auto* name = std::get_if<ast::Reference>(&expr->kind)) {
      mention(name->name, expr->range);
    } else if (const auto* list = std::get_if<ast::List>(&expr->kind)) {
      for (const ast::ExprPtr& item : list->items) expression(item.get());
    } else if (const auto* call = std::get_if<ast::Call>(&expr->kind)) {
      expression(call->callee.get());
      arguments(call->arguments);
    } else if (const auto* index = std::get_if<ast::Index>(&expr->kind)) {
      expression(index->base.get());
    } else if (const auto* member = std::get_if<ast::Member>(&expr->kind)) {
      expression(member->base.get());
    } else if (const auto* unary = std::get_if<ast::Unary>(&expr->kind)) {
      expression(unary->operand.get());
    } else if (const auto* binary = std::get_if<ast::Binary>(&expr->kind)) {
      expression(binary->left.get());
      expression(binary->right.get());
    } else if (const auto* comparison = std::get_if<ast::Comparison>(&expr->kind)) {
      for (const ast::ExprPtr& operand : comparison->operands) expression(operand.get());
    } else if (const auto* choice = std::get_if<ast::If>(&expr->kind)) {
      expression(choice->condition.get());
      if (choice->then_body) body(*choice->then_body);
      if (choice->else_body) body(*choice->else_body);
    } else if (const auto* pipe = std::get_if<ast::Pipe>(&expr->kind)) {
      this->pipe(*pipe);
    }
  }

  void arguments(const std::vector<ast::Argument>& arguments) {
    for (const ast::Argument& argument : arguments) expression(argument.value.get());
  }

  void pipe(const ast::Pipe& pipe) {
    expression(pipe.input.get());
    check_input(pipe);
    for (const ast::Stage& stage : pipe.stages) {
      for (const ast::Loop& loop : stage.repeats) {
        for (const ast::Name& name : loop.names) names_.insert(name.text);
        const auto* comparison = std::get_if<ast::Comparison>(&loop.value->kind);
        const auto* counter = comparison ? std::get_if<ast::Reference>(&comparison->operands[0]->kind) : nullptr;
        if (counter) names_.insert(counter->name);
        expression(loop.value.get());
      }
      mention(stage.callee.text, stage.callee.range);
      arguments(stage.arguments);
    }
  }

  /// `relu -> maxpool(2)`: the line before was meant to flow into it.
  void check_input(const ast::Pipe& pipe) {
    const auto* name = std::get_if<ast::Reference>(&pipe.input->kind);
    if (!checking_ || refused_ || !name || pipe.stages.empty() || names_.count(name->name) || program_->find(name->name)) return;
    const LayerDef *layer = find_layer(name->name), *next = find_layer(pipe.stages[0].callee.text);
    if (!layer || !next || layer->kind != LayerKind::Layer || next->kind != LayerKind::Layer) return;
    reporter_->error(DiagnosticKind::WrongType, pipe.input->range, fmt::format("`{}` is a layer, and no value is piped into it", name->name))
        .help(fmt::format("begin the line with `->` to go on from the one before: `-> {}`", name->name));
  }

  void mention(const std::string& name, SourceRange range) {
    if (!checking_ || refused_ || names_.count(name) || program_->find(name)) return;
    if (reporter_->is_full()) return;     // there are more errors than are shown
    if (find_layer(name) || find_builtin(name) || is_layer_word(name)) return;
    report_unknown_name(name, range, {names_.begin(), names_.end()}, *program_, *reporter_);
  }

  const Program* program_;
  Reporter* reporter_;
  std::set<std::string> names_;
  bool checking_ = false, refused_ = false;
};

}  // namespace

void report_unresolved(const ast::File& file, const Program& program, Reporter& reporter) {
  for (const ast::Item& item : file.items)
    if (const auto* definition = std::get_if<ast::Definition>(&item.kind)) Walk(program, reporter).definition(*definition);
}

}  // namespace cnnc::sema
