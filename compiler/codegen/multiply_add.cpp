// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products and sums of kernels as one instruction with one rounding.
//
// Halide's strict_float keeps the order of operations and joins none. LLVM could be told that joining is allowed, but then what is
// joined depends on where a product came to lie: in the block of its sum or in another, with one user or two, in a vector of
// several. Two versions of a loop, one for a single image and one for many, would differ in the last bit. Here a sum is joined with
// its product wherever that stands, so only the formula decides.
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/Transforms/Utils/Local.h>

#include <set>

#include "codegen/llvm_module.h"

namespace cnnc {
namespace {

using Opcode = llvm::Instruction;

/// Operands of an instruction that only chooses or moves numbers; none of any other.
std::vector<unsigned> moved_operands(const llvm::Instruction& instruction) {
  switch (instruction.getOpcode()) {
    case Opcode::PHI: {
      std::vector<unsigned> all(instruction.getNumOperands());
      for (unsigned i = 0; i < all.size(); ++i) all[i] = i;
      return all;
    }
    case Opcode::Select: return {1, 2};
    case Opcode::ExtractElement: return {0};
    case Opcode::InsertElement:
    case Opcode::ShuffleVector: return {0, 1};
    default: return {};
  }
}

/// Joins the sums of one function.
class MultiplyAdds {
 public:
  void join(llvm::Instruction& sum) {
    llvm::Value *left = sum.getOperand(0), *right = sum.getOperand(1);
    llvm::IRBuilder<> builder(&sum);
    const auto negated = [&](llvm::Value* value) { return sum.getOpcode() == Opcode::FSub ? builder.CreateFNeg(value) : value; };
    llvm::Value* joined = nullptr;
    const auto fuse = [&](llvm::Value* a, llvm::Value* b, llvm::Value* c) {
      joined = builder.CreateIntrinsic(llvm::Intrinsic::fma, {sum.getType()}, {a, b, c});
    };
    if (is_product(left)) fuse(factor(left, 0), factor(left, 1), negated(right));
    else if (is_product(right)) fuse(negated(factor(right, 0)), factor(right, 1), left);
    if (!joined) return;
    sum.replaceAllUsesWith(joined);
    dead_.push_back(&sum);
  }

  void remove_dead() {
    for (llvm::WeakTrackingVH& sum : dead_)
      if (sum) llvm::RecursivelyDeleteTriviallyDeadInstructions(sum);   // and products that nothing else reads
  }

 private:
  static bool is_product(llvm::Value* value) {
    bool has_product = false;
    std::set<llvm::Value*> seen;
    return holds_products_only(value, seen, has_product) && has_product;
  }

  static bool holds_products_only(llvm::Value* value, std::set<llvm::Value*>& seen, bool& has_product) {
    if (llvm::isa<llvm::PoisonValue>(value) || !seen.insert(value).second) return true;
    const auto* instruction = llvm::dyn_cast<llvm::Instruction>(value);
    if (!instruction) return false;
    if (instruction->getOpcode() == Opcode::FMul) return has_product = true;
    const std::vector<unsigned> moved = moved_operands(*instruction);
    return !moved.empty() && std::ranges::all_of(moved, [&](unsigned i) {
      return holds_products_only(instruction->getOperand(i), seen, has_product);
    });
  }

  /// The first or second factor of a product, chosen and moved as the product is.
  llvm::Value* factor(llvm::Value* value, unsigned which) {
    auto* instruction = llvm::dyn_cast<llvm::Instruction>(value);
    if (!instruction) return value;   // poison
    if (instruction->getOpcode() == Opcode::FMul) return instruction->getOperand(which);
    llvm::Instruction*& copy = factors_[which][instruction];
    if (copy) return copy;
    llvm::Instruction* made = copy = instruction->clone();
    made->insertBefore(instruction->getIterator());
    for (unsigned i : moved_operands(*instruction)) made->setOperand(i, factor(instruction->getOperand(i), which));
    return made;
  }

  std::map<const llvm::Instruction*, llvm::Instruction*> factors_[2];
  std::vector<llvm::WeakTrackingVH> dead_;
};

}  // namespace

void join_multiply_adds(llvm::Function& function) {
  std::vector<llvm::Instruction*> sums;
  for (llvm::Instruction& instruction : llvm::instructions(function))
    if (instruction.getOpcode() == Opcode::FAdd || instruction.getOpcode() == Opcode::FSub) sums.push_back(&instruction);
  MultiplyAdds multiply_adds;
  for (llvm::Instruction* sum : sums) multiply_adds.join(*sum);
  multiply_adds.remove_dead();
}

}  // namespace cnnc
