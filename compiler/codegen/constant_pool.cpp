// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Constant C structures in an LLVM module. Everything is private and unnamed_addr, so equal tables merge.
#include <llvm/IR/Constants.h>

#include "codegen/llvm_module.h"

namespace cnnc {

llvm::Constant* ConstantPool::i32(int64_t value) const {
  return llvm::ConstantInt::getSigned(llvm::Type::getInt32Ty(context_), value);
}
llvm::Constant* ConstantPool::i64(int64_t value) const {
  return llvm::ConstantInt::getSigned(llvm::Type::getInt64Ty(context_), value);
}
llvm::Constant* ConstantPool::f64(double value) const {
  return llvm::ConstantFP::get(llvm::Type::getDoubleTy(context_), value);
}
llvm::Constant* ConstantPool::null() const {
  return llvm::ConstantPointerNull::get(llvm::PointerType::getUnqual(context_));
}

llvm::GlobalVariable* ConstantPool::global(llvm::Constant* value, std::string_view name) {
  auto* variable = new llvm::GlobalVariable(module_, value->getType(), true, llvm::GlobalValue::PrivateLinkage, value,
                                            llvm::StringRef(name.data(), name.size()));
  variable->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
  return variable;
}

llvm::Constant* ConstantPool::string(std::string_view text) {
  auto [entry, is_new] = strings_.emplace(text, nullptr);
  if (is_new)
    entry->second = global(llvm::ConstantDataArray::getString(context_, llvm::StringRef(text.data(), text.size())), "text");
  return entry->second;
}

llvm::Constant* ConstantPool::structure(const std::vector<llvm::Constant*>& fields) const {
  return llvm::ConstantStruct::getAnon(context_, fields);
}

llvm::Constant* ConstantPool::array(const std::vector<llvm::Constant*>& elements, std::string_view name) {
  if (elements.empty()) return null();
  return global(llvm::ConstantArray::get(llvm::ArrayType::get(elements[0]->getType(), elements.size()), elements), name);
}

llvm::Constant* ConstantPool::pointer_to(llvm::Constant* value, std::string_view name) { return global(value, name); }

llvm::Constant* ConstantPool::bytes(std::string_view data, std::string_view name) {
  if (data.empty()) return null();
  auto* variable = global(llvm::ConstantDataArray::getString(context_, llvm::StringRef(data.data(), data.size()), false), name);
  variable->setAlignment(llvm::Align(64));
  return variable;
}

}  // namespace cnnc
