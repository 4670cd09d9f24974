// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// LLVM module → optimised module → object code or assembly, and the run of `prepare` at build time through ORC.
//
// Kernels come optimised from Halide. What is left is to dissolve thunks and buffers: inlining, scalar replacement, clean-up;
// LLVM's loop and vector passes do not run again over code whose shape the schedule has chosen.
#include <fmt/format.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/IPO/Internalize.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <cstdlib>
#include <set>

#include "codegen/llvm_module.h"
#include "runtime/abi/program.h"
#include "support/check.h"

namespace cnnc {
namespace {

std::unique_ptr<llvm::TargetMachine> target_machine(const llvm::Module& module, const Target& target) {
  static const bool initialised = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    return true;
  }();
  (void)initialised;
  std::string error;
  const auto* found = llvm::TargetRegistry::lookupTarget(module.getTargetTriple(), error);
  CNNC_CHECK(found, "LLVM has no code generator for the target: " + error);
  return std::unique_ptr<llvm::TargetMachine>(
      found->createTargetMachine(module.getTargetTriple(), llvm::StringRef(target.llvm_cpu.data(), target.llvm_cpu.size()), "",
                                 llvm::TargetOptions(), llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

void run_passes(llvm::Module& module, llvm::TargetMachine& machine, const char* pipeline) {
  llvm::PassBuilder builder(&machine);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::ModulePassManager passes;
  auto error = builder.parsePassPipeline(passes, pipeline);
  CNNC_CHECK(!error, "LLVM does not know the pipeline: " + llvm::toString(std::move(error)));
  passes.run(module, modules);
}

void check_verified(const llvm::Module& module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  CNNC_CHECK(!llvm::verifyModule(module, &out), "the generated LLVM module is not valid: " + text);
}

}  // namespace

void internalise(llvm::Module& module, const std::vector<std::string>& exported) {
  const std::set<std::string, std::less<>> keep(exported.begin(), exported.end());
  llvm::internalizeModule(module, [&](const llvm::GlobalValue& value) { return keep.contains(std::string_view(value.getName())); });
  check_verified(module);
  // Invariant: a kernel uses nothing from Halide's runtime; memory and errors are the plan's and the driver's business.
  for (const llvm::Function& function : module)
    CNNC_CHECK(!(function.isDeclaration() && function.getName().starts_with("halide_") && !function.use_empty()),
               "a kernel calls " + function.getName().str() + ", which built programs do not have");
}

void optimise_module(llvm::Module& module, const Target& target) {
  auto machine = target_machine(module, target);
  run_passes(module, *machine,
             "globaldce,cgscc(inline<only-mandatory>,inline),function(sroa,early-cse,simplifycfg,instsimplify,adce),globaldce,constmerge");
  check_verified(module);
}

std::string emit_object(llvm::Module& module, const Target& target, bool assembly) {
  auto machine = target_machine(module, target);
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream out(bytes);
  llvm::legacy::PassManager passes;
  const auto kind = assembly ? llvm::CodeGenFileType::AssemblyFile : llvm::CodeGenFileType::ObjectFile;
  CNNC_CHECK(!machine->addPassesToEmitFile(passes, out, nullptr, kind), "LLVM cannot emit this kind of file");
  passes.run(module);
  return {bytes.begin(), bytes.end()};
}

std::string run_prepare(const llvm::Module& module, const ProgramParts& parts, const std::string& function) {
  auto copy = llvm::CloneModule(module);
  llvm::Function* entry = copy->getFunction(function);
  CNNC_CHECK(entry, "the program has no function " + function);
  entry->setLinkage(llvm::GlobalValue::ExternalLinkage);
  const std::string symbol = "cnn_prepare_at_build";
  entry->setName(symbol);
  internalise(*copy, {symbol});
  optimise_module(*copy, *parts.plan->target);
  const std::string object = emit_object(*copy, *parts.plan->target, false);

  auto jit = llvm::cantFail(llvm::orc::LLJITBuilder().create());
  llvm::cantFail(jit->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(object, "prepare")));
  auto found = jit->lookup(symbol);
  CNNC_CHECK(static_cast<bool>(found), "prepare cannot be run: " + llvm::toString(found.takeError()));

  const FunctionPlan* plan = nullptr;
  for (const FunctionPlan& candidate : parts.plan->functions)
    if (candidate.function->name == function) plan = &candidate;
  auto allocate = [](int64_t bytes) {
    const size_t rounded = (static_cast<size_t>(bytes) + 127) / 64 * 64;
    std::unique_ptr<void, decltype(&std::free)> memory(std::aligned_alloc(64, rounded), &std::free);
    CNNC_CHECK(memory, "not enough memory to prepare the weights");
    std::memset(memory.get(), 0, rounded);
    return memory;
  };
  auto weights = allocate(static_cast<int64_t>(parts.embedded->weights.size()));
  auto states = allocate(static_cast<int64_t>(parts.embedded->states.size()));
  auto prepared = allocate(parts.plan->prepared_bytes);
  auto workspace = allocate(plan->workspace_fixed + plan->workspace_per_group);
  std::memcpy(weights.get(), parts.embedded->weights.data(), parts.embedded->weights.size());
  std::memcpy(states.get(), parts.embedded->states.data(), parts.embedded->states.size());
  void* buffers[CNN_COLUMNS] = {};
  buffers[CNN_WEIGHTS] = weights.get();
  buffers[CNN_STATES] = states.get();
  buffers[CNN_PREPARED] = prepared.get();
  auto* call = found->toPtr<int32_t (*)(void* const*, int64_t, void*, const cnn_context*)>();
  const int32_t status = call(buffers, 1, workspace.get(), nullptr);
  CNNC_CHECK(status == CNN_OK, "prepare failed");
  return {static_cast<const char*>(prepared.get()), static_cast<size_t>(parts.plan->prepared_bytes)};
}

}  // namespace cnnc
