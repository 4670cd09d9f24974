// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Straight code: before each kernel it looks at context->stop, after each one it tells context->kernel_done.
#include "codegen/kernel_calls.h"

#include <fmt/format.h>

#include "runtime/abi/program.h"
#include "support/check.h"

namespace cnnc {

using llvm::BasicBlock;
using llvm::IRBuilder;

KernelCalls::KernelCalls(const CalledPlan& called, llvm::Function* function) : called_(called), function_(function), builder_(function->getContext()) {
  set_target_attributes(*function, called.target);
  builder_.SetInsertPoint(block("entry"));
  stopped_ = block("stopped");
  IRBuilder<>(stopped_).CreateRet(builder_.getInt32(CNN_STOPPED));
}

void KernelCalls::begin(const CallArguments& arguments) {
  arguments_ = arguments;
  groups_ = divide_up(arguments.batch, number(called_.plan.group), "groups");
  // stop_ points to a flag, whatever of the context is null.
  auto* given = block("context");
  auto* start = block("start");
  auto* null = llvm::ConstantPointerNull::get(builder_.getPtrTy());
  llvm::Value* never = builder_.CreateAlloca(builder_.getInt32Ty(), nullptr, "never");
  builder_.CreateStore(builder_.getInt32(0), never);
  BasicBlock* entry = builder_.GetInsertBlock();
  builder_.CreateCondBr(builder_.CreateIsNull(arguments.context), start, given);
  builder_.SetInsertPoint(given);
  llvm::Value* stop = load_context_member(builder_, arguments.context, ContextMember::Stop);
  llvm::Value* flag = builder_.CreateSelect(builder_.CreateIsNull(stop), never, stop);
  llvm::Value* done = load_context_member(builder_, arguments.context, ContextMember::KernelDone);
  llvm::Value* profile = load_context_member(builder_, arguments.context, ContextMember::Profile);
  llvm::Value* threads = load_context_member(builder_, arguments.context, ContextMember::Threads);
  builder_.CreateBr(start);
  builder_.SetInsertPoint(start);
  auto merge = [&](llvm::Value* absent, llvm::Value* present, const char* name) {
    auto* phi = builder_.CreatePHI(absent->getType(), 2, name);
    phi->addIncoming(absent, entry);
    phi->addIncoming(present, given);
    return phi;
  };
  stop_ = merge(never, flag, "stop");
  kernel_done_ = merge(null, done, "kernel_done");
  profile_ = merge(null, profile, "profile");
  threads_ = merge(builder_.getInt32(0), threads, "threads");
}

void KernelCalls::call(size_t index, const ImageRange& images) {
  const Kernel& kernel = called_.plan.kernels[index];
  auto* run = block(kernel.name);
  auto* report = block(kernel.name + ".report");
  auto* next = block(kernel.name + ".next");
  llvm::Value* flag = builder_.CreateLoad(builder_.getInt32Ty(), stop_, /*isVolatile=*/true);
  builder_.CreateCondBr(builder_.CreateIsNull(flag), run, stopped_);

  builder_.SetInsertPoint(run);
  std::vector<llvm::Value*> arguments = {arguments_.kernel_context, images.count};
  for (ValueId value : kernel.reads) arguments.push_back(address(value, images));
  for (ValueId value : kernel.writes) arguments.push_back(address(value, images));
  builder_.CreateCall(called_.thunks.at(kernel.signature), arguments);
  builder_.CreateCondBr(builder_.CreateIsNull(kernel_done_), next, report);

  builder_.SetInsertPoint(report);
  auto* type = llvm::FunctionType::get(builder_.getVoidTy(), {builder_.getPtrTy(), builder_.getInt32Ty()}, false);
  builder_.CreateCall(type, kernel_done_, {profile_, builder_.getInt32(static_cast<uint32_t>(index))});
  builder_.CreateBr(next);
  builder_.SetInsertPoint(next);
}

llvm::Value* KernelCalls::buffer(int32_t index) {
  auto [entry, is_new] = buffers_.emplace(index, nullptr);
  if (is_new) {
    // All loads stand in the entry block, so that they dominate every use.
    IRBuilder<> at_entry(function_->getEntryBlock().getTerminator());
    llvm::Value* slot = at_entry.CreateConstInBoundsGEP1_64(at_entry.getPtrTy(), arguments_.buffers, static_cast<uint64_t>(index));
    entry->second = at_entry.CreateLoad(at_entry.getPtrTy(), slot, fmt::format("buffer{}", index));
  }
  return entry->second;
}

/// Where the images begin, of a value that lies in memory for the whole batch.
llvm::Value* KernelCalls::at_first_image(llvm::Value* base, ValueId value, const ImageRange& images) {
  if (!images.first) return base;
  const FunctionPlan& plan = called_.plan;
  const int64_t bytes = step_bytes(plan.function->graph.type(value), plan.layouts.at(static_cast<size_t>(value.index)));
  return advance(base, builder_.CreateMul(images.first, number(bytes)));
}

llvm::Value* KernelCalls::address(ValueId value, const ImageRange& images) {
  const FunctionPlan& plan = called_.plan;
  const Place& place = plan.places.at(static_cast<size_t>(value.index));
  switch (place.kind) {
    case Place::Flat: return advance(buffer(place.buffer), number(place.offset));
    case Place::Column: return at_first_image(advance(buffer(CNN_COLUMNS + place.buffer), number(place.inner)), value, images);
    case Place::Scalar: return advance(buffer(CNN_SCALARS), number(8 * place.buffer));
    case Place::Fixed: return advance(arguments_.workspace, number(place.offset));
    case Place::Slot: return advance(images.slot, number(place.offset + place.inner));
    case Place::PerGroup: {
      llvm::Value* offset = builder_.CreateAdd(number(plan.workspace_fixed + place.inner), builder_.CreateMul(groups_, number(place.offset)));
      return at_first_image(advance(arguments_.workspace, offset), value, images);
    }
    case Place::Constant: return called_.constants.at(static_cast<size_t>(place.buffer));
    case Place::None: break;
  }
  CNNC_CHECK(false, fmt::format("value %{} of {} has no place", value.index, plan.function->name));
  return nullptr;
}

}  // namespace cnnc
