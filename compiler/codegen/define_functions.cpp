// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The driver: for each function of the program, straight code that computes where every value lies and calls the kernels in
// order; those of a chain in a loop over parts of the batch. Before each kernel it looks at context->stop; after each one it tells
// context->kernel_done.
#include <fmt/format.h>

#include "codegen/llvm_module.h"
#include "runtime/abi/program.h"
#include "support/check.h"

namespace cnnc {
namespace {

using llvm::BasicBlock;
using llvm::IRBuilder;
using llvm::Type;
using llvm::Value;

// Members of cnn_context, in order.
enum ContextField : uint32_t { kParallelFor, kPool, kStop, kKernelDone, kProfile };

llvm::StructType* context_type(llvm::LLVMContext& context) {
  return llvm::StructType::get(context, std::vector<Type*>(5, llvm::PointerType::getUnqual(context)));
}

/// Loads a member of a context that is not null.
Value* load_member(IRBuilder<>& builder, Value* context, ContextField field) {
  return builder.CreateLoad(builder.getPtrTy(), builder.CreateStructGEP(context_type(builder.getContext()), context, field));
}

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

class FunctionDriver {
 public:
  FunctionDriver(llvm::Module& module, ConstantPool& constants, const FunctionPlan& plan, const Target& target)
      : plan_(plan), context_(module.getContext()), builder_(context_) {
    auto* pointer = builder_.getPtrTy();
    auto* type = llvm::FunctionType::get(builder_.getInt32Ty(), {pointer, builder_.getInt64Ty(), pointer, pointer}, false);
    function_ = llvm::Function::Create(type, llvm::Function::InternalLinkage, plan.function->name, module);
    set_target_attributes(*function_, target);
    builder_.SetInsertPoint(BasicBlock::Create(context_, "entry", function_));
    batch_ = builder_.CreateTrunc(function_->getArg(1), builder_.getInt32Ty(), "batch");
    groups_ = builder_.CreateUDiv(builder_.CreateAdd(function_->getArg(1), builder_.getInt64(static_cast<uint64_t>(plan.group - 1))),
                                  builder_.getInt64(static_cast<uint64_t>(plan.group)), "groups");
    for (size_t i = 0; i < plan.constants.size(); ++i)
      constants_.push_back(constants.bytes(constant_bytes(plan.constants[i]), fmt::format("{}.constant{}", plan.function->name, i)));
    load_context();
  }

  llvm::Function* define(const std::map<std::string, llvm::Function*>& thunks) {
    auto* stopped = BasicBlock::Create(context_, "stopped", function_);
    IRBuilder<>(stopped).CreateRet(builder_.getInt32(CNN_STOPPED));
    for (size_t i = 0; i < plan_.kernels.size();) {
      const Chain* chain = chain_of(plan_.chains, i);
      if (chain) call_chain(*chain, thunks, stopped);
      else call_kernel(i, thunks, stopped);
      i = chain ? static_cast<size_t>(chain->end) : i + 1;
    }
    builder_.CreateRet(builder_.getInt32(CNN_OK));
    return function_;
  }

 private:
  /// stop_ points to a flag and kernel_done_ is a function or null, whatever of the context is null.
  void load_context() {
    Value* context = function_->getArg(3);
    auto* given = BasicBlock::Create(context_, "context", function_);
    auto* start = BasicBlock::Create(context_, "start", function_);
    auto* null = llvm::ConstantPointerNull::get(builder_.getPtrTy());
    Value* zero = builder_.CreateAlloca(builder_.getInt32Ty(), nullptr, "never");
    builder_.CreateStore(builder_.getInt32(0), zero);
    BasicBlock* entry = builder_.GetInsertBlock();
    builder_.CreateCondBr(builder_.CreateIsNull(context), start, given);
    builder_.SetInsertPoint(given);
    Value* stop = load_member(builder_, context, kStop);
    Value* flag = builder_.CreateSelect(builder_.CreateIsNull(stop), zero, stop);
    Value* done = load_member(builder_, context, kKernelDone);
    Value* profile = load_member(builder_, context, kProfile);
    builder_.CreateBr(start);
    builder_.SetInsertPoint(start);
    auto merge = [&](Value* absent, Value* present, const char* name) {
      auto* phi = builder_.CreatePHI(builder_.getPtrTy(), 2, name);
      phi->addIncoming(absent, entry);
      phi->addIncoming(present, given);
      return phi;
    };
    stop_ = merge(zero, flag, "stop");
    kernel_done_ = merge(null, done, "kernel_done");
    profile_ = merge(null, profile, "profile");
  }

  Value* buffer(int32_t index) {
    auto [entry, is_new] = buffers_.emplace(index, nullptr);
    if (is_new) {
      // All loads stand in the entry block, so that they dominate every use.
      IRBuilder<> at_entry(function_->getEntryBlock().getTerminator());
      Value* slot = at_entry.CreateConstInBoundsGEP1_64(at_entry.getPtrTy(), function_->getArg(0), static_cast<uint64_t>(index));
      entry->second = at_entry.CreateLoad(at_entry.getPtrTy(), slot, fmt::format("buffer{}", index));
    }
    return entry->second;
  }

  /// Calls the kernels of a chain for its number of images, until all are done.
  void call_chain(const Chain& chain, const std::map<std::string, llvm::Function*>& thunks, BasicBlock* stopped) {
    auto* loop = BasicBlock::Create(context_, "chain", function_);
    auto* after = BasicBlock::Create(context_, "chain.done", function_);
    auto* i64 = builder_.getInt64Ty();
    Value *whole_batch = batch_, *all = function_->getArg(1), *images = builder_.getInt64(static_cast<uint64_t>(chain.images));
    BasicBlock* before = builder_.GetInsertBlock();
    builder_.CreateBr(loop);
    builder_.SetInsertPoint(loop);
    auto* first = builder_.CreatePHI(i64, 2, "first");
    first->addIncoming(llvm::ConstantInt::get(i64, 0), before);
    Value* rest = builder_.CreateSub(all, first);
    batch_ = builder_.CreateTrunc(builder_.CreateSelect(builder_.CreateICmpULT(rest, images), rest, images), builder_.getInt32Ty(), "images");
    first_image_ = first;
    for (int32_t k = chain.first; k < chain.end; ++k) call_kernel(static_cast<size_t>(k), thunks, stopped);
    Value* next = builder_.CreateAdd(first, images);
    first->addIncoming(next, builder_.GetInsertBlock());
    builder_.CreateCondBr(builder_.CreateICmpULT(next, all), loop, after);
    builder_.SetInsertPoint(after);
    batch_ = whole_batch, first_image_ = nullptr;
  }

  /// In a chain: where the images of the present part begin, of a value that lies in memory for the whole batch.
  Value* at_first_image(Value* base, ValueId value) {
    if (!first_image_) return base;
    const int64_t bytes = stored_bytes(plan_.function->graph.type(value), plan_.layouts.at(static_cast<size_t>(value.index)));
    return offset(base, builder_.CreateMul(first_image_, builder_.getInt64(static_cast<uint64_t>(bytes))));
  }

  Value* offset(Value* base, Value* bytes) { return builder_.CreateGEP(builder_.getInt8Ty(), base, bytes); }

  Value* address(ValueId value) {
    const Place& place = plan_.places.at(static_cast<size_t>(value.index));
    auto bytes = [&](int64_t count) { return builder_.getInt64(static_cast<uint64_t>(count)); };
    switch (place.kind) {
      case Place::Flat: return offset(buffer(place.buffer), bytes(place.offset));
      case Place::Column: return at_first_image(buffer(CNN_COLUMNS + place.buffer), value);
      case Place::Scalar: return offset(buffer(CNN_SCALARS), bytes(8 * place.buffer));
      case Place::Fixed: return offset(function_->getArg(2), bytes(place.offset));
      case Place::PerGroup:
        return at_first_image(offset(function_->getArg(2), builder_.CreateAdd(bytes(plan_.workspace_fixed), builder_.CreateMul(groups_, bytes(place.offset)))), value);
      case Place::Constant: return constants_.at(static_cast<size_t>(place.buffer));
      case Place::None: break;
    }
    CNNC_CHECK(false, fmt::format("value %{} of {} has no place", value.index, plan_.function->name));
    return nullptr;
  }

  void call_kernel(size_t index, const std::map<std::string, llvm::Function*>& thunks, BasicBlock* stopped) {
    const Kernel& kernel = plan_.kernels[index];
    auto* run = BasicBlock::Create(context_, kernel.name, function_);
    auto* report = BasicBlock::Create(context_, kernel.name + ".report", function_);
    auto* next = BasicBlock::Create(context_, kernel.name + ".next", function_);
    Value* flag = builder_.CreateLoad(builder_.getInt32Ty(), stop_, /*isVolatile=*/true);
    builder_.CreateCondBr(builder_.CreateIsNull(flag), run, stopped);

    builder_.SetInsertPoint(run);
    std::vector<Value*> arguments = {function_->getArg(3), batch_};
    for (ValueId value : kernel.reads) arguments.push_back(address(value));
    for (ValueId value : kernel.writes) arguments.push_back(address(value));
    builder_.CreateCall(thunks.at(kernel.signature), arguments);
    builder_.CreateCondBr(builder_.CreateIsNull(kernel_done_), next, report);

    builder_.SetInsertPoint(report);
    auto* type = llvm::FunctionType::get(builder_.getVoidTy(), {builder_.getPtrTy(), builder_.getInt32Ty()}, false);
    builder_.CreateCall(type, kernel_done_, {profile_, builder_.getInt32(static_cast<uint32_t>(index))});
    builder_.CreateBr(next);
    builder_.SetInsertPoint(next);
  }

  const FunctionPlan& plan_;
  llvm::LLVMContext& context_;
  IRBuilder<> builder_;
  llvm::Function* function_ = nullptr;
  Value *first_image_ = nullptr;          // null: outside of chains
  Value *batch_ = nullptr, *groups_ = nullptr, *stop_ = nullptr, *kernel_done_ = nullptr, *profile_ = nullptr;
  std::map<int32_t, Value*> buffers_;
  std::vector<llvm::Constant*> constants_;
};

}  // namespace

llvm::Function* define_function(llvm::Module& module, ConstantPool& constants, const FunctionPlan& plan,
                                const std::map<std::string, llvm::Function*>& thunks, const Target& target) {
  return FunctionDriver(module, constants, plan, target).define(thunks);
}

void define_parallel_for(llvm::Module& module) {
  llvm::LLVMContext& context = module.getContext();
  IRBuilder<> builder(context);
  auto* i32 = builder.getInt32Ty();
  auto* pointer = builder.getPtrTy();
  // (user_context, task, begin, count, closure), as Halide declares it.
  auto* type = llvm::FunctionType::get(i32, {pointer, pointer, i32, i32, pointer}, false);
  auto* function = llvm::cast<llvm::Function>(module.getOrInsertFunction("halide_do_par_for", type).getCallee());
  llvm::Value *user = function->getArg(0), *task = function->getArg(1), *begin = function->getArg(2), *count = function->getArg(3),
        *closure = function->getArg(4);
  auto block = [&](const char* name) { return BasicBlock::Create(context, name, function); };
  BasicBlock *entry = block("entry"), *given = block("context"), *parallel = block("parallel"), *serial = block("serial"),
             *loop = block("loop"), *done = block("done");

  builder.SetInsertPoint(entry);
  builder.CreateCondBr(builder.CreateIsNull(user), serial, given);
  builder.SetInsertPoint(given);
  llvm::Value* hook = load_member(builder, user, kParallelFor);
  builder.CreateCondBr(builder.CreateIsNull(hook), serial, parallel);

  builder.SetInsertPoint(parallel);
  auto* hook_type = llvm::FunctionType::get(i32, {pointer, pointer, pointer, i32, i32, pointer}, false);
  builder.CreateRet(builder.CreateCall(hook_type, hook, {load_member(builder, user, kPool), task, user, begin, count, closure}));

  builder.SetInsertPoint(serial);
  builder.CreateCondBr(builder.CreateICmpSGT(count, builder.getInt32(0)), loop, done);
  builder.SetInsertPoint(loop);
  auto* i = builder.CreatePHI(i32, 2, "i");
  auto* task_type = llvm::FunctionType::get(i32, {pointer, i32, pointer}, false);
  builder.CreateCall(task_type, task, {user, builder.CreateAdd(begin, i), closure});
  llvm::Value* following = builder.CreateAdd(i, builder.getInt32(1));
  builder.CreateCondBr(builder.CreateICmpSLT(following, count), loop, done);
  i->addIncoming(builder.getInt32(0), serial);
  i->addIncoming(following, loop);
  builder.SetInsertPoint(done);
  builder.CreateRet(builder.getInt32(0));
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
