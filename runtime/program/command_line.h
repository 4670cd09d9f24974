// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Arguments of a subcommand, read by the table of its options: `--x V`, `--x=V`, `--flag`, the rest are inputs.
// A wrong one throws Failure with kBadUsage and the nearest right one. Tests: test/runtime/program.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cnnc::runtime {

/// One option. `value` is the word for its value in the help ("FILE"), empty for a flag; `[FILE]` may be left out.
struct OptionDef {
  std::string_view name;   // "--data"
  std::string_view value;
  std::string_view doc;
  bool repeated = false;
};

struct CommandDef {
  std::string_view name;
  std::string_view summary;
  std::span<const OptionDef> options;
  std::string_view inputs;   // "INPUT…", empty where there are none
  std::string_view details;  // after the options
};

class CommandLine {
 public:
  /// Reads the arguments after the subcommand's name.
  CommandLine(const CommandDef& command, std::span<char* const> arguments);

  bool has(std::string_view option) const;
  /// The value, the last one where it is written several times; nothing where it is not written.
  std::optional<std::string> text(std::string_view option) const;
  std::vector<std::string> texts(std::string_view option) const;
  /// The value as a whole number within the limits.
  std::optional<int64_t> whole_number(std::string_view option, int64_t minimum, int64_t maximum) const;
  /// The value as a decimal number within the limits.
  std::optional<double> number(std::string_view option, double minimum, double maximum) const;
  /// The value, or a usage error that names the option.
  std::string required(std::string_view option) const;
  const std::vector<std::string>& inputs() const { return inputs_; }
  bool wants_help() const { return has("--help"); }

 private:
  const CommandDef& command_;
  std::vector<std::pair<std::string, std::string>> values_;
  std::vector<std::string> inputs_;
};

/// What `PROGRAM COMMAND --help` prints.
std::string help_text(const std::string& program, const CommandDef& command);

}  // namespace cnnc::runtime
