// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernels' bitcode into the program's module. A kernel takes Halide's buffer structures; its thunk builds them on the stack
// from plain pointers, and inlining dissolves them again.
#include <fmt/format.h>
#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/Linker/Linker.h>
#include <llvm/Support/MemoryBuffer.h>

#include <functional>

#include "codegen/llvm_module.h"
#include "support/check.h"

namespace cnnc {
namespace {

using llvm::IRBuilder;
using llvm::Type;
using llvm::Value;

// Halide takes scratch from its heap where it is too large for its own rule (16 KB), although the schedule keeps it on the
// stack. Built programs have no heap: such a call becomes stack memory of its function, which is then never inlined, so that the
// frames of a driver's kernels do not add up. A size that is constant, or zero where the scratch is not needed, is taken at
// entry; one that depends on the place in the image (at most what the schedule bounds it to) where it is asked for.
constexpr uint64_t kLargestScratch = uint64_t{3} << 19;

const llvm::ConstantInt* largest_size(const Value* size) {
  if (const auto* choice = llvm::dyn_cast<llvm::SelectInst>(size)) {
    const auto* absent = llvm::dyn_cast<llvm::ConstantInt>(choice->getFalseValue());
    if (absent && absent->isZero()) size = choice->getTrueValue();
  }
  return llvm::dyn_cast<llvm::ConstantInt>(size);
}

Value* scratch_memory(llvm::CallInst& call) {
  const llvm::ConstantInt* constant = largest_size(call.getArgOperand(1));
  CNNC_CHECK(!constant || constant->getZExtValue() <= kLargestScratch, "a kernel's scratch is larger than 1.5 MB");
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

/// A halide_buffer_t on the stack for a value in memory at `start`; of a result it describes the image without the border.
Value* make_buffer(IRBuilder<>& builder, const HalideTypes& types, const TensorType& type, const Layout& layout, Value* batch,
                   Value* start, bool is_result) {
  const std::vector<StoredDim> dims = stored_dims(type, layout);
  const int64_t skipped = is_result ? border_elements(dims) * element_bytes(type.element) : 0;
  Value* host = builder.CreateConstInBoundsGEP1_64(builder.getInt8Ty(), start, static_cast<uint64_t>(skipped));
  auto* dims_type = llvm::ArrayType::get(types.dimension, std::max<size_t>(dims.size(), 1));
  Value* storage = builder.CreateAlloca(dims_type);
  for (size_t i = 0; i < dims.size(); ++i) {
    const StoredDim& dim = dims[i];
    const int64_t before = is_result ? 0 : dim.before, after = is_result ? 0 : dim.after;
    Value* extent = dim.is_batch ? batch_extent(builder, batch, layout) : builder.getInt32(static_cast<uint32_t>(before + dim.extent + after));
    Value* fields[] = {builder.getInt32(static_cast<uint32_t>(-before)), extent, builder.getInt32(static_cast<uint32_t>(dim.stride)), builder.getInt32(0)};
    for (uint32_t field = 0; field < 4; ++field)
      builder.CreateStore(fields[field], builder.CreateConstInBoundsGEP2_32(types.dimension,
                          builder.CreateConstInBoundsGEP2_32(dims_type, storage, 0, static_cast<uint32_t>(i)), 0, field));
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

/// for (i = 0; i < count; ++i) body(i), where count is at least 1; goes on behind the loop.
void count_loop(IRBuilder<>& builder, Value* count, const std::function<void(Value*)>& body) {
  llvm::LLVMContext& context = builder.getContext();
  llvm::BasicBlock* before = builder.GetInsertBlock();
  auto* loop = llvm::BasicBlock::Create(context, "loop", before->getParent());
  auto* after = llvm::BasicBlock::Create(context, "after", before->getParent());
  builder.CreateBr(loop);
  builder.SetInsertPoint(loop);
  auto* i = builder.CreatePHI(builder.getInt64Ty(), 2);
  i->addIncoming(builder.getInt64(0), before);
  body(i);
  Value* next = builder.CreateAdd(i, builder.getInt64(1));
  i->addIncoming(next, builder.GetInsertBlock());
  builder.CreateCondBr(builder.CreateICmpULT(next, count), loop, after);
  builder.SetInsertPoint(after);
}

/// Zeros around every plane of a result that has a border: what lies there was another value before.
void zero_border(IRBuilder<>& builder, const TensorType& type, const Layout& layout, Value* batch, Value* start) {
  if (layout.border.empty()) return;
  const std::vector<StoredDim> dims = stored_dims(type, layout);   // lane, column, row, block, perhaps image
  const auto bytes = [&](int64_t elements) { return builder.getInt64(static_cast<uint64_t>(elements * element_bytes(type.element))); };
  const StoredDim &column = dims[1], &row = dims[2], &block = dims[3];
  Value* images = type.batched ? builder.CreateZExt(batch, builder.getInt64Ty()) : builder.getInt64(1);
  const auto zero = [&](Value* at, int64_t elements) {
    builder.CreateMemSet(at, builder.getInt8(0), bytes(elements), llvm::Align(16));
  };
  const auto address = [&](Value* base, Value* offset) { return builder.CreateGEP(builder.getInt8Ty(), base, offset); };
  // The zeros on both sides of a line break are one piece of memory: a plane is a head, pieces between rows, and a tail.
  const int64_t head = row.before * row.stride + column.before * column.stride;
  const int64_t between = (column.before + column.after) * column.stride, tail = row.after * row.stride + column.after * column.stride;
  const auto zero_plane = [&](Value* base) {
    if (head > 0) zero(base, head);
    if (tail > 0) zero(address(base, bytes(block.stride - tail)), tail);
    if (between == 0 || row.extent == 1) return;
    count_loop(builder, builder.getInt64(static_cast<uint64_t>(row.extent - 1)), [&](Value* index) {
      Value* end_of_row = builder.CreateAdd(bytes(head + column.extent * column.stride), builder.CreateMul(index, bytes(row.stride)));
      zero(address(base, end_of_row), between);
    });
  };
  count_loop(builder, images, [&](Value* image) {
    Value* first = address(start, builder.CreateMul(image, builder.getInt64(static_cast<uint64_t>(step_bytes(type, layout)))));
    count_loop(builder, builder.getInt64(static_cast<uint64_t>(block.extent)),
               [&](Value* plane) { zero_plane(address(first, builder.CreateMul(plane, bytes(block.stride)))); });
  });
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
  for (size_t i = 0; i < values.size(); ++i) {
    const TensorType& type = code.plan->function->graph.type(values[i]);
    const Layout& layout = code.plan->layouts.at(static_cast<size_t>(values[i].index));
    Value* start = thunk->getArg(static_cast<unsigned>(i) + 2);
    const bool is_result = i >= code.kernel->reads.size();
    if (is_result) zero_border(builder, type, layout, thunk->getArg(1), start);
    arguments.push_back(make_buffer(builder, types, type, layout, thunk->getArg(1), start, is_result));
  }
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
    if (target.has_multiply_add())
      for (llvm::Function& function : **part) join_multiply_adds(function);
    move_scratch_to_stack(**part);
    (*part)->setModuleIdentifier(code.function);
    // Halide numbers the tasks of parallel loops by what it compiled before, which differs from run to run.
    int task = 0;
    for (llvm::Function& function : **part)
      if (!function.isDeclaration() && function.getName() != code.function) function.setName(fmt::format("{}.part{}", code.function, task++));
    CNNC_CHECK(!llvm::Linker::linkModules(module, std::move(*part)), "kernel " + code.function + " does not link");
  }
  Thunks thunks;
  for (const auto& [signature, code] : kernels.by_signature) thunks[signature] = make_thunk(module, code, target);
  return thunks;
}

}  // namespace cnnc
