// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Uses of blocks, layers and networks of a file: arguments → parameters, then the body. A block makes weights of its own at
// each use; a network has one set of them, whose names begin with the network's.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sema/evaluator.h"
#include "support/limits.h"
#include "support/text.h"

namespace cnnc::sema {
namespace {

/// Names that a call may give: parameters, and sizes inside of shapes (`size = 224`).
std::vector<std::string> argument_names(const ast::Definition& definition) {
  std::vector<std::string> names;
  for (const ast::Parameter& parameter : definition.parameters) {
    names.push_back(parameter.name.text);
    if (!parameter.shape) continue;
    for (const ast::Dimension& dimension : parameter.shape->dimensions)
      if (dimension.name) names.push_back(dimension.name->text);
  }
  return names;
}

bool needs_argument(const ast::Parameter& parameter) { return !parameter.default_value; }

}  // namespace

bool Evaluator::assign_arguments(const ast::Definition& definition, const Call& call,
                                 std::map<std::string, const EvaluatedArgument*>& given) {
  const std::string& name = definition.name.text;
  const std::vector<std::string> names = argument_names(definition);
  size_t position = 0;
  for (const EvaluatedArgument& argument : call.arguments) {
    if (!argument.name && position >= definition.parameters.size()) {
      reporter_->error(DiagnosticKind::TooManyArguments, argument.range,
                       fmt::format("`{}` takes {}{}, but this is one more", name, count_of(definition.parameters.size(), "value"),
                                   call.piped ? ", the piped one included" : ""))
          .note(fmt::format("`{}` is defined here", name), definition.name.range);
      return false;
    }
    const std::string key = argument.name ? argument.name->text : definition.parameters[position++].name.text;
    if (std::find(names.begin(), names.end(), key) == names.end()) {
      Diagnostic& error = reporter_->error(DiagnosticKind::UnknownArgument, argument.name->range, fmt::format("`{}` has no parameter `{}`", name, key));
      if (const auto near = nearest(key, names)) error.help(fmt::format("did you mean `{}`?", *near));
      error.note(fmt::format("`{}` is defined here", name), definition.name.range);
      return false;
    }
    if (!given.emplace(key, &argument).second) {
      reporter_->error(DiagnosticKind::TooManyArguments, argument.name ? argument.name->range : argument.range,
                       fmt::format("`{}` gets its `{}` twice", name, key));
      return false;
    }
  }
  return true;
}

std::optional<int64_t> Evaluator::extent(const ast::Expr& expr, const Value& value) {
  if (value.poisoned()) return std::nullopt;
  const double* number = value.as<double>();
  if (!number) {
    wrong_type(expr.range, fmt::format("a size is a number, but `{}` is {}", text(expr.range), describe(value)));
    return std::nullopt;
  }
  if (*number != std::floor(*number)) {
    reporter_->error(DiagnosticKind::NotWhole, expr.range, fmt::format("a size is a whole number, but `{}` is {}", text(expr.range), number_text(*number)))
        .help(fmt::format("round it: `floor({0})` or `ceil({0})`", text(expr.range)));
    return std::nullopt;
  }
  if (*number >= 1 && *number < static_cast<double>(limits::kMaximumExtent)) return static_cast<int64_t>(*number);
  reporter_->error(DiagnosticKind::LimitExceeded, expr.range,
                   fmt::format("a size is at least 1 and less than {}, but `{}` is {}", limits::kMaximumExtent, text(expr.range), number_text(*number)));
  return std::nullopt;
}

bool Evaluator::check_dims(const Dims& dims, SourceRange range) {
  if (dims.size() > limits::kMaximumRank) {
    reporter_->error(DiagnosticKind::LimitExceeded, range, fmt::format("a tensor has at most {} dimensions, but this one has {}", limits::kMaximumRank, dims.size()));
    return false;
  }
  double count = 1;
  for (const int64_t size : dims) count *= static_cast<double>(size);
  if (count < static_cast<double>(limits::kMaximumTensorElements)) return true;
  reporter_->error(DiagnosticKind::LimitExceeded, range, fmt::format("a tensor of {} has too many elements: the limit is 2^40", shape_text(dims)));
  return false;
}

bool Evaluator::bind_shape(const ast::Definition& definition, const ast::Parameter& parameter, const EvaluatedArgument& argument,
                           const std::map<std::string, const EvaluatedArgument*>& given, const Call& call) {
  const std::vector<ast::Dimension>& wanted = parameter.shape->dimensions;
  const ValueId tensor = as_tensor(argument.value);
  if (!argument.value.poisoned() && !tensor.valid()) {
    wrong_type(argument.range, fmt::format("`{}` takes a tensor as `{}`, but this is {}", definition.name.text, parameter.name.text, describe(argument.value)));
    return false;
  }
  std::optional<Dims> actual;
  if (tensor.valid()) actual = construction_.graph.type(tensor).dims;
  bool fits = !actual || actual->size() == wanted.size();
  for (size_t i = 0; i < wanted.size(); ++i) {
    const Value size = actual && fits ? Value{static_cast<double>((*actual)[i])} : Value{};
    const auto* name = std::get_if<ast::Reference>(&wanted[i].value->kind);
    const bool binds = name && !wanted[i].name && !frame_->find(name->name) && !program_->find(name->name);
    if (binds && definition.kind != ast::DefinitionKind::Network) {
      frame_->set(name->name, size);
      continue;
    }
    Value value;
    if (wanted[i].name) {
      const auto entry = given.find(wanted[i].name->text);
      value = entry != given.end() ? entry->second->value : evaluate(*wanted[i].value);
      frame_->set(wanted[i].name->text, value);
    } else {
      value = evaluate(*wanted[i].value);
    }
    const double *expected = value.as<double>(), *found = size.as<double>();
    if (expected && found && *expected != *found) fits = false;
  }
  if (fits || !actual) return true;
  Diagnostic& error = reporter_->error(DiagnosticKind::ShapeMismatch, call.range,
                                       fmt::format("`{}` takes `{}: {}`, but gets {}", definition.name.text, parameter.name.text,
                                                   text(parameter.shape->range), shape_text(*actual)));
  note_origin(error, tensor);
  error.note("what it takes is written here", parameter.range);
  return false;
}

std::optional<Frame> Evaluator::bind_parameters(const ast::Definition& definition, const Call& call) {
  std::map<std::string, const EvaluatedArgument*> given;
  if (!assign_arguments(definition, call, given)) return std::nullopt;
  Frame frame;
  const Restore names(frame_, &frame);
  for (const ast::Parameter& parameter : definition.parameters) {
    const auto entry = given.find(parameter.name.text);
    if (entry == given.end() && needs_argument(parameter)) {
      Diagnostic& error = reporter_->error(DiagnosticKind::MissingArgument, call.range,
                                           fmt::format("`{}` needs its `{}`", text(call.range), parameter.name.text));
      if (&parameter == &definition.parameters.front()) error.help(fmt::format("pipe a value into it: `x -> {}`", text(call.range)));
      error.note(fmt::format("`{}` is defined here", definition.name.text), definition.name.range);
      return std::nullopt;
    }
    Value value = entry != given.end() ? entry->second->value : evaluate(*parameter.default_value);
    if (parameter.shape && !bind_shape(definition, parameter, *entry->second, given, call)) return std::nullopt;
    frame.set(parameter.name.text, std::move(value));
  }
  return frame;
}

Value Evaluator::build_body(const ast::Definition& definition, Frame frame, Scope& scope) {
  if (reporter_->uses().size() >= limits::kMaximumUses) {
    stopped_ = true;
    reporter_->error(DiagnosticKind::LimitExceeded, definition.name.range,
                     fmt::format("blocks use each other more than {} levels deep, the last one is `{}`", limits::kMaximumUses, definition.name.text))
        .help("a block that uses itself needs an `if` that ends it");
    return {};
  }
  const Restore names(frame_, &frame);
  const Restore weights(scope_, &scope);
  return evaluate_body(definition.body);
}

Value Evaluator::call_definition(const ast::Definition& definition, const Call& call) {
  bool reused = false;
  Scope& scope = enter_scope(definition.name.text, Callable{.definition = &definition}, call, reused);
  reporter_->enter({text(call.range), call.range});
  const Restore reuse(reusing_, bool{reused});
  const bool is_outer_layer = definition.kind == ast::DefinitionKind::Layer && outer_layer_.empty();
  const Restore layer(outer_layer_, is_outer_layer ? scope.name() : outer_layer_);
  Value result;
  if (auto frame = bind_parameters(definition, call)) result = build_body(definition, std::move(*frame), scope);
  reporter_->leave();
  return result;
}

Value Evaluator::call_network(const ast::Definition& network, const Call& call) {
  NetworkUse& use = networks_[&network];
  const std::string& name = network.name.text;
  if (use.building) {
    reporter_->error(DiagnosticKind::NetworkMismatch, call.range, fmt::format("the network `{}` is a part of itself", name))
        .help("a network has one set of weights; what uses itself is a `block`");
    return {};
  }
  if (call.share) {
    reporter_->error(DiagnosticKind::ShareMismatch, call.share->range, fmt::format("`{}` is a network: its weights are the same wherever it is used", name))
        .help("leave `share` out");
    return {};
  }
  reporter_->enter({text(call.range), call.range});
  auto frame = bind_parameters(network, call);
  Value result;
  if (frame) {
    std::vector<std::pair<std::string, Value>> hyperparameters;
    for (const auto& [key, value] : frame->levels[0])
      if (!value.as<ValueId>()) hyperparameters.emplace_back(key, value);
    const bool is_first = !use.range.valid();
    bool differs = false;
    if (is_first) {
      use = {hyperparameters, call.range, false};
    } else {
      for (size_t i = 0; i < hyperparameters.size() && i < use.hyperparameters.size(); ++i)
        if (!same_value(hyperparameters[i].second, use.hyperparameters[i].second)) {
          differs = true;
          reporter_->error(DiagnosticKind::NetworkMismatch, call.range,
                           fmt::format("the network `{}` is used with two values of `{}`", name, hyperparameters[i].first))
              .note("the other use is here", use.range)
              .help("a network has one set of weights; for two kinds of it write a `block`");
        }
    }
    Scope& scope = root_.child(name);
    scope.start_over();
    use.building = true;
    const Restore reuse(reusing_, !is_first);
    if (!differs) result = build_body(network, std::move(*frame), scope);
    networks_[&network].building = false;
  }
  reporter_->leave();
  return result;
}

// ---- the network that is built

std::optional<Dims> Evaluator::input_dims(const ast::Parameter& parameter, const std::map<std::string, EvaluatedArgument>& overrides) {
  Dims dims;
  bool ok = true;
  for (const ast::Dimension& dimension : parameter.shape->dimensions) {
    const auto given = dimension.name ? overrides.find(dimension.name->text) : overrides.end();
    const Value value = given != overrides.end() ? given->second.value : evaluate(*dimension.value);
    if (dimension.name) frame_->set(dimension.name->text, value);
    const auto size = extent(*dimension.value, value);
    if (size) dims.push_back(*size);
    ok = ok && size;
  }
  if (!ok || !check_dims(dims, parameter.shape->range)) return std::nullopt;
  return dims;
}

Value Evaluator::build_network(const ast::Definition& network, const std::map<std::string, EvaluatedArgument>& overrides) {
  Frame frame;
  {
    const Restore names(frame_, &frame);
    for (const ast::Parameter& parameter : network.parameters) {
      Value value;
      if (parameter.shape) {
        if (const auto dims = input_dims(parameter, overrides)) {
          const ValueId input = construction_.add_argument({construction_.float_type, true, *dims}, parameter.shape->range);
          construction_.inputs.push_back({parameter.name.text, Role::Input, input});
          value = {input};
        }
      } else if (const auto given = overrides.find(parameter.name.text); given != overrides.end()) {
        value = given->second.value;
      } else if (parameter.default_value) {
        value = evaluate(*parameter.default_value);
      } else {
        reporter_->error(DiagnosticKind::MissingArgument, parameter.range,
                         fmt::format("`{}` of the network `{}` has neither a shape nor a value", parameter.name.text, network.name.text))
            .help(fmt::format("an input needs a shape, `{0}: [1, 28, 28]`; a number needs a default, `{0} = 10`", parameter.name.text));
      }
      frame.set(parameter.name.text, std::move(value));
    }
  }
  networks_[&network].building = true;
  return build_body(network, std::move(frame), root_);
}

Value Evaluator::evaluate_apart(const ast::Expr& expr, Frame frame, const std::string& scope) {
  const Restore names(frame_, &frame);
  const Restore weights(scope_, &root_.child(scope));
  return evaluate(expr);
}

}  // namespace cnnc::sema
