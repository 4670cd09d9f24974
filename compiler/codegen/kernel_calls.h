// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A function of the driver under construction: where values lie, and calls of kernels on them. Private to codegen.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "codegen/llvm_module.h"

namespace cnnc {

/// A function of a plan, and what calls of its kernels need.
struct CalledPlan {
  const FunctionPlan& plan;
  const Thunks& thunks;
  const Target& target;
  std::vector<llvm::Constant*> constants;   // as FunctionPlan::constants
};

/// The arguments of cnn_function.call, and the context that kernels get.
struct CallArguments {
  llvm::Value *buffers, *batch, *workspace, *context, *kernel_context;
};

/// The images that kernels are called for.
struct ImageRange {
  llvm::Value* count = nullptr;        // i32
  llvm::Value* first = nullptr;        // i64; null: 0
  llvm::Value* slot = nullptr;         // what Place::Slot counts from; null outside of chains
};

class KernelCalls {
 public:
  /// `function` is empty. A stopped call returns CNN_STOPPED from the block stopped(), to which code may still be added.
  KernelCalls(const CalledPlan& called, llvm::Function* function);
  /// Reads the context, which may be null as its members may. To be called once, in the entry block.
  void begin(const CallArguments& arguments);

  /// Goes to stopped() where a stop is wanted, else calls the kernel and reports that it is done.
  void call(size_t kernel, const ImageRange& images);

  llvm::IRBuilder<>& builder() { return builder_; }
  llvm::BasicBlock* block(const std::string& name) { return llvm::BasicBlock::Create(builder_.getContext(), name, function_); }
  llvm::ConstantInt* number(int64_t value) { return builder_.getInt64(static_cast<uint64_t>(value)); }
  llvm::Value* advance(llvm::Value* base, llvm::Value* bytes) { return builder_.CreateGEP(builder_.getInt8Ty(), base, bytes); }
  /// Of two numbers of 64 bits: the quotient rounded up.
  llvm::Value* divide_up(llvm::Value* a, llvm::Value* b, const char* name = "") {
    return builder_.CreateUDiv(builder_.CreateAdd(a, builder_.CreateSub(b, number(1))), b, name);
  }
  llvm::BasicBlock* stopped() const { return stopped_; }
  const CallArguments& arguments() const { return arguments_; }
  llvm::Value* kernel_done() const { return kernel_done_; }
  llvm::Value* threads() const { return threads_; }                        // i32, 0: not known

 private:
  llvm::Value* buffer(int32_t index);
  llvm::Value* address(ValueId value, const ImageRange& images);
  llvm::Value* at_first_image(llvm::Value* base, ValueId value, const ImageRange& images);

  const CalledPlan& called_;
  llvm::Function* function_;
  llvm::IRBuilder<> builder_;
  llvm::BasicBlock* stopped_;
  CallArguments arguments_ = {};
  llvm::Value *groups_ = nullptr, *stop_ = nullptr, *kernel_done_ = nullptr, *profile_ = nullptr, *threads_ = nullptr;
  std::map<int32_t, llvm::Value*> buffers_;
};

/// Calls the kernels of a chain for all parts of the batch: in a parallel loop over the parts where they keep all threads busy,
/// else one part after the other.
void call_chain(KernelCalls& calls, const CalledPlan& called, const Chain& chain, const std::string& name, llvm::Module& module);

}  // namespace cnnc
