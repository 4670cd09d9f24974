// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Expressions and bodies → values. What was reported is poison, and everything computed from it is poison silently.
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "sema/evaluator.h"
#include "support/limits.h"
#include "support/text.h"
#include "syntax/foreign_words.h"

namespace cnnc::sema {
namespace {

/// Bytes of the stack that evaluation may take, half of the usual 8 MB: levels differ in size, and sanitizers enlarge them.
constexpr intptr_t kMaximumStack = intptr_t{4} << 20;

}  // namespace

Evaluator::Evaluator(const Program& program, const SourceManager& sources, Reporter& reporter, ElementType float_type)
    : program_(&program), sources_(&sources), reporter_(&reporter), frame_(&empty_frame_) {
  construction_.float_type = float_type;
  stack_start_ = reinterpret_cast<intptr_t>(__builtin_frame_address(0));
}

bool Evaluator::charge(int64_t steps, SourceRange range) {
  if (stopped_) return false;
  steps_ += steps;
  if (steps_ <= limits::kMaximumEvaluationSteps && construction_.graph.nodes().size() < limits::kMaximumNodes) return true;
  stopped_ = true;
  reporter_->error(DiagnosticKind::LimitExceeded, range,
                   steps_ <= limits::kMaximumEvaluationSteps
                       ? fmt::format("the network has more than {} nodes", limits::kMaximumNodes)
                       : fmt::format("the network takes more than {} steps to build", limits::kMaximumEvaluationSteps))
      .help("look for a `repeat` or a table that is larger than it was meant to be");
  return false;
}

std::string Evaluator::text(SourceRange range) const {
  std::string result;
  bool blank = false;
  for (const char c : sources_->text(range)) {
    const bool is_blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (blank && !is_blank && !result.empty()) result += ' ';
    if (!is_blank) result += c;
    blank = is_blank;
  }
  return abbreviate(result);
}

std::string Evaluator::describe(const Value& value) const {
  const ValueId* tensor = value.as<ValueId>();
  return tensor ? "a tensor of " + shape_text(construction_.graph.type(*tensor).dims) : sema::describe(value);
}

void Evaluator::note_origin(Diagnostic& diagnostic, ValueId value) const {
  diagnostic.note(fmt::format("the shape {} comes from here", shape_text(construction_.graph.type(value).dims)),
                  construction_.origin(value));
}

Value Evaluator::wrong_type(SourceRange range, std::string message) {
  reporter_->error(DiagnosticKind::WrongType, range, std::move(message));
  return {};
}

Value Evaluator::evaluate(const ast::Expr& expr) {
  if (!charge(1, expr.range)) return {};
  const auto used = stack_start_ - reinterpret_cast<intptr_t>(__builtin_frame_address(0));
  if (depth_ >= limits::kMaximumEvaluationDepth || std::abs(used) > kMaximumStack) {
    stopped_ = true;
    reporter_->error(DiagnosticKind::LimitExceeded, expr.range, "expressions are nested too deeply, through all blocks that are being built");
    return {};
  }
  const Restore depth(depth_, depth_ + 1);
  Value value = evaluate_node(expr);
  // Long strings are copied: that is work too.
  if (const Text* string = value.as<Text>()) charge(static_cast<int64_t>(string->text.size()) / 64, expr.range);
  return value;
}

Value Evaluator::evaluate_node(const ast::Expr& expr) {
  if (const auto* number = std::get_if<ast::Number>(&expr.kind)) return {number->value};
  if (const auto* boolean = std::get_if<ast::Boolean>(&expr.kind)) return {boolean->value};
  if (const auto* string = std::get_if<ast::String>(&expr.kind)) return {Text{string->value}};
  if (const auto* name = std::get_if<ast::Reference>(&expr.kind)) return look_up(name->name, expr.range);
  if (const auto* list = std::get_if<ast::List>(&expr.kind)) return evaluate_list(*list, expr);
  if (const auto* call = std::get_if<ast::Call>(&expr.kind)) return evaluate_call(*call, expr);
  if (const auto* index = std::get_if<ast::Index>(&expr.kind)) return evaluate_index(*index, expr);
  if (const auto* member = std::get_if<ast::Member>(&expr.kind)) return evaluate_member(*member, expr);
  if (const auto* choice = std::get_if<ast::If>(&expr.kind)) return evaluate_if(*choice);
  if (const auto* pipe = std::get_if<ast::Pipe>(&expr.kind)) return evaluate_pipe(*pipe);
  if (const auto* relation = std::get_if<ast::Comparison>(&expr.kind)) return comparison(*relation, expr);
  if (const auto* operation = std::get_if<ast::Unary>(&expr.kind)) return unary(operation->op, evaluate(*operation->operand), expr);
  if (const auto* operation = std::get_if<ast::Binary>(&expr.kind)) {
    if (operation->op == ast::BinaryOperator::And || operation->op == ast::BinaryOperator::Or) return evaluate_logic(*operation);
    const Value left = evaluate(*operation->left);
    return binary(operation->op, left, evaluate(*operation->right), expr);
  }
  if (std::holds_alternative<ast::Quantity>(expr.kind))
    return wrong_type(expr.range, fmt::format("`{}` has a unit, and only settings of a `train` block have units", text(expr.range)));
  return {};
}

Value Evaluator::evaluate_list(const ast::List& list, const ast::Expr& expr) {
  std::vector<Value> items;
  for (const ast::ExprPtr& item : list.items) {
    Value value = evaluate(*item);
    if (value.poisoned()) return {};
    items.push_back(std::move(value));
  }
  Value result = make_list(std::move(items));
  if (nesting(result) > limits::kMaximumListDepth || leaf_count(result) > limits::kMaximumTableNumbers) {
    stopped_ = true;
    reporter_->error(DiagnosticKind::LimitExceeded, expr.range,
                     fmt::format("a list has at most {} items and {} levels", limits::kMaximumTableNumbers, limits::kMaximumListDepth));
    return {};
  }
  return result;
}

Value Evaluator::evaluate_index(const ast::Index& index, const ast::Expr& expr) {
  Value value = evaluate(*index.base);
  if (value.poisoned()) return {};
  if (index.outside || value.as<ValueId>()) {
    reporter_->error(DiagnosticKind::NotAvailable, expr.range, "indices of tensors are not available yet")
        .help("`slice(x, begin, end)` takes channels, `split(x, n)` cuts into equal parts");
    return {};
  }
  for (const ast::ExprPtr& part : index.indices) {
    const Value place = evaluate(*part);
    if (place.poisoned()) return {};
    const auto items = as_items(value);
    if (!items) return wrong_type(expr.range, fmt::format("only lists and tables have items, but `{}` is {}", text(index.base->range), describe(value)));
    const double* number = place.as<double>();
    if (!number || *number != std::floor(*number)) {
      reporter_->error(DiagnosticKind::NotWhole, part->range, fmt::format("an index is a whole number, but `{}` is {}", text(part->range),
                                                                         number ? number_text(*number) : describe(place)));
      return {};
    }
    if (!(*number >= 0 && *number < static_cast<double>(items->size()))) {
      reporter_->error(DiagnosticKind::IndexRange, part->range,
                       fmt::format("the index {} is outside of `{}`, which has {}", number_text(*number), text(index.base->range),
                                   count_of(items->size(), "item")))
          .help("indices count from 0");
      return {};
    }
    charge(leaf_count(value), expr.range);
    value = (*items)[static_cast<size_t>(*number)];
  }
  return value;
}

Value Evaluator::evaluate_member(const ast::Member& member, const ast::Expr& expr) {
  if (const auto* base = std::get_if<ast::Reference>(&member.base->kind); base && !frame_->find(base->name)) {
    if (const auto foreign = foreign_member(base->name, member.name.text)) {
      reporter_->error(DiagnosticKind::UnknownName, expr.range, fmt::format("there is no `{}`", text(expr.range))).help(foreign->help);
      return {};
    }
  }
  const Value value = evaluate(*member.base);
  if (value.poisoned()) return {};
  if (const LabelColumn* label = value.as<LabelColumn>(); label && label->name.empty()) return {LabelColumn{member.name.text}};
  const Record* record = value.record();
  if (!record) return wrong_type(expr.range, fmt::format("only records have results by name, but `{}` is {}", text(member.base->range), describe(value)));
  std::vector<std::string> names;
  for (const auto& [name, field] : record->fields) {
    if (name == member.name.text) return field;
    names.push_back(name);
  }
  Diagnostic& error = reporter_->error(DiagnosticKind::UnknownName, member.name.range,
                                       fmt::format("`{}` has no result `{}`", text(member.base->range), member.name.text));
  if (reporter_->is_full()) return {};
  if (const auto near = nearest(member.name.text, names)) error.help(fmt::format("did you mean `{}`?", *near));
  else error.note(fmt::format("it is {}", describe(value)));
  return {};
}

std::optional<bool> Evaluator::condition(const ast::Expr& expr, std::string_view what) {
  const Value value = evaluate(expr);
  if (value.poisoned()) return std::nullopt;
  if (const bool* truth = value.as<bool>()) return *truth;
  Diagnostic& error = reporter_->error(DiagnosticKind::WrongType, expr.range,
                                       fmt::format("{} needs true or false, but `{}` is {}", what, text(expr.range), describe(value)));
  if (value.as<ValueId>()) error.help("what depends on pixels is known only when the program runs: compute with the comparison's 1 and 0");
  return std::nullopt;
}

Value Evaluator::evaluate_logic(const ast::Binary& logic) {
  const bool is_and = logic.op == ast::BinaryOperator::And;
  const auto left = condition(*logic.left, is_and ? "`and`" : "`or`");
  if (!left) return {};
  if (*left != is_and) return {*left};
  const auto right = condition(*logic.right, is_and ? "`and`" : "`or`");
  return right ? Value{*right} : Value{};
}

Value Evaluator::evaluate_if(const ast::If& choice) {
  const auto truth = condition(*choice.condition, "`if`");
  if (!truth || !choice.then_body || !choice.else_body) return {};
  frame_->levels.emplace_back();
  Value value = evaluate_body(*truth ? *choice.then_body : *choice.else_body);
  frame_->levels.pop_back();
  return value;
}

bool refuse_statement(const ast::Statement& statement, Reporter& reporter) {
  std::string_view what;
  if (std::holds_alternative<ast::Equation>(statement.kind)) what = "index equations are";
  else if (const auto* weight = std::get_if<ast::WeightDeclaration>(&statement.kind)) what = weight->is_state ? "`state` is" : "`weight` is";
  else if (std::holds_alternative<ast::Update>(statement.kind)) what = "`update` is";
  else return false;
  reporter.error(DiagnosticKind::NotAvailable, statement.range, fmt::format("{} not available yet", what))
      .help("a `layer` may compute with whole values: `layer swish(x) { x * sigmoid(x) }`");
  return true;
}

Value Evaluator::evaluate_in_scope(const std::string& part, const ast::Expr& expr) {
  const Restore scope(scope_, &scope_->child(part));
  return evaluate(expr);
}

Value Evaluator::evaluate_return(const ast::Return& result, SourceRange range) {
  std::vector<std::pair<std::string, Value>> fields;
  for (const ast::Result& part : result.results) {
    for (const auto& [name, value] : fields)
      if (name == part.name.text)
        reporter_->error(DiagnosticKind::NameClash, part.name.range, fmt::format("there are two results called `{}`", name));
    fields.emplace_back(part.name.text, evaluate_in_scope(part.name.text, *part.value));
  }
  Value record = make_record(std::move(fields));
  if (nesting(record) <= limits::kMaximumListDepth) return record;
  stopped_ = true;
  reporter_->error(DiagnosticKind::LimitExceeded, range, fmt::format("records are nested more than {} levels deep", limits::kMaximumListDepth));
  return {};
}

Value Evaluator::evaluate_body(const ast::Body& body) {
  Value last;
  bool refused = false;
  for (const ast::Statement& statement : body.statements) {
    if (stopped_) return {};
    last = {};
    // Once an equation was refused, what follows uses its names: one message is enough.
    if (refused || refuse_statement(statement, *reporter_)) {
      refused = true;
    } else if (const auto* bind = std::get_if<ast::Bind>(&statement.kind)) {
      frame_->set(bind->name.text, evaluate_in_scope(bind->name.text, *bind->value));
    } else if (const auto* result = std::get_if<ast::Return>(&statement.kind)) {
      last = evaluate_return(*result, statement.range);
    } else if (const auto* expression = std::get_if<ast::ExpressionStatement>(&statement.kind)) {
      last = evaluate(*expression->value);
    }
  }
  return refused ? Value{} : last;
}

}  // namespace cnnc::sema
