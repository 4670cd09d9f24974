// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of what `build` can make, and how each is written.
#include "driver/artifacts.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "ir/print.h"
#include "runtime/formats/error.h"
#include "runtime/formats/whole_file.h"
#include "syntax/printer.h"

namespace cnnc {
namespace {

std::string write_text(const std::string& text, const std::string& path) {
  if (path.empty()) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return {};
  }
  try {
    formats::write_file(path, text);
  } catch (const formats::FormatError& error) {
    return error.what();
  }
  return {};
}

/// Functions whose name `wanted` accepts, as one module.
template <class Predicate>
std::string print_functions(const Module& module, Predicate wanted) {
  Module chosen = module;
  std::erase_if(chosen.functions, [&](const Function& function) { return !wanted(function.name); });
  return to_string(chosen);
}

std::string write_ast(Compilation& c, const std::string& path) { return write_text(dump_file(*c.file), path); }

std::string write_network(Compilation& c, const std::string& path) { return write_text(to_string(*c.analysed), path); }

std::string write_ir(Compilation& c, const std::string& path) {
  return write_text(print_functions(*c.module, [](const std::string& name) { return name == "infer" || name == "prepare"; }), path);
}

std::string write_train_ir(Compilation& c, const std::string& path) {
  auto trains = [](const std::string& name) { return name.ends_with(".gradients") || name.ends_with(".update"); };
  return write_text(print_functions(*c.module, trains), path);
}

std::string write_kernels(Compilation& c, const std::string& path) { return write_text(to_string(*c.plan, *c.module), path); }

std::string write_schedule(Compilation& c, const std::string& path) {
  return write_text(to_string(schedules_in_force(*c.plan, c.stanzas ? &*c.stanzas : nullptr)), path);
}

std::string write_statements(Compilation& c, const std::string& path) {
  std::string text;
  for (const FunctionPlan& function : c.plan->functions)
    for (const Kernel& kernel : function.kernels) {
      const KernelCode& code = c.kernels->by_signature.at(kernel.signature);
      // Equal kernels are printed where they are first used.
      if (code.kernel == &kernel)
        text += fmt::format("// {} {} = {} : {}\n{}\n", function.function->name, kernel.name, kernel.label, to_string(kernel.schedule), code.statement);
    }
  return write_text(text, path);
}

std::string write_llvm(Compilation& c, const std::string& path) {
  Program program(program_parts(c), OutputKind::Executable);
  program.optimise();
  return write_text(program.llvm_text(), path);
}

std::string write_assembly(Compilation& c, const std::string& path) {
  Program program(program_parts(c), OutputKind::Executable);
  program.optimise();
  return write_text(program.assembly(), path);
}

std::string write_object(Compilation& c, const std::string& path) {
  Program program(program_parts(c), OutputKind::Object);
  program.optimise();
  const std::string header = std::filesystem::path(path).replace_extension(".h").string();
  if (std::string error = write_text(c_header(program_parts(c)), header); !error.empty()) return error;
  return write_text(program.object(), path);
}

/// The folder of libcnnrt.a: beside the compiler's folder, as it is built and as it is installed.
std::string runtime_folder() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path().parent_path() / "lib").string();
}

std::string write_executable(Compilation& c, const std::string& path) {
  Program program(program_parts(c), OutputKind::Executable);
  program.optimise();
  return link_executable(program.object(), path, runtime_folder(), c.options.sanitize);
}

constexpr Artifact kArtifacts[] = {
    {"exe", "a program that trains, evaluates and predicts (default)", "", false, Phase::Compiled, write_executable},
    {"obj", "an object file for inference, and its C header", ".o", false, Phase::Compiled, write_object},
    {"ast", "the syntax tree", ".ast", true, Phase::Source, write_ast},
    {"network-ir", "the graph as the file describes it, with the loss of each recipe", ".network.ir", true, Phase::Analysed, write_network},
    {"ir", "the graph of inference, optimised", ".ir", true, Phase::Functions, write_ir},
    {"train-ir", "the graph of a training step, differentiated and optimised", ".train.ir", true, Phase::Functions, write_train_ir},
    {"kernels", "the fused kernels with layouts, schedules and memory", ".kernels", true, Phase::Scheduled, write_kernels},
    {"schedule", "the schedule of each kernel, as `--schedule=FILE` reads it", ".schedule", true, Phase::Scheduled, write_schedule},
    {"stmt", "each kernel as Halide lowers it", ".stmt", true, Phase::Compiled, write_statements},
    {"llvm", "the whole program as LLVM text", ".ll", true, Phase::Compiled, write_llvm},
    {"asm", "the whole program as assembly", ".s", true, Phase::Compiled, write_assembly},
};

}  // namespace

bool run_phases(Compilation& compilation, Phase last, const KernelOptions& kernels) {
  if (!read_source(compilation)) return false;
  if (last == Phase::Source) return true;
  if (!analyse_source(compilation)) return false;
  if (last == Phase::Analysed) return true;
  if (!derive_functions(compilation)) return false;
  if (last == Phase::Functions) return true;
  if (!schedule(compilation)) return false;
  if (last == Phase::Scheduled) return true;
  return read_weights(compilation) && compile(compilation, kernels);
}

std::span<const Artifact> all_artifacts() { return kArtifacts; }

const Artifact* find_artifact(std::string_view name) {
  for (const Artifact& artifact : kArtifacts)
    if (artifact.name == name) return &artifact;
  return nullptr;
}

}  // namespace cnnc
