// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The road from a .cnn file to code, as ONE straight list of phases. Each phase reads what the ones before left in the
// Compilation and adds its own result; it returns false when it reported errors, and then the driver stops.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "codegen/codegen.h"
#include "ir/graph.h"
#include "schedule/plan.h"
#include "schedule/schedule_file.h"
#include "support/diagnostic.h"
#include "syntax/ast.h"

namespace cnnc {

/// What a person may choose on the command line; see `cnnc build --help`.
struct CompileOptions {
  std::string file;
  std::string network;                           // empty: the last one of the file
  std::vector<std::pair<std::string, std::string>> overrides;   // -D name=value
  ElementType element = ElementType::F32;
  const Target* target = nullptr;                // null: this machine
  std::string machine_file;                      // --machine=FILE
  int64_t batch = 1;
  std::string weights;                           // --weights: embedded
  bool warnings_are_errors = false;
  bool precise = false;                          // --precise
  bool plain = false;                            // --schedule=plain
  uint64_t variation = 0;                        // --schedule=random:N
  std::string schedule_file;                     // --schedule=FILE
  bool sanitize = CNNC_SANITIZE;                 // a compiler with sanitizers makes programs with sanitizers
};

/// Everything that one run of the compiler makes.
struct Compilation {
  explicit Compilation(CompileOptions given) : options(std::move(given)) {}

  CompileOptions options;
  SourceManager sources;
  Diagnostics diagnostics{sources};
  std::optional<ast::File> file;                 // read_source
  std::optional<Module> analysed;                // analyse_source: functions `network` and RECIPE.loss
  std::optional<Module> module;                  // derive_functions: infer, prepare, evaluate, gradients, update
  std::optional<Target> target;                  // read_target: with the facts of --machine=FILE
  std::optional<ScheduleFile> stanzas;           // schedule: of --schedule=FILE
  std::optional<ModulePlan> plan;                // schedule
  std::optional<CompiledKernels> kernels;        // compile
  std::optional<FlatParameters> embedded;        // read_weights
};

/// The text of the file → AST.
bool read_source(Compilation& compilation);
/// AST → graph: names, shapes, weights, settings.
bool analyse_source(Compilation& compilation);
/// Expansion, differentiation, optimisation: the functions of the program (compiler/ir/README.md lists them).
bool derive_functions(Compilation& compilation);
/// `-D name=value` options → overrides; a message where one is wrong, else nothing.
std::string read_defines(const std::vector<std::string>& defines, CompileOptions& options);

/// The target, with the facts of --machine=FILE where there is one.
bool read_target(Compilation& compilation);
/// What the command line and the recipes say about plans; without stanzas.
PlanOptions plan_options(const Compilation& compilation);
/// Fusion, layouts, templates, memory; the stanzas of --schedule=FILE win.
bool schedule(Compilation& compilation);
/// --weights → flat buffers, checked against the network's parameters.
bool read_weights(Compilation& compilation);
/// Halide code for each distinct kernel. Failures are internal errors: thrown, with the kernels' names and reasons.
bool compile(Compilation& compilation, const KernelOptions& options);

/// What codegen needs of a compilation that has passed `compile`.
ProgramParts program_parts(const Compilation& compilation);

/// The batch that a recipe trains with.
int64_t recipe_batch(const Recipe& recipe);

/// "cnnc 0.1.0"
std::string compiler_version();

}  // namespace cnnc
