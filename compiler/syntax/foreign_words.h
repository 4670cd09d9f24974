// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Words that people bring from other languages and frameworks, with what to write instead. Tests: test/grammar.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace cnnc {

struct ForeignWord {
  std::string help;
};

/// A word that begins a statement elsewhere: `def`, `for`, `class`.
std::optional<ForeignWord> foreign_statement(std::string_view word);
/// A word that is a value elsewhere: `None`, `True`, `self`.
std::optional<ForeignWord> foreign_value(std::string_view word);
/// `nn.Conv2d`, `self.conv1`, `torch.relu`.
std::optional<ForeignWord> foreign_member(std::string_view module, std::string_view member);
/// The name that a layer or function of PyTorch or Keras has here: `Conv2d` → `conv`.
std::optional<std::string> familiar_layer(std::string_view name);
/// For a layer of PyTorch or Keras that has no counterpart of its own here: what comes nearest, or that nothing does yet.
std::optional<std::string> nearest_to_missing_layer(std::string_view name);

}  // namespace cnnc
