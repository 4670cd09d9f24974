// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// class Program: the LLVM module of a program from its parts.
#include <llvm/Support/raw_ostream.h>
#include <llvm/TargetParser/Triple.h>

#include "codegen/llvm_module.h"
#include "support/injected_fault.h"

namespace cnnc {

struct Program::Implementation {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module;
  const Target* target = nullptr;
};

namespace {

// What Halide writes for x86-64 Linux; linking needs equal ones.
constexpr const char* kTriple = "x86_64--linux-gnu";
constexpr const char* kDataLayout =
    "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128";

std::vector<std::string> exported_names(const ProgramParts& parts, OutputKind kind) {
  if (kind == OutputKind::Executable) return {"main", "cnn_main"};
  return c_entry_points(parts);
}

}  // namespace

void set_platform(llvm::Module& module) {
  module.setTargetTriple(llvm::Triple(kTriple));
  module.setDataLayout(kDataLayout);
}

Program::Program(const ProgramParts& parts, OutputKind kind) : implementation_(std::make_unique<Implementation>()) {
  auto& [context, module, target] = *implementation_;
  target = parts.plan->target;
  module = std::make_unique<llvm::Module>(parts.module->network, context);
  set_platform(*module);
  module->setSourceFileName(parts.module->network);

  const auto thunks = link_kernels(*module, *parts.kernels, *target);
  define_parallel_for(*module);
  ConstantPool constants(*module);
  std::vector<llvm::Function*> functions;
  for (const FunctionPlan& plan : parts.plan->functions)
    functions.push_back(define_function(*module, constants, plan, thunks, *target));

  const std::string prepared = parts.embedded ? run_prepare(*module, parts, "prepare") : std::string();
  if (kind == OutputKind::Executable)
    define_main(*module, program_descriptor(constants, parts, functions, prepared));
  else
    define_c_entry_points(*module, constants, parts, functions, prepared);
  internalise(*module, exported_names(parts, kind));
}

Program::~Program() = default;

void Program::optimise() {
  inject_fault("llvm");
  optimise_module(*implementation_->module, *implementation_->target);
}

std::string Program::llvm_text() const {
  std::string text;
  llvm::raw_string_ostream out(text);
  implementation_->module->print(out, nullptr);
  return text;
}

std::string Program::assembly() const { return emit_object(*implementation_->module, *implementation_->target, true); }
std::string Program::object() const { return emit_object(*implementation_->module, *implementation_->target, false); }

}  // namespace cnnc
