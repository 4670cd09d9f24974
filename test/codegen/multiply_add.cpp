// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products join their sums wherever they lie, so that two versions of one loop round alike.
#include <gtest/gtest.h>
#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/SourceMgr.h>

#include "codegen/llvm_module.h"

namespace cnnc::test {
namespace {

using Operations = std::map<std::string, int>;

/// How often each operation on floats occurs in a function after the pass.
Operations joined(const std::string& body) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic error;
  const auto module = llvm::parseAssemblyString(body, error, context);
  EXPECT_TRUE(module) << error.getMessage().str();
  if (!module) return {};
  Operations found;
  for (llvm::Function& function : *module) {
    join_multiply_adds(function);
    for (const llvm::BasicBlock& block : function)
      for (const llvm::Instruction& instruction : block) {
        const auto* call = llvm::dyn_cast<llvm::CallInst>(&instruction);
        const std::string name = call ? call->getCalledFunction()->getName().substr(0, 8).str() : instruction.getOpcodeName();
        if (name.starts_with("f") || name.starts_with("llvm.fma")) ++found[name];
      }
  }
  std::string text;
  llvm::raw_string_ostream out(text);
  EXPECT_FALSE(llvm::verifyModule(*module, &out)) << text;
  return found;
}

TEST(MultiplyAdd, JoinsAProductWithItsSum) {
  EXPECT_EQ(joined(R"(define float @f(float %a, float %b, float %c) {
    %p = fmul float %a, %b
    %s = fadd float %c, %p
    ret float %s
  })"), (Operations{{"llvm.fma", 1}}));
}

TEST(MultiplyAdd, TakesTheFirstOfTwoProducts) {
  EXPECT_EQ(joined(R"(define float @f(float %a, float %b, float %c) {
    %p = fmul float %a, %b
    %q = fmul float %c, %c
    %s = fadd float %p, %q
    ret float %s
  })"), (Operations{{"llvm.fma", 1}, {"fmul", 1}}));
}

TEST(MultiplyAdd, NegatesInDifferences) {
  EXPECT_EQ(joined(R"(define float @f(float %a, float %b, float %c) {
    %p = fmul float %a, %b
    %s = fsub float %p, %c
    %q = fmul float %s, %b
    %t = fsub float %c, %q
    ret float %t
  })"), (Operations{{"llvm.fma", 2}, {"fneg", 2}}));
}

TEST(MultiplyAdd, KeepsAProductThatOthersRead) {
  EXPECT_EQ(joined(R"(define float @f(float %a, float %b, ptr %c) {
    %p = fmul float %a, %b
    store float %p, ptr %c
    %s = fadd float %p, %a
    %t = fadd float %p, %s
    ret float %t
  })"), (Operations{{"llvm.fma", 2}, {"fmul", 1}}));
}

TEST(MultiplyAdd, FollowsProductsThroughBranches) {
  EXPECT_EQ(joined(R"(define float @f(float %a, float %b, float %c, i1 %which) {
  entry:
    br i1 %which, label %left, label %right
  left:
    %p = fmul float %a, %b
    br label %end
  right:
    %q = fmul float %a, %c
    br label %end
  end:
    %product = phi float [ %p, %left ], [ %q, %right ]
    %s = fadd float %product, %c
    ret float %s
  })"), (Operations{{"llvm.fma", 1}}));
}

TEST(MultiplyAdd, FollowsProductsAroundALoop) {
  EXPECT_EQ(joined(R"(define float @f(float %a, float %b, i1 %again) {
  entry:
    %first = fmul float %a, %b
    br label %loop
  loop:
    %product = phi float [ %first, %entry ], [ %next, %loop ], [ %product, %keep ]
    %sum = fadd float %product, %b
    %next = fmul float %sum, %a
    br i1 %again, label %loop, label %keep
  keep:
    br i1 %again, label %loop, label %end
  end:
    ret float %sum
  })"), (Operations{{"llvm.fma", 1}, {"fmul", 2}}));   // products of a dead phi, for the passes that follow
}

TEST(MultiplyAdd, FollowsProductsThroughVectors) {
  EXPECT_EQ(joined(R"(define float @f(<4 x float> %a, <4 x float> %b, float %c, i1 %which) {
    %p = fmul <4 x float> %a, %b
    %q = shufflevector <4 x float> %p, <4 x float> poison, <4 x i32> <i32 3, i32 2, i32 1, i32 0>
    %r = select i1 %which, <4 x float> %p, <4 x float> %q
    %one = extractelement <4 x float> %r, i64 1
    %s = fadd float %one, %c
    %wide = insertelement <2 x float> poison, float %one, i64 0
    %t = fadd <2 x float> %wide, <float 1.0, float 2.0>
    %u = extractelement <2 x float> %t, i64 0
    %v = fadd float %s, %u
    ret float %v
  })"), (Operations{{"llvm.fma", 2}, {"fadd", 1}}));
}

TEST(MultiplyAdd, LeavesWhatIsNotAlwaysAProduct) {
  EXPECT_EQ(joined(R"(define float @f(float %a, float %b, i1 %which) {
    %p = fmul float %a, %b
    %q = select i1 %which, float %p, float %a
    %s = fadd float %q, %b
    ret float %s
  })"), (Operations{{"fmul", 1}, {"fadd", 1}}));
}

}  // namespace
}  // namespace cnnc::test
