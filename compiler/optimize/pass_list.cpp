// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// passes.inc as a table.
#include "optimize/pass_list.h"

#include <array>

#include "optimize/passes.h"

namespace cnnc {

std::span<const Pass> all_passes() {
  static constexpr auto kPasses = std::to_array<Pass>({
#define FUNCTION_PASS(name, run, doc) {name, doc, run, nullptr, nullptr},
#define MODULE_PASS(name, run, refusal, doc) {name, doc, nullptr, run, refusal},
#include "optimize/passes.inc"
#undef FUNCTION_PASS
#undef MODULE_PASS
  });
  return kPasses;
}

const Pass* find_pass(std::string_view name) {
  for (const Pass& pass : all_passes()) {
    if (pass.name == name) return &pass;
  }
  return nullptr;
}

Module run_pass(const Pass& pass, const Module& module) {
  if (pass.module != nullptr) return pass.module(module);
  Module result = module;
  for (Function& function : result.functions) function = pass.function(function);
  return result;
}

}  // namespace cnnc
