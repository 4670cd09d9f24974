// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernels, and functions of a program, as objects that are loaded into this process and called: what the tuner measures. The code is
// what built programs have. Whoever runs code that may be wrong does it in a process of its own.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "codegen/kernels.h"
#include "runtime/abi/program.h"

namespace cnnc {

/// int32_t entry(context, batch, values): `values` are the memory of what the kernel reads, then of what it writes.
using KernelEntry = int32_t (*)(const cnn_context* context, int32_t batch, void* const* values);
/// What a function of the program is: see cnn_function.
using FunctionEntry = int32_t (*)(void* const* buffers, int64_t batch, void* workspace, const cnn_context* context);

/// An object with one entry, for this kernel.
std::string kernel_object(const KernelCode& code, const Target& target);
std::string kernel_entry_name(const std::string& signature);

/// An object with the functions of the plan, under their names behind `prefix`.
std::string functions_object(const ModulePlan& plan, const CompiledKernels& kernels, const std::string& prefix);

class LoadedObjects {
 public:
  LoadedObjects();
  ~LoadedObjects();
  LoadedObjects(const LoadedObjects&) = delete;
  LoadedObjects& operator=(const LoadedObjects&) = delete;

  void add(const std::string& object);
  KernelEntry kernel(const std::string& name) const;
  FunctionEntry function(const std::string& name) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace cnnc
