// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Uses: `f(a, b: c)`, `x -> f(a)`, `repeat`, `share`. What is called may be a layer, a block, a network or a function.
#include <fmt/format.h>

#include <cmath>

#include "sema/builtins.h"
#include "sema/evaluator.h"
#include "support/limits.h"

namespace cnnc::sema {
namespace {

/// `repeat(n)` and `repeat(i < n)`.
struct Count {
  const ast::Reference* index = nullptr;
  const ast::Expr* limit = nullptr;
};

Count counts(const ast::Loop& loop) {
  const auto* comparison = std::get_if<ast::Comparison>(&loop.value->kind);
  if (!loop.names.empty() || !comparison || comparison->relations.size() != 1 || comparison->relations[0] != ast::Relation::Less)
    return {nullptr, loop.value.get()};
  const auto* index = std::get_if<ast::Reference>(&comparison->operands[0]->kind);
  return index ? Count{index, comparison->operands[1].get()} : Count{nullptr, loop.value.get()};
}

}  // namespace

std::vector<EvaluatedArgument> Evaluator::evaluate_arguments(const std::vector<ast::Argument>& arguments) {
  std::vector<EvaluatedArgument> result;
  for (const ast::Argument& argument : arguments)
    result.push_back({argument.name, argument.value ? evaluate(*argument.value) : Value{}, argument.value ? argument.value->range : SourceRange{}});
  return result;
}

Value Evaluator::evaluate_call(const ast::Call& call, const ast::Expr& expr) {
  const auto* name = std::get_if<ast::Reference>(&call.callee->kind);
  if (!name) {
    if (std::holds_alternative<ast::Index>(call.callee->kind)) {
      reporter_->error(DiagnosticKind::NotAvailable, expr.range, "reductions over indices are not available yet");
      return {};
    }
    const Value callee = evaluate(*call.callee);
    if (callee.poisoned()) return {};
    const Callable* callable = callee.as<Callable>();
    if (!callable) return wrong_type(call.callee->range, fmt::format("`{}` is {}, which cannot be called", text(call.callee->range), describe(callee)));
    return this->call(*callable, {expr.range, {}, evaluate_arguments(call.arguments), false});
  }
  return call_named(name->name, call.callee->range, {expr.range, {}, evaluate_arguments(call.arguments), false});
}

std::optional<Value> Evaluator::initialiser_call(const std::string& name, const Call& call) {
  if (!is_initialiser(name) || frame_->find(name) || program_->find(name)) return std::nullopt;
  std::vector<double> values;
  for (const EvaluatedArgument& argument : call.arguments) {
    if (argument.value.poisoned()) return Value{};
    const double* number = argument.value.as<double>();
    if (!number || argument.name) return std::nullopt;
    values.push_back(*number);
  }
  const bool is_table = (name == "zeros" || name == "ones") && !values.empty();
  if (is_table) return std::nullopt;
  if (const auto initialiser = make_initialiser(name, values)) return Value{*initialiser};
  reporter_->error(DiagnosticKind::LayerArgument, call.range, fmt::format("`{}` does not take {} values", name, values.size()))
      .help("write `constant(0.5)`, `normal(mean, deviation)`, `uniform(low, high)`, `he_normal`, …");
  return Value{};
}

Value Evaluator::call_named(const std::string& name, SourceRange name_range, Call call) {
  if (auto initialiser = initialiser_call(name, call)) return *initialiser;
  const Value callee = look_up(name, name_range);
  if (callee.poisoned()) return {};
  if (const Callable* callable = callee.as<Callable>()) return this->call(*callable, std::move(call));
  return wrong_type(name_range, fmt::format("`{}` is {}, which cannot be used as a layer", name, describe(callee)));
}

Value Evaluator::call(const Callable& callable, Call call) {
  if (stopped_) return {};
  if (callable.layer) return call_layer(*callable.layer, call);
  if (callable.definition) {
    if (callable.definition->kind == ast::DefinitionKind::Network) return call_network(*callable.definition, call);
    return call_definition(*callable.definition, call);
  }
  const Builtin& builtin = *callable.builtin;
  for (const EvaluatedArgument& argument : call.arguments) {
    if (!argument.name) continue;
    reporter_->error(DiagnosticKind::UnknownArgument, argument.name->range, fmt::format("`{}` has no argument `{}`", builtin.name, argument.name->text))
        .help(fmt::format("it is used as `{}`", builtin.usage));
    return {};
  }
  if (call.arguments.size() == builtin.arguments) return builtin.evaluate(*this, call);
  reporter_->error(call.arguments.size() < builtin.arguments ? DiagnosticKind::MissingArgument : DiagnosticKind::TooManyArguments, call.range,
                   fmt::format("`{}` takes one argument, not {}", builtin.name, call.arguments.size()))
      .help(fmt::format("it is used as `{}`", builtin.usage));
  return {};
}

// ---- pipes

Value Evaluator::evaluate_pipe(const ast::Pipe& pipe) {
  Value value = evaluate(*pipe.input);
  for (const ast::Stage& stage : pipe.stages) {
    if (stopped_) return {};
    value = run_stage(stage, 0, std::move(value));
  }
  return value;
}

Value Evaluator::call_stage(const ast::Stage& stage, Value input) {
  Call call{stage.range, stage.share, {}, true};
  call.arguments.push_back({std::nullopt, std::move(input), stage.range});
  for (EvaluatedArgument& argument : evaluate_arguments(stage.arguments)) call.arguments.push_back(std::move(argument));
  return call_named(stage.callee.text, stage.callee.range, std::move(call));
}

Value Evaluator::run_stage(const ast::Stage& stage, size_t loop, Value input) {
  if (loop == stage.repeats.size()) return call_stage(stage, std::move(input));
  const ast::Loop& repeat = stage.repeats[loop];
  const Count counted = counts(repeat);
  const Value value = evaluate(*counted.limit);
  if (value.poisoned()) return {};
  if (const double* count = value.as<double>()) {
    if (repeat.names.empty()) return run_count(stage, loop, std::move(input), *count);
    return wrong_type(repeat.value->range, fmt::format("`repeat` with names and `in` needs a table, but `{}` is a number", text(repeat.value->range)));
  }
  const auto rows = as_items(value);
  if (rows && !repeat.names.empty()) return run_rows(stage, loop, std::move(input), *rows);
  return wrong_type(repeat.value->range, fmt::format("`repeat` needs a number{}, but `{}` is {}", repeat.names.empty() ? "" : " or a table",
                                                     text(repeat.value->range), describe(value)));
}

Value Evaluator::run_count(const ast::Stage& stage, size_t loop, Value input, double count) {
  const ast::Loop& repeat = stage.repeats[loop];
  const Count counted = counts(repeat);
  if (count != std::floor(count) || count < 0) {
    reporter_->error(DiagnosticKind::NotWhole, repeat.value->range,
                     fmt::format("`repeat` needs a whole number that is not negative, but `{}` is {}", text(repeat.value->range), number_text(count)));
    return {};
  }
  if (count > static_cast<double>(limits::kMaximumRepetitions)) {
    reporter_->error(DiagnosticKind::LimitExceeded, repeat.value->range,
                     fmt::format("`repeat` does at most {} rounds, but this asks for {}", limits::kMaximumRepetitions, number_text(count)));
    return {};
  }
  for (int64_t i = 0; i < static_cast<int64_t>(count); ++i) {
    if (!charge(1, repeat.range)) return {};
    frame_->levels.emplace_back();
    if (counted.index) frame_->set(counted.index->name, {static_cast<double>(i)});
    input = run_stage(stage, loop + 1, std::move(input));
    frame_->levels.pop_back();
    if (input.poisoned()) return {};
  }
  return input;
}

Value Evaluator::run_rows(const ast::Stage& stage, size_t loop, Value input, const std::vector<Value>& rows) {
  const ast::Loop& repeat = stage.repeats[loop];
  for (const Value& row : rows) {
    if (!charge(1, repeat.range)) return {};
    std::vector<Value> cells{row};
    if (repeat.names.size() > 1) {
      auto items = as_items(row);
      if (!items || items->size() != repeat.names.size()) {
        reporter_->error(DiagnosticKind::WrongType, repeat.range,
                         fmt::format("`repeat` gives {} names to each row of `{}`, but a row is {}", repeat.names.size(),
                                     text(repeat.value->range), describe(row)));
        return {};
      }
      cells = std::move(*items);
    }
    frame_->levels.emplace_back();
    for (size_t i = 0; i < cells.size(); ++i) frame_->set(repeat.names[i].text, cells[i]);
    input = run_stage(stage, loop + 1, std::move(input));
    frame_->levels.pop_back();
    if (input.poisoned()) return {};
  }
  return input;
}

Scope& Evaluator::enter_scope(const std::string& kind, const Callable& callable, const Call& call, bool& reused) {
  reused = reusing_;
  if (!call.share) {
    Scope& scope = scope_->child(scope_->next(kind));
    // Long names of deep scopes are work too.
    charge(static_cast<int64_t>(scope.name().size()) / 16, call.range);
    return scope;
  }
  const auto [entry, is_new] = frame_->shared.emplace(call.share->text, Frame::Shared{});
  Frame::Shared& shared = entry->second;
  if (is_new) {
    shared = {&scope_->child(call.share->text), callable, call.share->range};
    return *shared.scope;
  }
  if (!(shared.callable == callable))
    reporter_->error(DiagnosticKind::ShareMismatch, call.share->range,
                     fmt::format("`share({})` names `{}` here and `{}` before", call.share->text, callable_name(callable), callable_name(shared.callable)))
        .note("the first use is here", shared.range);
  shared.scope->start_over();
  reused = true;
  return *shared.scope;
}

}  // namespace cnnc::sema
