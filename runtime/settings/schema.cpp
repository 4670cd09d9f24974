// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of settings. To add one: a row here, a function in checks.cpp, a member of Recipe.
#include "runtime/settings/schema.h"

#include "runtime/settings/checks.h"
#include "runtime/settings/words.h"

namespace cnnc::settings {
namespace {

const SettingDef kSettings[] = {
    {"data", "`idx(FOLDER)`, `cifar(FOLDER)` or `arrays(FILE, FILE)`", "",
     "where the training data lies: a folder of IDX files, the binary form of CIFAR-10, or arrays of NumPy", false, true, checks::data},
    {"classes", "a list of strings", "", "the names of the classes, in the order of the labels", true, true, checks::classes},
    {"validation", "a share above 0 and below 1, or data of its own", "",
     "what each epoch is measured on; a share is taken from the training data, by seed", false, true, checks::validation},
    {"loss", "a loss or an expression", "cross_entropy",
     "what training makes small; the default needs one output that is a vector", true, true, nullptr},
    {"optimizer", "`sgd(…)`, `adam(…)` or `adamw(…)`", "sgd(rate: 0.01, momentum: 0.9)",
     "how weights follow their gradients; arguments can be overridden, the optimizer itself is compiled in", false, true, checks::optimizer},
    {"schedule", "`constant`, `cosine`, `step(every, factor)`, `multistep(at, factor)` or `exponential(factor)`", "constant",
     "how the rate changes with the steps", false, true, checks::schedule},
    {"warmup", "`500 steps` or `3 epochs`", "0 steps", "the rate rises in equal steps during this time", false, true, checks::warmup},
    {"batch", "a whole number", "32", "images in one training step", false, true, checks::batch},
    {"epochs", "a whole number", "10", "how often all training data is seen", false, true, checks::epochs},
    {"seed", "a whole number", "0", "decides the first weights, the order of the data, and all other chance", false, true, checks::seed},
    {"augment", "`flip`, `crop(pad: 4)`, or both with `->`", "", "what is done to training images, in the order written", false, true, checks::augment},
    {"normalize", "`[mean, deviation]`, numbers or lists with one a channel", "",
     "pixels are divided by 255; then the mean is subtracted and the deviation divided by", false, true, checks::normalize},
    {"metrics", "a metric, or a list of them", "[accuracy, loss]", "what is measured besides the loss", true, true, checks::metrics},
    {"clip", "`clip(norm: 1)` or a number", "", "the largest norm of all gradients together; longer ones are shortened", false, true, checks::clip},
    {"weights", "a file", "", "weights to start from instead of random ones", false, true, checks::weights},
    {"freeze", "true or false", "false", "weights that stay as they are", true, false, nullptr},
    {"ema", "a number", "", "a running mean of the weights", true, false, nullptr},
    {"stop_early", "a length of time", "", "stop when the validation stops getting better", false, false, nullptr},
    {"bad", "`stop` or `skip(limit)`", "stop",
     "what samples that cannot be used do: stop, or leave out at most so many of each part of the data, with a warning", false, true, checks::bad},
    {"precise", "true or false", "false",
     "no algorithm that rounds more than a sum of products does: convolutions without Winograd's; slower", true, true, checks::precise},
};

/// The definition of a setting that can be used, or a SettingError.
const SettingDef& usable(std::string_view name) {
  const SettingDef* def = find_setting(name);
  if (!def) {
    std::vector<std::string> names;
    for (const SettingDef& known : kSettings) names.emplace_back(known.name);
    const std::string near = nearest(name, names);
    refuse("there is no setting `" + std::string(name) + "`",
           near.empty() ? "the settings are " + join_choices(names, "and") : "did you mean `" + near + "`?");
  }
  if (!def->available) refuse("the setting `" + std::string(name) + "` is not available yet", "leave it out");
  return *def;
}

/// Whether the compiler, and not this folder, knows what is right.
bool is_expression(const SettingDef& def) { return def.name == "loss" || def.name == "metrics"; }

std::string checked_text(std::string_view name, std::string_view text) {
  const SettingDef& def = usable(name);
  if (is_expression(def)) return std::string(text);
  const Value value = parse_value(text);
  Recipe scratch;
  if (def.apply) def.apply(value, scratch);
  return print_value(value);
}

}  // namespace

std::span<const SettingDef> all_settings() { return kSettings; }

const SettingDef* find_setting(std::string_view name) {
  for (const SettingDef& def : kSettings)
    if (def.name == name) return &def;
  return nullptr;
}

std::variant<std::string, Problem> check(std::string_view name, std::string_view text) {
  try {
    return checked_text(name, text);
  } catch (const SettingError& error) {
    return error.problem;
  }
}

Problem check_override(std::string_view name, std::string_view text, std::string_view optimizer) {
  try {
    if (usable(name).compiled_in)
      refuse("`" + std::string(name) + "` is compiled into the program", "change it in the .cnn file and build again");
    checked_text(name, text);
    if (name == "optimizer") {
      const std::string wanted = parse_value(text).text;
      if (wanted != optimizer)
        refuse("the optimizer `" + std::string(optimizer) + "` is compiled into the program; only its arguments can change",
               "for `" + wanted + "`, change the .cnn file and build again");
    }
    return {};
  } catch (const SettingError& error) {
    return error.problem;
  }
}

}  // namespace cnnc::settings
