// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The driver's road (link, internalise, optimise, emit) for parts of a program, and ORC to load them.
#include "codegen/kernel_objects.h"

#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/TargetParser/Triple.h>

#include "codegen/kernel_cache.h"
#include "codegen/llvm_module.h"
#include "support/check.h"

namespace cnnc {
namespace {

/// KernelEntry around a thunk.
void define_entry(llvm::Module& module, llvm::Function& thunk, const std::string& name, const Target& target) {
  llvm::IRBuilder<> builder(module.getContext());
  auto* pointer = builder.getPtrTy();
  auto* type = llvm::FunctionType::get(builder.getInt32Ty(), {pointer, builder.getInt32Ty(), pointer}, false);
  auto* entry = llvm::Function::Create(type, llvm::Function::ExternalLinkage, name, module);
  set_target_attributes(*entry, target);
  builder.SetInsertPoint(llvm::BasicBlock::Create(module.getContext(), "entry", entry));
  std::vector<llvm::Value*> arguments = {entry->getArg(0), entry->getArg(1)};
  for (unsigned i = 2; i < thunk.arg_size(); ++i)
    arguments.push_back(builder.CreateLoad(pointer, builder.CreateConstInBoundsGEP1_64(pointer, entry->getArg(2), i - 2)));
  builder.CreateRet(builder.CreateCall(&thunk, arguments));
}

std::string emit(llvm::Module& module, const std::vector<std::string>& exported, const Target& target) {
  internalise(module, exported);
  optimise_module(module, target);
  return emit_object(module, target, false);
}

}  // namespace

std::string kernel_entry_name(const std::string& signature) { return "entry_" + fingerprint(signature); }

std::string kernel_object(const KernelCode& code, const Target& target) {
  llvm::LLVMContext context;
  llvm::Module module(code.function, context);
  set_platform(module);
  CompiledKernels one;
  one.by_signature[code.kernel->signature] = code;
  const auto thunks = link_kernels(module, one, target);
  define_parallel_for(module);
  const std::string name = kernel_entry_name(code.kernel->signature);
  define_entry(module, *thunks.at(code.kernel->signature), name, target);
  return emit(module, {name}, target);
}

std::string functions_object(const ModulePlan& plan, const CompiledKernels& kernels, const std::string& prefix) {
  llvm::LLVMContext context;
  llvm::Module module("functions", context);
  set_platform(module);
  const auto thunks = link_kernels(module, kernels, *plan.target);
  define_parallel_for(module);
  ConstantPool constants(module);
  std::vector<std::string> names;
  for (const FunctionPlan& function : plan.functions) {
    llvm::Function* defined = define_function(module, constants, function, thunks, *plan.target);
    names.push_back(prefix + function.function->name);
    defined->setName(names.back());
    defined->setLinkage(llvm::Function::ExternalLinkage);
  }
  return emit(module, names, *plan.target);
}

struct LoadedObjects::Implementation {
  std::unique_ptr<llvm::orc::LLJIT> jit;

  template <class Entry>
  Entry find(const std::string& name) const {
    auto found = jit->lookup(name);
    CNNC_CHECK(static_cast<bool>(found), "a loaded object has no " + name + ": " + llvm::toString(found.takeError()));
    return found->toPtr<Entry>();
  }
};

LoadedObjects::LoadedObjects() : implementation_(std::make_unique<Implementation>()) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  implementation_->jit = llvm::cantFail(llvm::orc::LLJITBuilder().create());
}
LoadedObjects::~LoadedObjects() = default;

void LoadedObjects::add(const std::string& object) {
  llvm::cantFail(implementation_->jit->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(object, "kernels")));
}
KernelEntry LoadedObjects::kernel(const std::string& name) const { return implementation_->find<KernelEntry>(name); }
FunctionEntry LoadedObjects::function(const std::string& name) const { return implementation_->find<FunctionEntry>(name); }

}  // namespace cnnc
