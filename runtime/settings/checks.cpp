// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Values of settings → Recipe. Messages name the setting and the value that was found.
#include "runtime/settings/checks.h"

#include <cmath>

#include "runtime/settings/optimizers.h"
#include "runtime/settings/words.h"

namespace cnnc::settings::checks {
namespace {

constexpr double kLargestCount = 1e9;
constexpr double kLargestSeed = 9007199254740992.0;  // 2^53: whole numbers that a double holds exactly

std::string shown(const Value& value) { return "`" + print_value(value) + "`"; }

double number(const Value& value, const std::string& what) {
  if (value.kind != ValueKind::Number) refuse("`" + what + "` must be a number, but it is " + shown(value));
  return value.number;
}

double number_at_least(const Value& value, const std::string& what, double minimum) {
  const double result = number(value, what);
  if (!(result >= minimum)) refuse("`" + what + "` must be at least " + number_text(minimum) + ", but it is " + shown(value));
  return result;
}

int64_t whole_number(const Value& value, const std::string& what, double minimum, double maximum) {
  if (value.kind != ValueKind::Number || value.number != std::floor(value.number) || value.number < minimum || value.number > maximum)
    refuse("`" + what + "` must be a whole number from " + number_text(minimum) + " to " + number_text(maximum) + ", but it is " +
           shown(value));
  return static_cast<int64_t>(value.number);
}

const std::string& text(const Value& value, const std::string& what) {
  if (value.kind != ValueKind::String) refuse("`" + what + "` must be a string, but it is " + shown(value), "write it in double quotes");
  if (value.text.empty()) refuse("`" + what + "` is an empty string");
  return value.text;
}

Duration duration(const Value& value, const std::string& what) {
  if (value.kind != ValueKind::Quantity || (value.text != "epochs" && value.text != "steps"))
    refuse("`" + what + "` must be a number of epochs or steps, but it is " + shown(value), "write `5 epochs` or `500 steps`");
  if (!(value.number >= 0) || value.number > kLargestCount) refuse("`" + what + "` must be from 0 to 1e9, but it is " + shown(value));
  return {value.number, value.text == "steps"};
}

/// The name and arguments of a word or call; anything else is refused.
struct Call {
  const Value& value;
  const std::string& name;

  /// The argument of that name, or at that place; null where it is not written.
  const Value* find(std::string_view argument, size_t place) const {
    for (const Argument& given : value.arguments)
      if (given.name == argument) return &given.value;
    if (place < value.arguments.size() && value.arguments[place].name.empty()) return &value.arguments[place].value;
    return nullptr;
  }

  /// Refuses arguments that are not in the list, written twice, or positional after named ones or beyond `positional`.
  void only(const std::vector<std::string>& known, size_t positional) const {
    bool named = false;
    std::vector<std::string> seen;
    for (size_t i = 0; i < value.arguments.size(); ++i) {
      std::string argument = value.arguments[i].name;
      if (argument.empty()) {
        if (named) refuse("in " + shown(value) + " a positional argument stands after a named one");
        if (i >= positional) refuse("`" + name + "` takes its arguments by name", known.empty() ? "it has none" : "they are " + join_choices(known, "and"));
        argument = known[i];
      } else {
        named = true;
      }
      bool found = false;
      for (const std::string& k : known) found = found || k == argument;
      if (!found) {
        const std::string near = nearest(argument, known);
        refuse("`" + name + "` has no argument `" + argument + "`",
               !near.empty() ? "did you mean `" + near + "`?" : known.empty() ? "it has none" : "its arguments are " + join_choices(known, "and"));
      }
      for (const std::string& s : seen)
        if (s == argument) refuse("`" + name + "` has the argument `" + argument + "` twice");
      seen.push_back(argument);
    }
  }
};

Call call_of(const Value& value, const std::string& setting, const std::vector<std::string>& known) {
  if (value.kind == ValueKind::Word || value.kind == ValueKind::Call) {
    for (const std::string& name : known)
      if (value.text == name) return {value, value.text};
    const std::string near = nearest(value.text, known);
    refuse("`" + setting + "` has no `" + value.text + "`",
           near.empty() ? "there are " + join_choices(known, "and") : "did you mean `" + near + "`?");
  }
  refuse("`" + setting + "` must be " + join_choices(known) + ", but it is " + shown(value));
}

DataSource data_source(const Value& value, const std::string& setting) {
  const Call call = call_of(value, setting, {"idx", "cifar", "arrays"});
  DataSource out;
  if (call.name != "arrays") {
    out.kind = call.name == "idx" ? DataKind::Idx : DataKind::Cifar;
    call.only({"folder"}, 1);
    const Value* folder = call.find("folder", 0);
    if (!folder) refuse("`" + call.name + "` needs a folder", "write `" + call.name + "(\"FOLDER\")`");
    out.folder = text(*folder, call.name);
    return out;
  }
  out.kind = DataKind::Arrays;
  for (const Argument& argument : value.arguments) out.files.emplace_back(argument.name, text(argument.value, "arrays"));
  if (out.files.empty()) refuse("`arrays` needs files", "write `arrays(\"x.npy\", \"y.npy\")`");
  size_t positional = 0;
  for (const auto& [column, file] : out.files) positional += column.empty();
  if (positional > 2 || (positional > 0 && positional < out.files.size()))
    refuse("`arrays` takes two files, or files by the name of their column",
           "write `arrays(\"x.npy\", \"y.npy\")` or `arrays(image: \"x.npy\", label: \"y.npy\")`");
  for (size_t i = 0; i < out.files.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (!out.files[i].first.empty() && out.files[i].first == out.files[j].first)
        refuse("`arrays` has the column `" + out.files[i].first + "` twice");
  return out;
}

std::vector<double> numbers(const Value& value, const std::string& what) {
  if (value.kind == ValueKind::Number) return {number(value, what)};
  if (value.kind != ValueKind::List || value.items.empty())
    refuse("`" + what + "` must be a number, or a list of numbers with one a channel, but it is " + shown(value));
  std::vector<double> out;
  for (const Value& item : value.items) out.push_back(number(item, what));
  return out;
}

void no_decay(const Value& value, OptimizerSetting& out) {
  const std::vector<std::string> groups = {"weight", "bias", "norm"};
  std::vector<Value> items = value.kind == ValueKind::List ? value.items : std::vector<Value>{value};
  out.no_decay.clear();
  for (const Value& item : items) {
    bool known = false;
    for (const std::string& group : groups) known = known || (item.kind == ValueKind::Word && item.text == group);
    if (!known) refuse("`no_decay` names groups of weights, but " + shown(item) + " is none", "the groups are " + join_choices(groups, "and"));
    out.no_decay.push_back(item.text);
  }
}

double optimizer_argument(const OptimizerArgument& argument, const Value& value) {
  const std::string name(argument.name);
  if (argument.is_boolean) {
    if (value.kind != ValueKind::Boolean) refuse("`" + name + "` must be true or false, but it is " + shown(value));
    return value.boolean;
  }
  const double result = number_at_least(value, name, argument.minimum);
  if (argument.limit > 0 && !(result < argument.limit))
    refuse("`" + name + "` must be below " + number_text(argument.limit) + ", but it is " + shown(value));
  return result;
}

}  // namespace

void data(const Value& value, Recipe& recipe) { recipe.data = data_source(value, "data"); }

void classes(const Value& value, Recipe& recipe) {
  if (value.kind != ValueKind::List || value.items.empty())
    refuse("`classes` must be a list of names, but it is " + shown(value), "write `[\"cat\", \"dog\"]`");
  recipe.classes.clear();
  for (const Value& item : value.items) recipe.classes.push_back(text(item, "classes"));
  for (size_t i = 0; i < recipe.classes.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (recipe.classes[i] == recipe.classes[j]) refuse("`classes` has \"" + recipe.classes[i] + "\" twice");
}

void validation(const Value& value, Recipe& recipe) {
  recipe.validation_share = 0;
  recipe.validation_data = {};
  if (value.kind != ValueKind::Number) {
    recipe.validation_data = data_source(value, "validation");
    return;
  }
  if (!(value.number > 0 && value.number < 1))
    refuse("`validation` must be a share above 0 and below 1, but it is " + shown(value), "a tenth of the training data is `0.1`");
  recipe.validation_share = value.number;
}

void optimizer(const Value& value, Recipe& recipe) {
  std::vector<std::string> names;
  for (const OptimizerInfo& info : all_optimizers()) names.emplace_back(info.name);
  const Call call = call_of(value, "optimizer", names);
  const OptimizerInfo& info = *find_optimizer(call.name);
  std::vector<std::string> known = {"rate"};
  for (const OptimizerArgument& argument : info.arguments) known.emplace_back(argument.name);
  known.insert(known.end(), {"decay", "no_decay"});
  call.only(known, 1);

  OptimizerSetting out;
  out.name = call.name;
  const Value* rate = call.find("rate", 0);
  out.rate = rate ? number_at_least(*rate, "rate", 0) : info.default_rate;
  for (const OptimizerArgument& argument : info.arguments) {
    const Value* given = call.find(argument.name, known.size());
    out.arguments.emplace_back(argument.name, given ? optimizer_argument(argument, *given) : argument.default_value);
  }
  if (const Value* decay = call.find("decay", known.size())) out.decay = number_at_least(*decay, "decay", 0);
  if (const Value* groups = call.find("no_decay", known.size())) no_decay(*groups, out);
  if (call.name == "sgd" && out.arguments[1].second != 0 && out.arguments[0].second == 0)
    refuse("`nesterov` needs a momentum above 0", "write `sgd(rate: 0.1, momentum: 0.9, nesterov: true)`");
  recipe.optimizer = out;
}

void schedule(const Value& value, Recipe& recipe) {
  const Call call = call_of(value, "schedule", {"constant", "cosine", "step", "multistep", "exponential"});
  ScheduleSetting out;
  const auto factor = [&](size_t place) {
    const Value* given = call.find("factor", place);
    return given ? number_at_least(*given, "factor", 0) : 0.1;
  };
  if (call.name == "constant") {
    call.only({}, 0);
  } else if (call.name == "cosine") {
    out.kind = ScheduleKind::Cosine;
    call.only({"min"}, 1);
    if (const Value* minimum = call.find("min", 0)) out.minimum = number_at_least(*minimum, "min", 0);
  } else if (call.name == "step") {
    out.kind = ScheduleKind::Step;
    call.only({"every", "factor"}, 2);
    const Value* every = call.find("every", 0);
    if (!every) refuse("`step` needs `every`", "write `step(every: 10 epochs, factor: 0.1)`");
    out.every = duration(*every, "every");
    if (out.every.amount <= 0) refuse("`every` must be above 0, but it is " + shown(*every));
    out.factor = factor(1);
  } else if (call.name == "multistep") {
    out.kind = ScheduleKind::Multistep;
    call.only({"at", "factor"}, 2);
    const Value* at = call.find("at", 0);
    if (!at || at->kind != ValueKind::List) refuse("`multistep` needs a list `at`", "write `multistep(at: [30 epochs, 60 epochs], factor: 0.1)`");
    for (const Value& item : at->items) out.at.push_back(duration(item, "at"));
    out.factor = factor(1);
  } else {
    out.kind = ScheduleKind::Exponential;
    call.only({"factor"}, 1);
    if (!call.find("factor", 0)) refuse("`exponential` needs a factor for each epoch", "write `exponential(factor: 0.95)`");
    out.factor = factor(0);
  }
  recipe.schedule = out;
}

void warmup(const Value& value, Recipe& recipe) { recipe.warmup = duration(value, "warmup"); }
void batch(const Value& value, Recipe& recipe) { recipe.batch = whole_number(value, "batch", 1, kLargestCount); }
void epochs(const Value& value, Recipe& recipe) { recipe.epochs = whole_number(value, "epochs", 0, kLargestCount); }
void seed(const Value& value, Recipe& recipe) { recipe.seed = whole_number(value, "seed", 0, kLargestSeed); }

void precise(const Value& value, Recipe& recipe) {
  if (value.kind != ValueKind::Boolean) refuse("`precise` must be true or false, but it is " + shown(value));
  recipe.precise = value.boolean;
}

void augment(const Value& value, Recipe& recipe) {
  recipe.augment.clear();
  if (value.kind == ValueKind::Word && value.text == "none") return;
  if (value.kind == ValueKind::List)
    refuse("`augment` is a chain, not a list", "join what is done to an image with `->`: `crop(pad: 4) -> flip`");
  const std::vector<Value> stages = value.kind == ValueKind::Pipe ? value.items : std::vector<Value>{value};
  for (const Value& stage : stages) {
    const Call call = call_of(stage, "augment", {"flip", "crop"});
    if (call.name == "flip") {
      call.only({}, 0);
      recipe.augment.push_back({AugmentationKind::Flip, 0});
      continue;
    }
    call.only({"pad"}, 1);
    const Value* pad = call.find("pad", 0);
    if (!pad) refuse("`crop` needs `pad`", "write `crop(pad: 4)`");
    recipe.augment.push_back({AugmentationKind::Crop, whole_number(*pad, "pad", 1, 10000)});
  }
}

void normalize(const Value& value, Recipe& recipe) {
  if (value.kind != ValueKind::List || value.items.size() != 2)
    refuse("`normalize` must be `[mean, deviation]`, but it is " + shown(value), "write `[0.5, 0.25]`, or two lists with one number a channel");
  recipe.mean = numbers(value.items[0], "mean");
  recipe.deviation = numbers(value.items[1], "deviation");
  if (recipe.mean.size() != recipe.deviation.size() && recipe.mean.size() != 1 && recipe.deviation.size() != 1)
    refuse("`normalize` has " + std::to_string(recipe.mean.size()) + " means and " + std::to_string(recipe.deviation.size()) + " deviations");
  for (double deviation : recipe.deviation)
    if (!(deviation > 0)) refuse("the deviation of `normalize` must be above 0, but it is `" + number_text(deviation) + "`");
}

void metrics(const Value& value, Recipe& recipe) {
  const std::vector<Value> items = value.kind == ValueKind::List ? value.items : std::vector<Value>{value};
  recipe.metrics.clear();
  for (const Value& item : items) {
    if (item.kind != ValueKind::Word && item.kind != ValueKind::Call) refuse("`metrics` names metrics, but " + shown(item) + " is none");
    recipe.metrics.push_back(item.text);
  }
}

void clip(const Value& value, Recipe& recipe) {
  const Value* norm = &value;
  if (value.kind != ValueKind::Number) {
    // `norm(0.5)`, `clip_grad_norm(1)`: the number is what was meant.
    if (value.kind == ValueKind::Call && value.text != "clip" && value.arguments.size() == 1 && value.arguments[0].value.kind == ValueKind::Number)
      refuse("`clip` has no `" + value.text + "`", "write `clip = clip(norm: " + print_value(value.arguments[0].value) + ")`");
    const Call call = call_of(value, "clip", {"clip"});
    call.only({"norm"}, 1);
    norm = call.find("norm", 0);
    if (!norm) refuse("`clip` needs a norm", "write `clip(norm: 1)`");
  }
  const double limit = number(*norm, "clip");
  if (!(limit > 0)) refuse("`clip` must be above 0, but it is " + shown(*norm));
  recipe.clip = limit;
}

void weights(const Value& value, Recipe& recipe) { recipe.weights = text(value, "weights"); }

void bad(const Value& value, Recipe& recipe) {
  const Call call = call_of(value, "bad", {"stop", "skip"});
  recipe.skip_limit = 0;
  if (call.name == "stop") {
    call.only({}, 0);
    return;
  }
  call.only({"limit"}, 1);
  const Value* limit = call.find("limit", 0);
  if (!limit) refuse("`skip` needs a limit", "write `skip(10)`: at most so many samples are left out");
  recipe.skip_limit = whole_number(*limit, "limit", 1, kLargestCount);
}

}  // namespace cnnc::settings::checks
