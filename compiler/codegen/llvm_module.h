// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the files of codegen share of LLVM: the module under construction and a builder of constant tables. Private to codegen.
#pragma once
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>

#include <string_view>
#include <vector>

#include "codegen/codegen.h"

namespace cnnc {

/// Builds constant C structures: natural alignment, exactly as the C compiler lays out runtime/abi/program.h.
class ConstantPool {
 public:
  explicit ConstantPool(llvm::Module& module) : module_(module), context_(module.getContext()) {}

  llvm::Constant* i32(int64_t value) const;
  llvm::Constant* i64(int64_t value) const;
  llvm::Constant* f64(double value) const;
  llvm::Constant* null() const;
  llvm::Constant* string(std::string_view text);
  llvm::Constant* structure(const std::vector<llvm::Constant*>& fields) const;
  /// A private constant array; null where it has no elements.
  llvm::Constant* array(const std::vector<llvm::Constant*>& elements, std::string_view name);
  llvm::Constant* pointer_to(llvm::Constant* value, std::string_view name);
  /// Raw bytes, aligned to 64; null where there are none.
  llvm::Constant* bytes(std::string_view data, std::string_view name);

 private:
  llvm::GlobalVariable* global(llvm::Constant* value, std::string_view name);

  llvm::Module& module_;
  llvm::LLVMContext& context_;
  std::map<std::string, llvm::Constant*, std::less<>> strings_;
};

/// Thunks of kernels, by signature.
using Thunks = std::map<std::string, llvm::Function*>;

/// Triple and data layout.
void set_platform(llvm::Module& module);
/// The members of cnn_context, in order.
enum class ContextMember : uint8_t { ParallelFor, Pool, Stop, KernelDone, Profile, Threads };
/// Of a context that is not null.
llvm::Value* load_context_member(llvm::IRBuilder<>& builder, llvm::Value* context, ContextMember member);
/// `halide_do_par_for`: int32_t (user_context, task, begin, count, closure), as Halide declares it.
llvm::FunctionCallee declare_parallel_for(llvm::Module& module);
/// Defines it over cnn_context.
void define_parallel_for(llvm::Module& module);
/// Every a * b + c, and a * b - c and c - a * b, as one fused multiply-add, wherever the product stands.
void join_multiply_adds(llvm::Function& function);
/// Links the bitcode of all kernels in, joins multiply and add where the target can, and makes a thunk for each that takes plain
/// pointers: int32_t THUNK(context, batch, read0, …, write0, …). Thunks by signature.
Thunks link_kernels(llvm::Module& module, const CompiledKernels& kernels, const Target& target);
/// Defines the driver of one function, `int32_t (buffers, batch, workspace, context)`.
llvm::Function* define_function(llvm::Module& module, ConstantPool& constants, const FunctionPlan& plan,
                                const Thunks& thunks, const Target& target);

/// `prepared` is what `prepare` made of the embedded parameters; empty without them.
llvm::Constant* program_descriptor(ConstantPool& constants, const ProgramParts& parts,
                                   const std::vector<llvm::Function*>& functions, const std::string& prepared);
void define_main(llvm::Module& module, llvm::Constant* program);
/// The C functions that c_header declares, and the names of what an object exports.
void define_c_entry_points(llvm::Module& module, ConstantPool& constants, const ProgramParts& parts,
                           const std::vector<llvm::Function*>& functions, const std::string& prepared);
std::vector<std::string> c_entry_points(const ProgramParts& parts);

/// Everything but `exported` becomes internal, and what nothing uses goes.
void internalise(llvm::Module& module, const std::vector<std::string>& exported);
void optimise_module(llvm::Module& module, const Target& target);
std::string emit_object(llvm::Module& module, const Target& target, bool assembly);
/// Compiles a copy of the module in memory and runs `prepare`; returns CNN_PREPARED's bytes.
std::string run_prepare(const llvm::Module& module, const ProgramParts& parts, const std::string& function);

/// Attributes that make a driver function inlinable with the kernels of the target.
void set_target_attributes(llvm::Function& function, const Target& target);

}  // namespace cnnc
