// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Values of settings → text. Names of settings' own (`sgd`, `cosine`, `bias`) stay as they are; constants of the file and
// arithmetic are computed.
#include <fmt/format.h>

#include "sema/recipe.h"
#include "support/text.h"
#include "syntax/printer.h"
#include "syntax/spelling.h"

namespace cnnc::sema {
namespace {

std::optional<std::string> value_text(const Value& value) {
  if (const double* number = value.as<double>()) return number_text(*number);
  if (const bool* truth = value.as<bool>()) return *truth ? "true" : "false";
  if (const Text* text = value.as<Text>()) return spell_string(text->text);
  if (const Word* word = value.as<Word>()) return word->text;
  const auto items = as_items(value);
  if (!items) return std::nullopt;
  std::string result;
  for (const Value& item : *items) {
    const auto part = value_text(item);
    if (!part) return std::nullopt;
    result += (result.empty() ? "" : ", ") + *part;
  }
  return "[" + result + "]";
}

std::optional<std::string> computed(const ast::Expr& expr, Evaluator& evaluator) {
  const Value value = evaluator.evaluate_apart(expr, Frame{}, "settings");
  if (value.poisoned()) return std::nullopt;
  if (auto text = value_text(value)) return text;
  evaluator.reporter().error(DiagnosticKind::BadSetting, expr.range,
                             fmt::format("a setting is a number, a text or a name, but `{}` is {}", evaluator.text(expr.range), evaluator.describe(value)));
  return std::nullopt;
}

std::optional<std::string> call_text(const std::string& name, const std::vector<ast::Argument>& arguments, Evaluator& evaluator) {
  std::string result;
  for (const ast::Argument& argument : arguments) {
    const auto part = setting_text(*argument.value, evaluator);
    if (!part) return std::nullopt;
    result += (result.empty() ? "" : ", ") + (argument.name ? argument.name->text + ": " : std::string()) + *part;
  }
  return name + "(" + result + ")";
}

}  // namespace

std::optional<std::string> setting_text(const ast::Expr& expr, Evaluator& evaluator) {
  if (std::holds_alternative<ast::Error>(expr.kind)) return std::nullopt;
  if (std::holds_alternative<ast::Quantity>(expr.kind)) return format_expression(expr);
  if (const auto* name = std::get_if<ast::Reference>(&expr.kind)) {
    const Symbol* symbol = evaluator.program().find(name->name);
    return symbol && symbol->constant ? computed(expr, evaluator) : name->name;
  }
  if (const auto* list = std::get_if<ast::List>(&expr.kind)) {
    std::string result;
    for (const ast::ExprPtr& item : list->items) {
      const auto part = setting_text(*item, evaluator);
      if (!part) return std::nullopt;
      result += (result.empty() ? "" : ", ") + *part;
    }
    return "[" + result + "]";
  }
  if (const auto* call = std::get_if<ast::Call>(&expr.kind)) {
    const auto* callee = std::get_if<ast::Reference>(&call->callee->kind);
    const LayerDef* layer = callee ? find_layer(callee->name) : nullptr;
    if (callee && !(layer && layer->kind == LayerKind::Function)) return call_text(callee->name, call->arguments, evaluator);
  }
  if (const auto* pipe = std::get_if<ast::Pipe>(&expr.kind)) {
    auto result = setting_text(*pipe->input, evaluator);
    for (const ast::Stage& stage : pipe->stages) {
      const auto part = stage.has_arguments ? call_text(stage.callee.text, stage.arguments, evaluator) : std::optional(stage.callee.text);
      if (!result || !part) return std::nullopt;
      *result += " -> " + *part;
    }
    return result;
  }
  return computed(expr, evaluator);
}

}  // namespace cnnc::sema
