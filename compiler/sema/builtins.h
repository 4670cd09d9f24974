// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions that exist only when compiling: sizes of tensors, tables of numbers, layers that the table of ops does not need.
#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "sema/value.h"

namespace cnnc::sema {

class Evaluator;
struct Call;

struct Builtin {
  std::string_view name;
  size_t arguments;               // all positional
  std::string_view usage;         // "channels(x)"
  Value (*evaluate)(Evaluator&, const Call&);
};

const Builtin* find_builtin(std::string_view name);
std::span<const Builtin> all_builtins();

}  // namespace cnnc::sema
