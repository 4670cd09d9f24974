// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The driver: a function for each function of the program that calls its kernels in order, the parallel loop of kernels and of
// chains, and main.
#include <fmt/format.h>

#include "codegen/kernel_calls.h"
#include "runtime/abi/program.h"

namespace cnnc {
namespace {

using llvm::BasicBlock;
using llvm::IRBuilder;
using llvm::Type;

std::string constant_bytes(const ConstantData& data) {
  const auto count = static_cast<size_t>(element_count(data.type.dims));
  std::string bytes;
  bytes.reserve(count * static_cast<size_t>(element_bytes(data.type.element)));
  auto append = [&](auto value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof value); };
  for (size_t i = 0; i < count; ++i) {
    const double number = data.numbers.size() == 1 ? data.numbers[0] : data.numbers.at(i);
    switch (data.type.element) {
      case ElementType::F32: append(static_cast<float>(number)); break;
      case ElementType::F64: append(number); break;
      case ElementType::I32: append(static_cast<int32_t>(number)); break;
      case ElementType::U8: append(static_cast<uint8_t>(number)); break;
    }
  }
  return bytes;
}

}  // namespace

llvm::Value* load_context_member(IRBuilder<>& builder, llvm::Value* context, ContextMember member) {
  auto* pointer = builder.getPtrTy();
  auto* type = llvm::StructType::get(builder.getContext(), {pointer, pointer, pointer, pointer, pointer, builder.getInt32Ty()});
  const auto index = static_cast<uint32_t>(member);
  return builder.CreateLoad(type->getElementType(index), builder.CreateStructGEP(type, context, index));
}

llvm::Function* define_function(llvm::Module& module, ConstantPool& constants, const FunctionPlan& plan, const Thunks& thunks, const Target& target) {
  const std::string& name = plan.function->name;
  CalledPlan called{plan, thunks, target, {}};
  for (size_t i = 0; i < plan.constants.size(); ++i)
    called.constants.push_back(constants.bytes(constant_bytes(plan.constants[i]), fmt::format("{}.constant{}", name, i)));

  llvm::LLVMContext& context = module.getContext();
  auto* pointer = llvm::PointerType::getUnqual(context);
  auto* type = llvm::FunctionType::get(Type::getInt32Ty(context), {pointer, Type::getInt64Ty(context), pointer, pointer}, false);
  auto* function = llvm::Function::Create(type, llvm::Function::InternalLinkage, name, module);
  KernelCalls calls(called, function);
  calls.begin({function->getArg(0), function->getArg(1), function->getArg(2), function->getArg(3), function->getArg(3)});
  IRBuilder<>& builder = calls.builder();
  ImageRange whole_batch;
  whole_batch.count = builder.CreateTrunc(function->getArg(1), builder.getInt32Ty(), "batch");
  for (size_t k = 0; k < plan.kernels.size();) {
    const Chain* chain = chain_of(plan.chains, k);
    if (chain) call_chain(calls, called, *chain, fmt::format("{}.chain_of_{}", name, plan.kernels[k].name), module);
    else calls.call(k, whole_batch);
    k = chain ? chain->end : k + 1;
  }
  builder.CreateRet(builder.getInt32(CNN_OK));
  return function;
}

llvm::FunctionCallee declare_parallel_for(llvm::Module& module) {
  IRBuilder<> builder(module.getContext());
  auto* i32 = builder.getInt32Ty();
  auto* pointer = builder.getPtrTy();
  return module.getOrInsertFunction("halide_do_par_for", llvm::FunctionType::get(i32, {pointer, pointer, i32, i32, pointer}, false));
}

void define_parallel_for(llvm::Module& module) {
  llvm::LLVMContext& context = module.getContext();
  IRBuilder<> builder(context);
  auto* i32 = builder.getInt32Ty();
  auto* pointer = builder.getPtrTy();
  auto* function = llvm::cast<llvm::Function>(declare_parallel_for(module).getCallee());
  llvm::Value *user = function->getArg(0), *task = function->getArg(1), *begin = function->getArg(2), *count = function->getArg(3),
        *closure = function->getArg(4);
  auto block = [&](const char* name) { return BasicBlock::Create(context, name, function); };
  BasicBlock *entry = block("entry"), *given = block("context"), *parallel = block("parallel"), *serial = block("serial"),
             *loop = block("loop"), *next = block("next"), *done = block("done");

  builder.SetInsertPoint(entry);
  builder.CreateCondBr(builder.CreateIsNull(user), serial, given);
  builder.SetInsertPoint(given);
  llvm::Value* hook = load_context_member(builder, user, ContextMember::ParallelFor);
  builder.CreateCondBr(builder.CreateIsNull(hook), serial, parallel);

  builder.SetInsertPoint(parallel);
  auto* hook_type = llvm::FunctionType::get(i32, {pointer, pointer, pointer, i32, i32, pointer}, false);
  builder.CreateRet(builder.CreateCall(hook_type, hook, {load_context_member(builder, user, ContextMember::Pool), task, user, begin, count, closure}));

  builder.SetInsertPoint(serial);
  builder.CreateCondBr(builder.CreateICmpSGT(count, builder.getInt32(0)), loop, done);
  builder.SetInsertPoint(loop);
  auto* i = builder.CreatePHI(i32, 2, "i");
  auto* task_type = llvm::FunctionType::get(i32, {pointer, i32, pointer}, false);
  llvm::Value* result = builder.CreateCall(task_type, task, {user, builder.CreateAdd(begin, i), closure});
  builder.CreateCondBr(builder.CreateIsNull(result), next, done);
  builder.SetInsertPoint(next);
  llvm::Value* following = builder.CreateAdd(i, builder.getInt32(1));
  builder.CreateCondBr(builder.CreateICmpSLT(following, count), loop, done);
  i->addIncoming(builder.getInt32(0), serial);
  i->addIncoming(following, next);
  builder.SetInsertPoint(done);
  auto* first_failure = builder.CreatePHI(i32, 3, "result");
  first_failure->addIncoming(builder.getInt32(0), serial);
  first_failure->addIncoming(result, loop);
  first_failure->addIncoming(builder.getInt32(0), next);
  builder.CreateRet(first_failure);
}

void define_main(llvm::Module& module, llvm::Constant* program) {
  IRBuilder<> builder(module.getContext());
  auto* i32 = builder.getInt32Ty();
  auto* pointer = builder.getPtrTy();
  auto* main = llvm::Function::Create(llvm::FunctionType::get(i32, {i32, pointer}, false), llvm::Function::ExternalLinkage, "main", module);
  auto run = module.getOrInsertFunction("cnn_main", llvm::FunctionType::get(i32, {i32, pointer, pointer}, false));
  builder.SetInsertPoint(BasicBlock::Create(module.getContext(), "entry", main));
  builder.CreateRet(builder.CreateCall(run, {main->getArg(0), main->getArg(1), program}));
}

}  // namespace cnnc
