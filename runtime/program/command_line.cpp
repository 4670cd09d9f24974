// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reads options by a table; prints the help from the same table.
#include "runtime/program/command_line.h"

#include <charconv>

#include "runtime/formats/text.h"
#include "runtime/program/failure.h"
#include "runtime/settings/words.h"

namespace cnnc::runtime {
namespace {

constexpr OptionDef kHelp{"--help", "", "prints this text"};

const OptionDef* find_option(const CommandDef& command, std::string_view name) {
  if (name == kHelp.name || name == "-h") return &kHelp;
  for (const OptionDef& option : command.options)
    if (option.name == name) return &option;
  return nullptr;
}

[[noreturn]] void unknown_option(const CommandDef& command, std::string_view name) {
  std::vector<std::string> names;
  for (const OptionDef& option : command.options) names.emplace_back(option.name);
  const std::string near = settings::nearest(name, names);
  fail_usage("`" + std::string(command.name) + "` has no option " + formats::quote_name(name),
             near.empty() ? "`" + std::string(command.name) + " --help` lists the options" : "did you mean `" + near + "`?");
}

bool is_option(std::string_view argument) { return argument.size() > 1 && argument[0] == '-'; }

}  // namespace

CommandLine::CommandLine(const CommandDef& command, std::span<char* const> arguments) : command_(command) {
  bool options_end = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string argument = arguments[i];
    if (options_end || !is_option(argument)) {
      if (command.inputs.empty())
        fail_usage("`" + std::string(command.name) + "` does not know what to do with " + formats::quote_name(argument), "options begin with `--`");
      inputs_.push_back(argument);
      continue;
    }
    if (argument == "--") {
      options_end = true;
      continue;
    }
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const OptionDef* option = find_option(command, name);
    if (!option) unknown_option(command, name);
    std::string value;
    if (equals != std::string::npos) {
      if (option->value.empty()) fail_usage("`" + name + "` takes no value");
      value = argument.substr(equals + 1);
      if (value.empty()) fail_usage("`" + name + "=` has no value");
    } else if (!option->value.empty()) {
      const bool optional = option->value.front() == '[';
      const bool follows = i + 1 < arguments.size() && !std::string_view(arguments[i + 1]).starts_with("--");
      if (follows) value = arguments[++i];
      else if (!optional) fail_usage("`" + name + "` needs a value", "write `" + name + " " + std::string(option->value) + "`");
    }
    if (!option->repeated && option != &kHelp && has(name)) fail_usage("`" + name + "` is written twice");
    values_.emplace_back(option->name, value);
  }
}

bool CommandLine::has(std::string_view option) const {
  for (const auto& [name, value] : values_)
    if (name == option) return true;
  return false;
}

std::vector<std::string> CommandLine::texts(std::string_view option) const {
  std::vector<std::string> out;
  for (const auto& [name, value] : values_)
    if (name == option) out.push_back(value);
  return out;
}

std::optional<std::string> CommandLine::text(std::string_view option) const {
  const std::vector<std::string> all = texts(option);
  if (all.empty()) return std::nullopt;
  return all.back();
}

std::optional<int64_t> CommandLine::whole_number(std::string_view option, int64_t minimum, int64_t maximum) const {
  const std::optional<std::string> written = text(option);
  if (!written) return std::nullopt;
  int64_t number = 0;
  const char* end = written->data() + written->size();
  const auto result = std::from_chars(written->data(), end, number);
  if (result.ec != std::errc() || result.ptr != end || number < minimum || number > maximum)
    fail_usage("`" + std::string(option) + "` must be a whole number from " + std::to_string(minimum) + " to " +
               std::to_string(maximum) + ", but it is " + formats::quote_name(*written));
  return number;
}

std::optional<double> CommandLine::number(std::string_view option, double minimum, double maximum) const {
  const std::optional<std::string> written = text(option);
  if (!written) return std::nullopt;
  double number = 0;
  const char* end = written->data() + written->size();
  const auto result = std::from_chars(written->data(), end, number);
  // Written so that a NaN is refused too.
  if (result.ec != std::errc() || result.ptr != end || !(number >= minimum && number <= maximum))
    fail_usage("`" + std::string(option) + "` must be a number from " + settings::number_text(minimum) + " to " +
               settings::number_text(maximum) + ", but it is " + formats::quote_name(*written));
  return number;
}

std::string CommandLine::required(std::string_view option) const {
  std::optional<std::string> value = text(option);
  if (!value || value->empty()) {
    const OptionDef* def = find_option(command_, option);
    fail_usage("`" + std::string(command_.name) + "` needs `" + std::string(option) + "`",
               def ? "write `" + std::string(def->name) + " " + std::string(def->value) + "`: " + std::string(def->doc) : "");
  }
  return *value;
}

std::string help_text(const std::string& program, const CommandDef& command) {
  std::string out = "usage: " + program + " " + std::string(command.name) + " [OPTIONS]";
  if (!command.inputs.empty()) out += " " + std::string(command.inputs);
  out += "\n\n" + std::string(command.summary) + "\n\noptions:\n";
  size_t width = 0;
  const auto label = [](const OptionDef& option) {
    return std::string(option.name) + (option.value.empty() ? "" : " " + std::string(option.value));
  };
  for (const OptionDef& option : command.options) width = std::max(width, label(option).size());
  const auto line = [&](const OptionDef& option) {
    std::string text = label(option);
    text.resize(std::max(width, text.size()), ' ');
    return "  " + text + "  " + std::string(option.doc) + "\n";
  };
  for (const OptionDef& option : command.options) out += line(option);
  out += line(kHelp);
  if (!command.details.empty()) out += "\n" + std::string(command.details) + "\n";
  return out;
}

}  // namespace cnnc::runtime
