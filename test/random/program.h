// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A random network as a list of statements, which can be printed as .cnn text, cut down and changed; and the text's module.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace cnnc::random_programs {

/// `name = input -> callee(inputs…, arguments…)`, or `name = a + b` where the callee is an operator.
struct Statement {
  struct Argument {
    std::string name, text;           // a positional argument has no name
    bool required = false;
  };
  std::string name, callee;
  std::string shared = {};            // the name in `share(…)`; empty: not shared
  std::vector<std::string> inputs = {};    // names of values, or numbers
  std::vector<Argument> arguments = {};
  bool piped = false;                 // the first input stands before `->`
  bool is_operator = false;
  int64_t parts = 0;                  // of a list, which `split` gives; 0: one value
};

struct RandomProgram {
  Dims input;
  int64_t batch = 1;
  std::vector<Statement> statements;
  std::string output;                 // the value that the network gives
  std::string loss, optimizer, metrics;   // setting texts; no loss: a network alone
};

/// The names of a statement's values: `v3`, or `v3[0]`, `v3[1]` for a list.
std::vector<std::string> value_names(const Statement& statement);
std::string to_text(const RandomProgram& program);
/// Without the statements that the output does not need.
RandomProgram without_unused(const RandomProgram& program);

/// The module that sema makes of the text; nothing when it reports errors, whose text then stands in `errors`.
std::optional<Module> analyse_text(const std::string& text, ElementType element, std::string* errors = nullptr);

/// The batch that the recipe of a generated text says.
int64_t batch_of(const Module& module);

}  // namespace cnnc::random_programs
