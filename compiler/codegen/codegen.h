// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Module + plan + kernels → one optimised LLVM module → object, assembly, LLVM text, or prepared weights at build time.
// The module holds one function for each function of the program (memory offsets, kernel calls), the kernels as internal
// functions, the constant `cnn_program`, and what the output needs: `main`, or the C entry points. Tests: test/codegen.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "codegen/kernels.h"
#include "ir/layer_table.h"
#include "schedule/plan.h"

namespace cnnc {

enum class OutputKind { Executable, Object };

/// Trained weights as --weights gives them, in the flat layout of the module, as raw bytes of its element type.
struct FlatParameters {
  std::string weights, states;
};

struct ProgramParts {
  const Module* module = nullptr;
  const ModulePlan* plan = nullptr;
  const SourceManager* sources = nullptr;   // null: kernels have no places in a source
  const CompiledKernels* kernels = nullptr;
  std::vector<LayerLine> layers;
  std::string compiler;                 // "cnnc 0.1.0"
  ElementType element = ElementType::F32;
  const FlatParameters* embedded = nullptr;
  bool ends_in_softmax = false;         // the network's only output comes from a softmax, or it has several outputs
  bool sanitize = false;
};

/// The LLVM module of a program. Hides LLVM from its users.
class Program {
 public:
  /// Links kernels and driver; not optimised yet. With `embedded` parameters, runs `prepare` on this machine.
  Program(const ProgramParts& parts, OutputKind kind);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void optimise();
  std::string llvm_text() const;
  std::string assembly() const;
  std::string object() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// The C99 and C++ header of the object: entry points, shapes, sizes, status codes.
std::string c_header(const ProgramParts& parts);

/// Links an object with the runtime by the system's `cc` into `output`, whole or not at all. `runtime_folder` holds libcnnrt.a
/// and cnnrt.link (its line of link arguments). Returns an error's text, empty when all went well.
std::string link_executable(const std::string& object, const std::string& output, const std::string& runtime_folder,
                            bool sanitize);

}  // namespace cnnc
