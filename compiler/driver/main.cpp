// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `cnnc`: reads the command line, runs the subcommand, and turns what was thrown into exit status 70. The subcommands are
// the files NAME_command.cpp, listed in subcommands.inc.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>

#include "driver/exit_status.h"
#include "driver/source_input.h"
#include "driver/subcommand.h"
#include "support/check.h"
#include "support/text.h"

namespace cnnc {
namespace {

std::vector<Subcommand> all_subcommands() {
  return {
#define SUBCOMMAND(name) name##_subcommand(),
#include "driver/subcommands.inc"
#undef SUBCOMMAND
  };
}

constexpr const char* kExamples =
    "Examples:\n"
    "  cnnc new digits                writes digits.cnn, a commented network to start from\n"
    "  cnnc check digits.cnn          prints what is wrong with it\n"
    "  cnnc fmt digits.cnn            gives it the canonical form\n"
    "Exit status: 0 done, 1 the input was wrong, 2 wrong usage, 70 a defect of cnnc.\n";

/// `-Werror` is one option, as compilers have it; CLI11 takes a single dash for single letters.
std::vector<std::string> read_arguments(int count, char** values) {
  std::vector<std::string> arguments(values + std::min(count, 1), values + count);
  for (std::string& argument : arguments) {
    if (argument == "-Werror") argument = "--Werror";
  }
  return arguments;
}

/// The long names of the options that a command takes.
std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  if (!app.get_parent()) names.emplace_back("--version");  // understood before CLI11 reads the rest
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

int report_usage(const std::string& message, const std::optional<std::string>& meant, const std::string& command) {
  print_error(escape_control(message));
  if (meant) fmt::print(stderr, "did you mean `{}`?\n", *meant);
  fmt::print(stderr, "`{} --help` tells more\n", command);
  return kUsageWrong;
}

int report_unknown_command(const std::string& word, const std::vector<Subcommand>& subcommands) {
  std::vector<std::string> names;
  for (const Subcommand& subcommand : subcommands) names.push_back(subcommand.name);
  if (word.ends_with(".cnn")) return report_usage(fmt::format("a command is missing before `{}`", word), std::nullopt, "cnnc");
  return report_usage(fmt::format("there is no command `{}`", word), nearest(word, names), "cnnc");
}

int report_parse_error(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  const CLI::App& command = chosen.empty() ? app : *chosen.front();
  const std::string full_name = chosen.empty() ? "cnnc" : "cnnc " + command.get_name();
  const std::vector<std::string> extras = command.remaining();
  if (extras.empty()) return report_usage(error.what(), std::nullopt, full_name);
  const std::string word = extras.front().substr(0, extras.front().find('='));
  if (!word.starts_with("-")) return report_usage(fmt::format("`{}` is one argument too many", word), std::nullopt, full_name);
  return report_usage(fmt::format("`{}` has no option `{}`", full_name, word), nearest(word, option_names(command)), full_name);
}

int run(int count, char** values) {
  CLI::App app{"cnnc compiles networks that are written in .cnn files", "cnnc"};
  app.footer(kExamples);
  app.set_help_flag("-h,--help", "print this help");
  const std::vector<Subcommand> subcommands = all_subcommands();
  std::vector<std::pair<CLI::App*, Action>> actions;
  for (const Subcommand& subcommand : subcommands) {
    CLI::App* command = app.add_subcommand(subcommand.name, subcommand.summary);
    command->footer(subcommand.examples.empty() ? "" : "Examples:\n" + subcommand.examples);
    actions.emplace_back(command, subcommand.define(*command));
  }

  std::vector<std::string> arguments = read_arguments(count, values);
  if (arguments.empty()) {
    fmt::print("{}", app.help());
    return kUsageWrong;
  }
  if (arguments.front() == "--version") arguments.front() = "version";
  const bool known = std::any_of(subcommands.begin(), subcommands.end(), [&](const Subcommand& s) { return s.name == arguments.front(); });
  if (!known && !arguments.front().starts_with("-")) return report_unknown_command(arguments.front(), subcommands);

  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  try {
    app.parse(arguments);
  } catch (const CLI::CallForHelp& help) {
    fmt::print("{}", app.help());
    return kDone;
  } catch (const CLI::ParseError& error) {
    return report_parse_error(app, error);
  }
  for (const auto& [command, action] : actions) {
    if (command->parsed()) return action();
  }
  return report_usage("a command is missing", std::nullopt, "cnnc");
}

}  // namespace
}  // namespace cnnc

int main(int count, char** values) {
  try {
    const int status = cnnc::run(count, values);
    // What could not be written (a full disk, a closed pipe) is a failure too.
    if (std::fflush(stdout) != 0 && status == cnnc::kDone) {
      cnnc::print_error("the output could not be written");
      return cnnc::kInputWrong;
    }
    return status;
  } catch (const std::exception& error) {
    cnnc::print_internal_error(error.what());
    cnnc::print_defect_note();
    return cnnc::kInternalError;
  }
}
