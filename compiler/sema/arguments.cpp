// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Arguments of layers: which value belongs to which argument, and values → the kinds that layers are given.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "sema/builtins.h"
#include "sema/layer_call.h"
#include "support/check.h"
#include "support/limits.h"
#include "support/text.h"

namespace cnnc::sema {
namespace {

struct Familiar {
  std::string_view theirs, ours;
};
/// Arguments of other frameworks; an empty name means that there is none because the value follows from the input.
constexpr std::array<Familiar, 20> kFamiliarArguments{{
    {"kernel_size", "kernel"}, {"pool_size", "kernel"}, {"size", "kernel"}, {"padding", "pad"}, {"strides", "stride"},
    {"out_channels", "filters"}, {"channels", "filters"}, {"out_features", "units"}, {"units", "features"}, {"features", "units"},
    {"dilation_rate", "dilation"}, {"use_bias", "bias"}, {"negative_slope", "slope"}, {"alpha", "slope"}, {"p", "rate"}, {"dim", "axis"},
    {"label_smoothing", "smoothing"}, {"in_channels", ""}, {"in_features", ""}, {"num_features", ""},
}};

/// The text of a word, which may also be the name of a layer (`tanh`) or function (`zeros`).
std::optional<std::string> word_of(const Value& value) {
  if (const Word* word = value.as<Word>()) return word->text;
  if (const Callable* callable = value.as<Callable>(); callable && !callable->definition) return callable_name(*callable);
  return std::nullopt;
}

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

/// A default in the language's text: a number, true, false, a word, or a pair `[1, 2]`.
Value default_as_value(std::string_view text) {
  if (text == "true" || text == "false") return {text == "true"};
  if (const auto number = parse_number(text)) return {*number};
  if (!text.starts_with('[')) return {Word{std::string(text)}};
  std::vector<Value> items;
  for (std::string_view rest = text.substr(1, text.size() - 2); !rest.empty();) {
    const size_t end = std::min(rest.find(','), rest.size());
    std::string_view item = rest.substr(0, end);
    while (item.starts_with(' ')) item.remove_prefix(1);
    const auto number = parse_number(item);
    CNNC_CHECK(number.has_value(), fmt::format("the default `{}` can be read", text));
    items.push_back({*number});
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return make_list(std::move(items));
}

bool is_input(const ArgumentDef& def) { return def.kind == ArgumentKind::Tensor || def.kind == ArgumentKind::Tensors; }

}  // namespace

// ---- which value belongs to which argument

const ArgumentDef* LayerCall::find_definition(const EvaluatedArgument& written, size_t& position) {
  if (written.name) {
    for (const ArgumentDef& def : layer_->arguments)
      if (def.name == written.name->text) return &def;
    report_unknown_argument(*written.name);
    return nullptr;
  }
  if (position < layer_->arguments.size()) {
    const ArgumentDef& def = layer_->arguments[position];
    if (def.kind != ArgumentKind::Tensors) ++position;
    return &def;
  }
  Diagnostic& error = evaluator_->reporter().error(DiagnosticKind::TooManyArguments, written.range,
                                                   fmt::format("`{}` takes at most {}{}", layer_->name, count_of(layer_->arguments.size(), "value"),
                                                               call_->piped ? ", the piped one included" : ""));
  error.help(fmt::format("`cnnc ops {}` lists what it takes", layer_->name));
  return nullptr;
}

void LayerCall::report_unknown_argument(const ast::Name& name) {
  Diagnostic& error = evaluator_->reporter().error(DiagnosticKind::UnknownArgument, name.range,
                                                   fmt::format("`{}` has no argument `{}`", layer_->name, name.text));
  std::vector<std::string> names;
  for (const ArgumentDef& def : layer_->arguments) names.emplace_back(def.name);
  for (const Familiar& familiar : kFamiliarArguments) {
    if (familiar.theirs != name.text) continue;
    if (familiar.ours.empty()) {
      error.help("it follows from the input: leave it out");
      return;
    }
    if (std::find(names.begin(), names.end(), familiar.ours) == names.end()) continue;
    error.help(fmt::format("it is called `{}` here", familiar.ours));
    return;
  }
  if (const auto near = nearest(name.text, names)) error.help(fmt::format("did you mean `{}`?", *near));
  else error.help(fmt::format("it takes {}", join_choices(names, "and")));
}

bool LayerCall::assign() {
  size_t position = 0;
  bool fits = true;
  for (const EvaluatedArgument& written : call_->arguments) {
    const ArgumentDef* def = find_definition(written, position);
    if (!def) {
      fits = false;
      continue;
    }
    std::vector<const EvaluatedArgument*>& entry = written_[def->name];
    if (!entry.empty() && def->kind != ArgumentKind::Tensors) {
      evaluator_->reporter().error(DiagnosticKind::TooManyArguments, written.name ? written.name->range : written.range,
                                   fmt::format("`{}` gets its `{}` twice", layer_->name, def->name));
      fits = false;
    }
    entry.push_back(&written);
  }
  return fits;
}

void LayerCall::report_missing(const ArgumentDef& def) {
  failed_ = true;
  if (is_input(def)) {
    evaluator_->reporter().error(DiagnosticKind::MissingArgument, call_->range, fmt::format("`{}` has no input", call_text()))
        .help(fmt::format("pipe a value into it: `x -> {}`", call_text()));
    return;
  }
  Diagnostic& error = evaluator_->reporter().error(DiagnosticKind::MissingArgument, call_->range,
                                                   fmt::format("`{}` needs its `{}`: {}", call_text(), def.name, def.doc));
  if (!layer_->example.empty()) error.help(fmt::format("for example `{}`", layer_->example));
}

bool LayerCall::convert() {
  bool poisoned = false;
  for (const ArgumentDef& def : layer_->arguments) {
    const auto entry = written_.find(def.name);
    if (entry == written_.end()) {
      if (auto value = default_value(def)) values_[def.name] = std::move(*value);
      else if (!poisoned) report_missing(def);
      continue;
    }
    std::vector<ValueId> tensors;
    for (const EvaluatedArgument* written : entry->second) {
      if (written->value.poisoned()) {
        poisoned = true;
        continue;
      }
      auto value = convert_one(def, *written);
      if (!value) continue;
      if (def.kind != ArgumentKind::Tensors) values_[def.name] = std::move(*value);
      else for (const ValueId tensor : std::get<std::vector<ValueId>>(*value)) tensors.push_back(tensor);
    }
    if (def.kind == ArgumentKind::Tensors) values_[def.name] = std::move(tensors);
  }
  return !failed_ && !poisoned;
}

std::optional<ArgumentValue> LayerCall::default_value(const ArgumentDef& def) {
  if (def.default_text.empty()) return std::nullopt;
  if (is_input(def)) return ArgumentValue{};
  if (const auto other = values_.find(def.default_text); other != values_.end()) return other->second;
  for (const ArgumentDef& other : layer_->arguments)     // of which the value was refused
    if (other.name == def.default_text) return ArgumentValue{};
  const EvaluatedArgument written{std::nullopt, default_as_value(def.default_text), call_->range};
  auto value = convert_one(def, written);
  CNNC_CHECK(value.has_value() || failed_, fmt::format("the default `{}` of `{}` is legal", def.default_text, def.name));
  return value;
}

// ---- numbers only

bool LayerCall::only_numbers() const {
  return !call_->arguments.empty() && std::all_of(call_->arguments.begin(), call_->arguments.end(), [](const EvaluatedArgument& argument) {
    return argument.value.as<double>() || argument.value.table() || argument.value.poisoned();
  });
}

Value LayerCall::compute() {
  std::vector<std::string> names;
  std::vector<ConstantTable> operands;
  const ConstantTable* shape = nullptr;
  for (const ArgumentDef& def : layer_->arguments) {
    names.emplace_back(def.name);
    const auto entry = written_.find(def.name);
    if (entry == written_.end() && def.default_text.empty()) return report_missing(def), Value{};
    const Value value = entry == written_.end() ? default_as_value(def.default_text) : entry->second.front()->value;
    if (value.poisoned()) return {};
    operands.push_back(as_table(value).value_or(ConstantTable{{}, {0}}));
  }
  for (const ConstantTable& operand : operands)
    if (!operand.dims.empty() && !shape) shape = &operand;
  for (const ConstantTable& operand : operands)
    if (!operand.dims.empty() && operand.dims != shape->dims)
      return error(DiagnosticKind::ShapeMismatch, fmt::format("the tables of `{}` have different shapes", call_text())), Value{};
  std::string complaint;
  const auto formula = parse_scalar_expression(layer_->formula, names, complaint);
  CNNC_CHECK(formula.has_value(), fmt::format("the formula of `{}`: {}", layer_->name, complaint));
  ConstantTable result{shape ? shape->dims : Dims{}, Numbers(shape ? shape->numbers.size() : 1)};
  if (!evaluator_->charge(static_cast<int64_t>(result.numbers.size()), call_->range)) return {};
  std::vector<double> arguments(operands.size());
  for (size_t i = 0; i < result.numbers.size(); ++i) {
    for (size_t k = 0; k < operands.size(); ++k) arguments[k] = operands[k].numbers[operands[k].dims.empty() ? 0 : i];
    result.numbers[i] = formula->evaluate(arguments);
    if (std::isfinite(result.numbers[i])) continue;
    error(DiagnosticKind::BadArithmetic, fmt::format("`{}` has no finite value", call_text()));
    return {};
  }
  return make_table(std::move(result));
}

// ---- values of their kinds

void LayerCall::refuse(const ArgumentDef& def, const EvaluatedArgument& written, std::string_view wanted) {
  error_at(def.name, DiagnosticKind::LayerArgument,
           fmt::format("`{}` of `{}` takes {}, but this is {}", def.name, layer_->name, wanted, evaluator_->describe(written.value)));
}

std::optional<ArgumentValue> LayerCall::convert_one(const ArgumentDef& def, const EvaluatedArgument& written) {
  switch (def.kind) {
    case ArgumentKind::Tensor:
    case ArgumentKind::Tensors: return convert_tensor(def, written);
    case ArgumentKind::Integer: return convert_number(def, written, true);
    case ArgumentKind::Number: return convert_number(def, written, false);
    case ArgumentKind::Size: return convert_size(def, written);
    case ArgumentKind::Padding: return convert_padding(def, written);
    case ArgumentKind::Word: return convert_word(def, written);
    case ArgumentKind::Initialiser: return convert_initialiser(def, written);
    case ArgumentKind::Boolean:
      if (const bool* truth = written.value.as<bool>()) return ArgumentValue{*truth};
      refuse(def, written, "`true` or `false`");
      return std::nullopt;
    case ArgumentKind::Table:
      if (auto table = as_table(written.value)) return ArgumentValue{std::move(*table)};
      refuse(def, written, "a table of numbers");
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<ArgumentValue> LayerCall::convert_tensor(const ArgumentDef& def, const EvaluatedArgument& written) {
  const Value& value = written.value;
  const bool is_first = &def == &layer_->arguments.front();
  if (def.kind == ArgumentKind::Tensors) {
    std::vector<ValueId> tensors;
    if (const List* list = value.list(); list && !as_table(value)) {
      for (const Value& item : list->items) {
        const auto part = convert_tensor(def, {std::nullopt, item, written.range});
        if (!part) return std::nullopt;
        const auto& ids = std::get<std::vector<ValueId>>(*part);
        tensors.insert(tensors.end(), ids.begin(), ids.end());
      }
      return ArgumentValue{std::move(tensors)};
    }
  }
  if (is_first && layer_->kind == LayerKind::Layer && value.as<double>()) {
    report_missing(def);
    return std::nullopt;
  }
  evaluator_->construction().layer = scope_;
  evaluator_->construction().location = written.range;
  // A label takes the type that the loss wants for the output, or that of the tensor before it.
  std::optional<TensorType> like;
  for (const ArgumentDef& other : layer_->arguments)
    if (const auto entry = values_.find(other.name); entry != values_.end() && !like)
      if (const ValueId* known = std::get_if<ValueId>(&entry->second)) like = type(*known);
  if (like && layer_->label) like = layer_->label(*like);
  const ValueId tensor = evaluator_->as_tensor(value, like ? &*like : nullptr);
  if (!tensor.valid()) {
    if (value.record()) {
      error_at(def.name, DiagnosticKind::LayerArgument, fmt::format("`{}` takes one tensor, but its input is {}", layer_->name, evaluator_->describe(value)))
          .help(fmt::format("take one of them by name: `x.{}`", value.record()->fields.empty() ? "name" : value.record()->fields[0].first));
    } else if (!value.as<LabelColumn>() || !like) {
      refuse(def, written, "a tensor");
    }
    failed_ = true;
    return std::nullopt;
  }
  if (def.kind == ArgumentKind::Tensors) return ArgumentValue{std::vector<ValueId>{tensor}};
  return ArgumentValue{tensor};
}

std::optional<double> LayerCall::number(const ArgumentDef& def, const Value& value, SourceRange range, bool whole) {
  const double* given = value.as<double>();
  if (!given) {
    refuse(def, {std::nullopt, value, range}, whole ? "a whole number" : "a number");
    return std::nullopt;
  }
  const std::string shown = number_text(*given);
  if (whole && *given != std::floor(*given)) {
    const std::string text = evaluator_->text(range);
    Diagnostic& error = error_at(def.name, DiagnosticKind::NotWhole,
                                 fmt::format("`{}` of `{}` is a whole number, but this is {}", def.name, layer_->name, shown));
    error.help(fmt::format("round it: `floor({0})` or `ceil({0})`", text));
    return std::nullopt;
  }
  const double least = def.minimum.value_or(whole ? -static_cast<double>(limits::kMaximumExtent) : -HUGE_VAL);
  const double most = def.maximum.value_or(whole ? static_cast<double>(limits::kMaximumExtent) - 1 : HUGE_VAL);
  if (*given >= least && *given <= most) return *given;
  const bool too_small = !(*given >= least);
  error_at(def.name, DiagnosticKind::LayerArgument,
           fmt::format("`{}` of `{}` is at {} {}, but this is {}", def.name, layer_->name, too_small ? "least" : "most",
                       number_text(too_small ? least : most), shown));
  return std::nullopt;
}

std::optional<ArgumentValue> LayerCall::convert_number(const ArgumentDef& def, const EvaluatedArgument& written, bool whole) {
  const auto result = number(def, written.value, written.range, whole);
  if (!result) return std::nullopt;
  if (whole) return ArgumentValue{static_cast<int64_t>(*result)};
  return ArgumentValue{*result};
}

std::optional<ArgumentValue> LayerCall::convert_size(const ArgumentDef& def, const EvaluatedArgument& written) {
  const auto items = as_items(written.value);
  if (!items && !written.value.as<double>()) return refuse(def, written, "one number, or a pair `[height, width]`"), std::nullopt;
  if (items && items->size() != 2) return refuse(def, written, "one number, or a pair `[height, width]`"), std::nullopt;
  Dims size;
  for (const Value& item : items ? *items : std::vector<Value>{written.value, written.value}) {
    const auto part = number(def, item, written.range, true);
    if (!part) return std::nullopt;
    size.push_back(static_cast<int64_t>(*part));
  }
  return ArgumentValue{std::move(size)};
}

std::optional<ArgumentValue> LayerCall::convert_padding(const ArgumentDef& def, const EvaluatedArgument& written) {
  constexpr std::string_view kWanted = "`same`, `valid`, a number, `[height, width]` or `[top, left, bottom, right]`";
  if (const auto word = word_of(written.value)) {
    if (*word == "same" || *word == "valid") return ArgumentValue{Padding{.same = *word == "same"}};
    return refuse(def, written, kWanted), std::nullopt;
  }
  const auto items = as_items(written.value);
  const bool fits = items ? items->size() == 2 || items->size() == 4 : written.value.as<double>() != nullptr;
  if (!fits) return refuse(def, written, kWanted), std::nullopt;
  std::vector<int64_t> sides;
  for (const Value& item : items ? *items : std::vector<Value>{written.value, written.value}) {
    ArgumentDef bounded = def;
    bounded.minimum = def.minimum.value_or(0);
    const auto part = number(bounded, item, written.range, true);
    if (!part) return std::nullopt;
    sides.push_back(static_cast<int64_t>(*part));
  }
  if (sides.size() == 2) sides.insert(sides.end(), {sides[0], sides[1]});
  return ArgumentValue{Padding{false, sides[0], sides[1], sides[2], sides[3]}};
}

std::optional<ArgumentValue> LayerCall::convert_word(const ArgumentDef& def, const EvaluatedArgument& written) {
  std::vector<std::string> choices;
  for (const std::string_view word : def.words) choices.push_back(fmt::format("`{}`", word));
  const auto word = word_of(written.value);
  if (word && std::find(def.words.begin(), def.words.end(), *word) != def.words.end()) return ArgumentValue{*word};
  refuse(def, written, join_choices(choices));
  return std::nullopt;
}

std::optional<ArgumentValue> LayerCall::convert_initialiser(const ArgumentDef& def, const EvaluatedArgument& written) {
  if (const Initialiser* initialiser = written.value.as<Initialiser>()) return ArgumentValue{*initialiser};
  if (const double* value = written.value.as<double>()) return ArgumentValue{*make_initialiser("constant", {*value})};
  const auto word = word_of(written.value);
  if (word && is_initialiser(*word))
    if (const auto initialiser = make_initialiser(*word, {})) return ArgumentValue{*initialiser};
  refuse(def, written, "a number or an initialiser such as `he_normal` or `uniform(-0.1, 0.1)`");
  return std::nullopt;
}

}  // namespace cnnc::sema
