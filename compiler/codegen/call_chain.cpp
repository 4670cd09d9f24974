// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A chain in the driver: a task that takes one part of the batch through all kernels of the chain, and the loop over the parts.
// Each part has memory of its own while it is under way, a slot; a word before the slots tells, bit by bit, which are taken.
#include <llvm/IR/IntrinsicsX86.h>

#include "codegen/kernel_calls.h"
#include "runtime/abi/program.h"
#include "support/check.h"

namespace cnnc {
namespace {

using llvm::AtomicOrdering;
using llvm::IRBuilder;
using llvm::Value;

const llvm::Align kWordAlignment(8);

/// The closure of a chain's tasks: CallArguments, all as 64 bits.
llvm::ArrayType* closure_type(IRBuilder<>& builder) { return llvm::ArrayType::get(builder.getInt64Ty(), 5); }

Value* closure_member(IRBuilder<>& builder, Value* closure, uint32_t index) {
  return builder.CreateConstInBoundsGEP2_32(closure_type(builder), closure, 0, index);
}

/// Takes the first slot that is free, and waits for one where none is. Gives its bit.
Value* take_slot(KernelCalls& calls, Value* taken, const Chain& chain) {
  IRBuilder<>& builder = calls.builder();
  auto* i64 = builder.getInt64Ty();
  auto *look = calls.block("look"), *wait = calls.block("wait"), *take = calls.block("take"), *begin = calls.block("begin");
  builder.CreateBr(look);
  builder.SetInsertPoint(look);
  auto* before = builder.CreateLoad(i64, taken);
  before->setAtomic(AtomicOrdering::Acquire);
  before->setAlignment(kWordAlignment);
  const uint64_t all = chain.slots >= 64 ? ~uint64_t{0} : (uint64_t{1} << chain.slots) - 1;
  Value* free = builder.CreateAnd(builder.CreateNot(before), builder.getInt64(all));
  builder.CreateCondBr(builder.CreateIsNull(free), wait, take);
  builder.SetInsertPoint(wait);
  builder.CreateIntrinsic(llvm::Intrinsic::x86_sse2_pause, {});
  builder.CreateBr(look);
  builder.SetInsertPoint(take);
  Value* bit = builder.CreateAnd(free, builder.CreateNeg(free), "bit");
  Value* exchange = builder.CreateAtomicCmpXchg(taken, before, builder.CreateOr(before, bit), kWordAlignment, AtomicOrdering::AcquireRelease, AtomicOrdering::Acquire);
  builder.CreateCondBr(builder.CreateExtractValue(exchange, 1), begin, look);
  builder.SetInsertPoint(begin);
  return bit;
}

/// int32_t (void* user, int32_t part, uint8_t* closure)
llvm::Function* define_task(const CalledPlan& called, const Chain& chain, const std::string& name, llvm::Module& module) {
  llvm::LLVMContext& context = module.getContext();
  auto* pointer = llvm::PointerType::getUnqual(context);
  auto* i32 = llvm::Type::getInt32Ty(context);
  auto* function = llvm::Function::Create(llvm::FunctionType::get(i32, {pointer, i32, pointer}, false), llvm::Function::InternalLinkage, name, module);
  KernelCalls calls(called, function);
  IRBuilder<>& builder = calls.builder();
  const auto load = [&](uint32_t index, llvm::Type* type) { return builder.CreateLoad(type, closure_member(builder, function->getArg(2), index)); };
  calls.begin({load(0, pointer), load(1, builder.getInt64Ty()), load(2, pointer), load(3, pointer), load(4, pointer)});

  Value* taken = calls.advance(calls.arguments().workspace, calls.number(chain.offset));
  Value* bit = take_slot(calls, taken, chain);
  Value* slot = builder.CreateIntrinsic(llvm::Intrinsic::cttz, {builder.getInt64Ty()}, {bit, builder.getTrue()});
  ImageRange images;
  images.slot = calls.advance(taken, builder.CreateAdd(calls.number(kTakenSlotsBytes), builder.CreateMul(slot, calls.number(chain.slot_bytes))));
  images.first = builder.CreateMul(builder.CreateZExt(function->getArg(1), builder.getInt64Ty()), calls.number(chain.images), "first");
  Value* rest = builder.CreateSub(calls.arguments().batch, images.first);
  images.count = builder.CreateTrunc(builder.CreateBinaryIntrinsic(llvm::Intrinsic::umin, rest, calls.number(chain.images)), i32, "images");
  for (size_t k = chain.first; k < chain.end; ++k) calls.call(k, images);
  const auto give_back = [&](IRBuilder<>& at) { at.CreateAtomicRMW(llvm::AtomicRMWInst::And, taken, at.CreateNot(bit), kWordAlignment, AtomicOrdering::Release); };
  give_back(builder);
  builder.CreateRet(builder.getInt32(CNN_OK));
  IRBuilder<> when_stopped(calls.stopped()->getTerminator());
  give_back(when_stopped);
  return function;
}

/// Whether threads that take whole parts have work for five sixths of the time, and slots for all of them. Kernels that are
/// measured one by one, and threads that nobody has counted, run them in parallel inside the parts instead.
Value* is_parallel(KernelCalls& calls, const Chain& chain, Value* parts) {
  IRBuilder<>& builder = calls.builder();
  Value* threads = builder.CreateZExt(calls.threads(), builder.getInt64Ty());
  Value* at_least_one = builder.CreateBinaryIntrinsic(llvm::Intrinsic::umax, threads, calls.number(1));
  Value* time = builder.CreateMul(builder.CreateMul(calls.divide_up(parts, at_least_one), at_least_one), calls.number(5));
  Value* is_busy = builder.CreateICmpULE(time, builder.CreateMul(parts, calls.number(6)));
  // Without signs: 0 less 1, which is no number of threads, does not fit.
  Value* fits = builder.CreateICmpULE(builder.CreateSub(threads, calls.number(1)), calls.number(chain.slots - 1));
  return builder.CreateAnd(builder.CreateIsNull(calls.kernel_done()), builder.CreateAnd(is_busy, fits), "parallel");
}

}  // namespace

void call_chain(KernelCalls& calls, const CalledPlan& called, const Chain& chain, const std::string& name, llvm::Module& module) {
  CNNC_CHECK(chain.slots >= 1 && chain.slots <= 64, "slots are bits of a word");
  llvm::Function* task = define_task(called, chain, name, module);
  IRBuilder<>& builder = calls.builder();
  const CallArguments& arguments = calls.arguments();
  llvm::Value* parts = calls.divide_up(arguments.batch, calls.number(chain.images), "parts");
  builder.CreateStore(calls.number(0), calls.advance(arguments.workspace, calls.number(chain.offset)));
  llvm::Value* parallel = is_parallel(calls, chain, parts);
  auto* null = llvm::ConstantPointerNull::get(builder.getPtrTy());

  llvm::BasicBlock& entry = builder.GetInsertBlock()->getParent()->getEntryBlock();
  llvm::Value* closure = IRBuilder<>(&entry, entry.begin()).CreateAlloca(closure_type(builder), nullptr, "closure");
  llvm::Value* const kernel_context = builder.CreateSelect(parallel, null, arguments.kernel_context);
  llvm::Value* const members[] = {arguments.buffers, arguments.batch, arguments.workspace, arguments.context, kernel_context};
  for (uint32_t i = 0; i < std::size(members); ++i) builder.CreateStore(members[i], closure_member(builder, closure, i));

  llvm::Value* user = builder.CreateSelect(parallel, arguments.context, null);
  llvm::Value* count = builder.CreateTrunc(parts, builder.getInt32Ty());
  llvm::Value* result = builder.CreateCall(declare_parallel_for(module), {user, task, builder.getInt32(0), count, closure});
  auto* next = calls.block("chain.next");
  builder.CreateCondBr(builder.CreateIsNull(result), next, calls.stopped());
  builder.SetInsertPoint(next);
}

}  // namespace cnnc
