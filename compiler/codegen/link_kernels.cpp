// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernels' bitcode into the program's module. A kernel takes Halide's buffer structures; its thunk builds them on the stack
// from plain pointers, and inlining dissolves them again.
#include <fmt/format.h>
#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Operator.h>
#include <llvm/Linker/Linker.h>
#include <llvm/Support/MemoryBuffer.h>

#include "codegen/llvm_module.h"
#include "support/check.h"

namespace cnnc {
namespace {

using llvm::IRBuilder;
using llvm::Type;
using llvm::Value;

// Halide keeps the order of float operations (strict_float), which also forbids fused multiply-add; this alone is allowed
// again: one rounding less, the same on every machine with the instruction.
void allow_contraction(llvm::Module& module) {
  for (llvm::Function& function : module)
    for (llvm::Instruction& instruction : llvm::instructions(function))
      if (llvm::isa<llvm::FPMathOperator>(instruction)) instruction.setHasAllowContract(true);
}

// Halide takes scratch from its heap where it is too large for its own rule (16 KB), although the schedule keeps it on the
// stack. Built programs have no heap: such a call becomes stack memory of its function, which is then never inlined, so that the
// frames of a driver's kernels do not add up. A size that is constant, or zero where the scratch is not needed, is taken at
// entry; one that depends on the place in the image (at most what the schedule bounds it to) where it is asked for.
constexpr uint64_t kLargestScratch = uint64_t{1} << 20;

const llvm::ConstantInt* largest_size(const Value* size) {
  if (const auto* choice = llvm::dyn_cast<llvm::SelectInst>(size)) {
    const auto* absent = llvm::dyn_cast<llvm::ConstantInt>(choice->getFalseValue());
    if (absent && absent->isZero()) size = choice->getTrueValue();
  }
  return llvm::dyn_cast<llvm::ConstantInt>(size);
}

Value* scratch_memory(llvm::CallInst& call) {
  const llvm::ConstantInt* constant = largest_size(call.getArgOperand(1));
  CNNC_CHECK(!constant || constant->getZExtValue() <= kLargestScratch, "a kernel's scratch is larger than 1 MB");
  IRBuilder<> at(constant ? &*call.getFunction()->getEntryBlock().getFirstInsertionPt() : &call);
  Value* size = constant ? at.getInt64(constant->getZExtValue()) : call.getArgOperand(1);
  auto* memory = at.CreateAlloca(at.getInt8Ty(), size, "scratch");
  memory->setAlignment(llvm::Align(64));
  return memory;
}

void move_scratch_to_stack(llvm::Module& module) {
  llvm::Function *take = module.getFunction("halide_malloc"), *give_back = module.getFunction("halide_free");
  if (!take) return;
  for (llvm::User* user : llvm::make_early_inc_range(take->users())) {
    auto* call = llvm::cast<llvm::CallInst>(user);
    call->replaceAllUsesWith(scratch_memory(*call));
    call->getFunction()->addFnAttr(llvm::Attribute::NoInline);
    call->eraseFromParent();
  }
  if (!give_back) return;
  for (llvm::User* user : llvm::make_early_inc_range(give_back->users())) llvm::cast<llvm::CallInst>(user)->eraseFromParent();
}

struct HalideTypes {
  llvm::StructType *type, *dimension, *buffer;
  explicit HalideTypes(llvm::LLVMContext& context) {
    auto* i8 = Type::getInt8Ty(context);
    auto* i16 = Type::getInt16Ty(context);
    auto* i32 = Type::getInt32Ty(context);
    auto* i64 = Type::getInt64Ty(context);
    auto* pointer = llvm::PointerType::getUnqual(context);
    type = llvm::StructType::get(context, {i8, i8, i16});
    dimension = llvm::StructType::get(context, {i32, i32, i32, i32});   // min, extent, stride, flags
    buffer = llvm::StructType::get(context, {i64, pointer, pointer, i64, type, i32, pointer, pointer});
  }
};

llvm::Constant* halide_type(llvm::LLVMContext& context, const HalideTypes& types, ElementType element) {
  constexpr int kInteger = 0, kUnsigned = 1, kFloat = 2;   // halide_type_code_t
  const int code = element == ElementType::I32 ? kInteger : element == ElementType::U8 ? kUnsigned : kFloat;
  return llvm::ConstantStruct::get(types.type, {llvm::ConstantInt::get(Type::getInt8Ty(context), static_cast<uint64_t>(code)),
                                                llvm::ConstantInt::get(Type::getInt8Ty(context), static_cast<uint64_t>(8 * element_bytes(element))),
                                                llvm::ConstantInt::get(Type::getInt16Ty(context), 1)});
}

/// Images, or groups of images, that the batch dimension of a value has.
Value* batch_extent(IRBuilder<>& builder, Value* batch, const Layout& layout) {
  if (layout.kind != LayoutKind::Lanes) return batch;
  auto* lanes = builder.getInt32(static_cast<uint32_t>(layout.vector));
  return builder.CreateUDiv(builder.CreateAdd(batch, builder.getInt32(static_cast<uint32_t>(layout.vector - 1))), lanes);
}

/// A halide_buffer_t on the stack for memory at `host`.
Value* make_buffer(IRBuilder<>& builder, const HalideTypes& types, const TensorType& type, const Layout& layout, Value* batch,
                   Value* host) {
  const std::vector<StoredDim> dims = stored_dims(type, layout);
  auto* dims_type = llvm::ArrayType::get(types.dimension, std::max<size_t>(dims.size(), 1));
  Value* storage = builder.CreateAlloca(dims_type);
  int64_t stride = 1;
  for (size_t i = 0; i < dims.size(); ++i) {
    Value* extent = dims[i].is_batch ? batch_extent(builder, batch, layout) : builder.getInt32(static_cast<uint32_t>(dims[i].extent));
    Value* fields[] = {builder.getInt32(0), extent, builder.getInt32(static_cast<uint32_t>(stride)), builder.getInt32(0)};
    for (uint32_t field = 0; field < 4; ++field)
      builder.CreateStore(fields[field], builder.CreateConstInBoundsGEP2_32(types.dimension,
                          builder.CreateConstInBoundsGEP2_32(dims_type, storage, 0, static_cast<uint32_t>(i)), 0, field));
    stride *= dims[i].extent;
  }
  Value* buffer = builder.CreateAlloca(types.buffer);
  builder.CreateStore(llvm::Constant::getNullValue(types.buffer), buffer);
  auto field = [&](uint32_t index) { return builder.CreateStructGEP(types.buffer, buffer, index); };
  builder.CreateStore(host, field(2));
  builder.CreateStore(halide_type(builder.getContext(), types, type.element), field(4));
  builder.CreateStore(builder.getInt32(static_cast<uint32_t>(dims.size())), field(5));
  builder.CreateStore(storage, field(6));
  return buffer;
}

llvm::Function* make_thunk(llvm::Module& module, const KernelCode& code, const Target& target) {
  llvm::LLVMContext& context = module.getContext();
  const HalideTypes types(context);
  std::vector<ValueId> values = code.kernel->reads;
  values.insert(values.end(), code.kernel->writes.begin(), code.kernel->writes.end());

  auto* i32 = Type::getInt32Ty(context);
  auto* pointer = llvm::PointerType::getUnqual(context);
  std::vector<Type*> parameters(values.size() + 2, pointer);
  parameters[1] = i32;
  auto* thunk = llvm::Function::Create(llvm::FunctionType::get(i32, parameters, false), llvm::Function::InternalLinkage,
                                       code.function + ".call", module);
  set_target_attributes(*thunk, target);
  IRBuilder<> builder(llvm::BasicBlock::Create(context, "entry", thunk));
  std::vector<Value*> arguments = {thunk->getArg(0), thunk->getArg(1)};
  for (size_t i = 0; i < values.size(); ++i)
    arguments.push_back(make_buffer(builder, types, code.plan->function->graph.type(values[i]),
                                    code.plan->layouts.at(static_cast<size_t>(values[i].index)), thunk->getArg(1),
                                    thunk->getArg(static_cast<unsigned>(i) + 2)));
  llvm::Function* kernel = module.getFunction(code.function);
  CNNC_CHECK(kernel && kernel->arg_size() == arguments.size(),
             fmt::format("kernel {} takes {} parameters, its plan has {}", code.kernel->name, kernel ? kernel->arg_size() : 0, arguments.size()));
  builder.CreateRet(builder.CreateCall(kernel, arguments));
  return thunk;
}

}  // namespace

void set_target_attributes(llvm::Function& function, const Target& target) {
  function.addFnAttr("target-cpu", llvm::StringRef(target.llvm_cpu.data(), target.llvm_cpu.size()));
  function.addFnAttr(llvm::Attribute::NoUnwind);
}

std::map<std::string, llvm::Function*> link_kernels(llvm::Module& module, const CompiledKernels& kernels, const Target& target) {
  for (const auto& [signature, code] : kernels.by_signature) {
    auto part = llvm::parseBitcodeFile(llvm::MemoryBufferRef(code.bitcode, code.function), module.getContext());
    CNNC_CHECK(static_cast<bool>(part), "the bitcode of " + code.function + " cannot be read: " + llvm::toString(part.takeError()));
    allow_contraction(**part);
    move_scratch_to_stack(**part);
    (*part)->setModuleIdentifier(code.function);
    // Halide numbers the tasks of parallel loops by what it compiled before, which differs from run to run.
    int task = 0;
    for (llvm::Function& function : **part)
      if (!function.isDeclaration() && function.getName() != code.function) function.setName(fmt::format("{}.part{}", code.function, task++));
    CNNC_CHECK(!llvm::Linker::linkModules(module, std::move(*part)), "kernel " + code.function + " does not link");
  }
  std::map<std::string, llvm::Function*> thunks;
  for (const auto& [signature, code] : kernels.by_signature) thunks[signature] = make_thunk(module, code, target);
  return thunks;
}

}  // namespace cnnc
