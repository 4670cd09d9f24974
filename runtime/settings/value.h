// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The value of a setting, and its text in the language: `sgd(rate: 0.05, momentum: 0.9)`, `10 epochs`, `[bias, norm]`,
// `crop(pad: 4) -> flip`, `"flowers"`, `cosine`. Constants only: expressions were evaluated by the compiler before.
//
//   Value = Item (-> Item)*
//   Item  = NUMBER [UNIT] | STRING | true | false | WORD | WORD(Argument*) | [Value*]       Argument = Value | WORD : Value
//
// Tests: test/runtime/settings.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace cnnc::settings {

struct Argument;

enum class ValueKind { Number, Quantity, String, Boolean, Word, Call, List, Pipe };

/// One value. Which members mean something depends on the kind.
struct Value {
  ValueKind kind = ValueKind::Word;
  double number = 0;                // Number, Quantity
  bool boolean = false;
  std::string text;                 // Word and Call: the name; String: the content; Quantity: the unit
  std::vector<Argument> arguments;  // Call
  std::vector<Value> items;         // List, Pipe
};

/// An argument of a call; the name is empty for positional ones.
struct Argument {
  std::string name;
  Value value;
};

/// What was wrong with a setting. `help`, where not empty, says what to write.
struct Problem {
  std::string message;
  std::string help;
};

/// Reads a text. The whole of it must be one value; otherwise throws SettingError.
Value parse_value(std::string_view text);

/// The canonical text: one blank after commas and colons, numbers in their shortest form.
std::string print_value(const Value& value);

/// How this folder's functions report problems to each other; `check` and `parse_recipe` turn it into a Problem.
struct SettingError {
  Problem problem;
};

/// Throws SettingError.
[[noreturn]] void refuse(std::string message, std::string help = {});

}  // namespace cnnc::settings
