// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The C functions of an object: they check what comes from outside (kernels check nothing), arrange the buffers as
// runtime/abi/program.h numbers them, and call the driver.
#include <fmt/format.h>

#include "codegen/c_interface.h"
#include "codegen/llvm_module.h"
#include "runtime/abi/program.h"

namespace cnnc {
namespace {

using llvm::BasicBlock;
using llvm::Function;
using llvm::IRBuilder;
using llvm::Type;
using llvm::Value;

class EntryPoints {
 public:
  EntryPoints(llvm::Module& module, ConstantPool& constants, const ProgramParts& parts)
      : module_(module), constants_(constants), parts_(parts), b_(module.getContext()) {}

  void define_sizes() {
    start("prepared_bytes", b_.getInt64Ty(), {});
    b_.CreateRet(number(prepared_buffer_bytes(parts_)));

    const FunctionPlan& plan = find_plan(parts_, "infer");
    Function* function = start("workspace_bytes", b_.getInt64Ty(), {b_.getInt64Ty()});
    Value* bytes = workspace_bytes(plan, function->getArg(0));
    b_.CreateRet(b_.CreateSelect(is_bad_batch(function->getArg(0)), number(0), bytes));
  }

  void define_prepare(Function* prepare) {
    auto* pointer = b_.getPtrTy();
    Function* function = start("prepare", b_.getInt32Ty(), {pointer, pointer});
    Value *weights = function->getArg(0), *prepared = function->getArg(1);
    check_buffer(function, prepared);
    const int64_t elements = parts_.plan->flat.weight_elements + parts_.plan->flat.state_elements;
    if (elements > 0) {
      check_buffer(function, weights);
      check_overlaps(function, {{weights, number(elements * element_bytes(parts_.element)), false},
                                {prepared, number(prepared_buffer_bytes(parts_)), true}});
    }
    Value* buffers = buffer_table(CNN_COLUMNS);
    set(buffers, CNN_WEIGHTS, weights);
    set(buffers, CNN_STATES, advance(weights, parts_.plan->flat.weight_elements * element_bytes(parts_.element)));
    set(buffers, CNN_PREPARED, prepared);
    Value* workspace = advance(prepared, parts_.plan->prepared_bytes);
    b_.CreateRet(b_.CreateCall(prepare, {buffers, number(1), workspace, constants_.null()}));
  }

  void define_infer(Function* infer) {
    auto* pointer = b_.getPtrTy();
    const FunctionPlan& plan = find_plan(parts_, "infer");
    Function* function = start("infer", b_.getInt32Ty(), {pointer, pointer, pointer, b_.getInt64Ty(), pointer, b_.getInt64Ty(), pointer});
    Value *prepared = function->getArg(0), *inputs = function->getArg(1), *outputs = function->getArg(2), *batch = function->getArg(3),
          *workspace = function->getArg(4), *bytes = function->getArg(5), *context = function->getArg(6);
    fail_if(function, b_.CreateOr(b_.CreateIsNull(inputs), b_.CreateIsNull(outputs)), kNullPointer);
    fail_if(function, is_bad_batch(batch), kBadBatch);
    Value* needed = workspace_bytes(plan, batch);
    fail_if(function, b_.CreateICmpULT(bytes, needed), kSmallWorkspace);
    std::vector<Extent> extents;
    if (parts_.plan->prepared_bytes > 0) {
      check_buffer(function, prepared);
      extents.push_back({prepared, number(parts_.plan->prepared_bytes), false});
    }
    if (plan.workspace_fixed + plan.workspace_per_group > 0) {
      check_buffer(function, workspace);
      extents.push_back({workspace, needed, true});
    }
    Value* buffers = buffer_table(CNN_COLUMNS + static_cast<int>(plan.columns.size()));
    set(buffers, CNN_PREPARED, prepared);
    int counts[2] = {0, 0};
    for (size_t i = 0; i < plan.columns.size(); ++i) {
      const bool is_output = plan.columns[i].role == Role::Output;
      Value* slot = b_.CreateConstInBoundsGEP1_64(pointer, is_output ? outputs : inputs, static_cast<uint64_t>(counts[is_output]++));
      Value* buffer = b_.CreateLoad(pointer, slot);
      check_buffer(function, buffer);
      set(buffers, CNN_COLUMNS + static_cast<int>(i), buffer);
      const TensorType& type = plan.function->graph.type(plan.columns[i].value);
      Value* images = is_output ? b_.CreateMul(groups(plan, batch), number(plan.group)) : batch;
      extents.push_back({buffer, b_.CreateMul(images, number(element_count(type.dims) * element_bytes(type.element))), is_output});
    }
    check_overlaps(function, extents);
    b_.CreateRet(b_.CreateCall(infer, {buffers, batch, workspace, context}));
  }

  void define_status_text() {
    Function* function = start("status_text", b_.getPtrTy(), {b_.getInt32Ty()});
    Value* text = constants_.string("unknown status");
    for (size_t i = 0; i < std::size(kCStatuses); ++i)
      text = b_.CreateSelect(b_.CreateICmpEQ(function->getArg(0), b_.getInt32(static_cast<uint32_t>(i))),
                             constants_.string(kCStatuses[i].text), text);
    b_.CreateRet(text);
  }

  void define_embedded(const std::string& prepared) {
    start("embedded", b_.getPtrTy(), {});
    b_.CreateRet(constants_.bytes(prepared, "prepared"));
  }

 private:
  llvm::ConstantInt* number(int64_t value) { return b_.getInt64(static_cast<uint64_t>(value)); }

  Function* start(const std::string& name, Type* result, const std::vector<Type*>& parameters) {
    auto* function = Function::Create(llvm::FunctionType::get(result, parameters, false), llvm::GlobalValue::ExternalLinkage,
                                      parts_.module->network + "_" + name, module_);
    set_target_attributes(*function, *parts_.plan->target);
    b_.SetInsertPoint(BasicBlock::Create(module_.getContext(), "entry", function));
    return function;
  }

  void fail_if(Function* function, Value* condition, CStatusCode status) {
    auto* fail = BasicBlock::Create(module_.getContext(), "fail", function);
    auto* next = BasicBlock::Create(module_.getContext(), "next", function);
    b_.CreateCondBr(condition, fail, next);
    IRBuilder<>(fail).CreateRet(b_.getInt32(static_cast<uint32_t>(status)));
    b_.SetInsertPoint(next);
  }

  void check_buffer(Function* function, Value* buffer) {
    fail_if(function, b_.CreateIsNull(buffer), kNullPointer);
    Value* low_bits = b_.CreateAnd(address(buffer), number(63));
    fail_if(function, b_.CreateIsNotNull(low_bits), kMisaligned);
  }

  /// A buffer from outside: where it begins, how many bytes are used of it.
  struct Extent {
    Value* begin;
    Value* bytes;
    bool written;
  };

  /// Fails where a buffer that is written shares bytes with another: one begins at less than the other's size behind its begin.
  void check_overlaps(Function* function, const std::vector<Extent>& extents) {
    Value* any = b_.getFalse();
    for (size_t i = 0; i < extents.size(); ++i)
      for (size_t k = 0; k < i; ++k) {
        if (!extents[i].written && !extents[k].written) continue;
        Value* distance = b_.CreateSub(address(extents[i].begin), address(extents[k].begin));
        any = b_.CreateOr(any, b_.CreateICmpULT(distance, extents[k].bytes));
        any = b_.CreateOr(any, b_.CreateICmpULT(b_.CreateNeg(distance), extents[i].bytes));
      }
    fail_if(function, any, kOverlap);
  }

  Value* address(Value* pointer) { return b_.CreatePtrToInt(pointer, b_.getInt64Ty()); }

  Value* is_bad_batch(Value* batch) {
    return b_.CreateOr(b_.CreateICmpSLT(batch, number(1)), b_.CreateICmpSGT(batch, number(largest_batch(parts_))));
  }

  Value* groups(const FunctionPlan& plan, Value* batch) { return b_.CreateUDiv(b_.CreateAdd(batch, number(plan.group - 1)), number(plan.group)); }

  Value* workspace_bytes(const FunctionPlan& plan, Value* batch) {
    return b_.CreateAdd(number(plan.workspace_fixed), b_.CreateMul(groups(plan, batch), number(plan.workspace_per_group)));
  }

  Value* buffer_table(int count) {
    auto* type = llvm::ArrayType::get(b_.getPtrTy(), static_cast<uint64_t>(count));
    Value* table = b_.CreateAlloca(type);
    b_.CreateStore(llvm::Constant::getNullValue(type), table);
    return table;
  }
  void set(Value* table, int index, Value* buffer) {
    b_.CreateStore(buffer, b_.CreateConstInBoundsGEP1_64(b_.getPtrTy(), table, static_cast<uint64_t>(index)));
  }
  Value* advance(Value* base, int64_t bytes) { return b_.CreateGEP(b_.getInt8Ty(), base, number(bytes)); }

  llvm::Module& module_;
  ConstantPool& constants_;
  const ProgramParts& parts_;
  IRBuilder<> b_;
};

}  // namespace

std::vector<std::string> c_entry_points(const ProgramParts& parts) {
  const std::string& name = parts.module->network;
  std::vector<std::string> names;
  for (const char* function : {"prepared_bytes", "workspace_bytes", "prepare", "infer", "status_text"})
    names.push_back(fmt::format("{}_{}", name, function));
  if (parts.embedded) names.push_back(name + "_embedded");
  return names;
}

void define_c_entry_points(llvm::Module& module, ConstantPool& constants, const ProgramParts& parts,
                           const std::vector<llvm::Function*>& functions, const std::string& prepared) {
  auto code = [&](const std::string& name) -> llvm::Function* {
    for (size_t i = 0; i < functions.size(); ++i)
      if (parts.plan->functions[i].function->name == name) return functions[i];
    return nullptr;
  };
  EntryPoints entry_points(module, constants, parts);
  entry_points.define_sizes();
  entry_points.define_prepare(code("prepare"));
  entry_points.define_infer(code("infer"));
  entry_points.define_status_text();
  if (parts.embedded) entry_points.define_embedded(prepared);
}

}  // namespace cnnc
