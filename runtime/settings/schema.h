// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every setting of a `train` block: its type, default, documentation, and whether this version has it. The compiler checks
// files with `check`, built programs check `--set NAME=VALUE` with it; docs/ takes its table from here. Tests: test/runtime/settings.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "runtime/settings/recipe.h"

namespace cnnc::settings {

struct SettingDef {
  std::string_view name;
  std::string_view type;            // "a whole number", "idx(FOLDER), cifar(FOLDER) or arrays(…)"
  std::string_view default_text;    // as in the language; empty: none
  std::string_view doc;
  /// Part of the compiled program: `--set` cannot change it. The value is checked by the compiler, not here.
  bool compiled_in = false;
  /// False: reserved by the language, not in this version; any use is an error that says so.
  bool available = true;
  /// Puts a value into the recipe; throws SettingError where the value does not fit. Null where there is nothing to do.
  void (*apply)(const Value& value, Recipe& recipe) = nullptr;
};

std::span<const SettingDef> all_settings();
const SettingDef* find_setting(std::string_view name);

/// The canonical text of a setting's value, or what is wrong with name or value. `loss` and `metrics` may be any expression
/// of the language: their text comes back as it is.
std::variant<std::string, Problem> check(std::string_view name, std::string_view text);

/// What is wrong with overriding this setting in a compiled program ("`loss` is compiled in …"), or an empty message.
/// `optimizer` is the optimizer that the program was compiled with.
Problem check_override(std::string_view name, std::string_view text, std::string_view optimizer);

}  // namespace cnnc::settings
