// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a name means: a variable of the body, an item of a file, a layer, a function of compile time, or a word of layers;
// the first that has it wins, so that a file may define what a later version brings along.
#include <fmt/format.h>

#include <algorithm>

#include "sema/builtins.h"
#include "sema/evaluator.h"
#include "support/text.h"
#include "syntax/foreign_words.h"

namespace cnnc::sema {
namespace {

constexpr std::string_view kInitialisers[] = {"uniform_fan_in", "he_normal", "he_uniform", "xavier_normal", "xavier_uniform", "normal",
                                              "uniform", "constant", "zeros", "ones", "orthogonal"};

}  // namespace

const Value* Frame::find(std::string_view name) const {
  for (size_t i = levels.size(); i-- > 0;)
    if (const auto found = levels[i].find(name); found != levels[i].end()) return &found->second;
  return nullptr;
}

bool is_initialiser(std::string_view name) {
  return std::find(std::begin(kInitialisers), std::end(kInitialisers), name) != std::end(kInitialisers);
}

std::vector<std::string> all_layer_words() {
  std::vector<std::string> words(std::begin(kInitialisers), std::end(kInitialisers));
  words.insert(words.end(), {"same", "valid"});
  for (const LayerDef& layer : all_layers())
    for (const ArgumentDef& argument : layer.arguments) words.insert(words.end(), argument.words.begin(), argument.words.end());
  return words;
}

bool is_layer_word(std::string_view name) {
  static const std::vector<std::string> words = all_layer_words();
  return std::find(words.begin(), words.end(), name) != words.end();
}

std::optional<Initialiser> make_initialiser(std::string_view name, const std::vector<double>& values) {
  Initialiser result{.name = std::string(name)};
  const size_t count = values.size();
  if (name == "uniform" || name == "normal") {
    // The bounds, or mean and deviation; one number is the distance from 0 or the deviation.
    if (count > 2) return std::nullopt;
    const double last = count > 0 ? values.back() : 1;
    result.value = count == 2 ? values[0] : name == "uniform" ? -last : 0;
    result.second = last;
  } else if (name == "constant") {
    if (count != 1) return std::nullopt;
    result.value = values[0];
  } else if (name == "zeros" || name == "ones" || name == "uniform_fan_in") {
    if (count != 0) return std::nullopt;
  } else {
    if (count > 1) return std::nullopt;
    const bool for_relu = name.starts_with("he_");
    result.value = count == 1 ? values[0] : for_relu ? 1.4142135623730951 : 1;
  }
  return result;
}

Value Evaluator::look_up(const std::string& name, SourceRange range) {
  if (const Value* variable = frame_->find(name)) return *variable;
  if (const Symbol* symbol = program_->find(name)) {
    if (symbol->constant) return constant_value(*symbol->constant);
    return {Callable{.definition = symbol->definition}};
  }
  if (const LayerDef* layer = find_layer(name)) return {Callable{.layer = layer}};
  if (const Builtin* builtin = find_builtin(name)) return {Callable{.builtin = builtin}};
  if (is_layer_word(name)) return {Word{name}};
  std::vector<std::string> variables;
  for (const auto& level : frame_->levels)
    for (const auto& [variable, value] : level) variables.push_back(variable);
  report_unknown_name(name, range, std::move(variables), *program_, *reporter_);
  return {};
}

void report_unknown_name(const std::string& name, SourceRange range, std::vector<std::string> candidates, const Program& program,
                         Reporter& reporter) {
  Diagnostic& error = reporter.error(DiagnosticKind::UnknownName, range, fmt::format("there is no `{}`", name));
  if (reporter.is_full()) return;
  if (const auto foreign = foreign_value(name)) {
    error.help(foreign->help);
    return;
  }
  if (const auto layer = familiar_layer(name); layer && find_layer(*layer)) {
    error.help(fmt::format("the layer is called `{}`", *layer));
    return;
  }
  if (const auto help = nearest_to_missing_layer(name)) {
    error.help(*help);
    return;
  }
  for (const auto& [symbol, item] : program.symbols()) candidates.push_back(symbol);
  for (const LayerDef& layer : all_layers()) candidates.emplace_back(layer.name);
  for (const Builtin& builtin : all_builtins()) candidates.emplace_back(builtin.name);
  for (std::string& word : all_layer_words()) candidates.push_back(std::move(word));
  if (const auto near = nearest(name, candidates)) error.help(fmt::format("did you mean `{}`?", *near));
}

Value Evaluator::constant_value(const ast::Constant& constant) {
  const auto [entry, is_new] = constants_.emplace(&constant, std::nullopt);
  if (!is_new) {
    if (entry->second) return *entry->second;
    reporter_->error(DiagnosticKind::UnknownName, constant.name.range,
                     fmt::format("the constant `{}` needs its own value", constant.name.text));
    return {};
  }
  Frame frame;
  const Restore names(frame_, &frame);
  Value value = evaluate(*constant.value);
  if (value.as<ValueId>())
    value = wrong_type(constant.value->range, fmt::format("a constant is known when compiling, but `{}` is {}", constant.name.text, describe(value)));
  constants_[&constant] = value;
  return value;
}

}  // namespace cnnc::sema
