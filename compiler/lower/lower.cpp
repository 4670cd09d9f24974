// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// lower_kernel: pipeline → bitcode, without checks, runtime and queries of bounds. Halide writes files only, so the results
// go through a folder of their own.
#include "lower/lower.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "lower/kernel_builder.h"
#include "lower/numbers.h"
#include "support/check.h"
#include "support/temporary_folder.h"

namespace cnnc {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Halide's messages as exceptions: without it, errors inside destructors end the process without a word.
class Reporter : public Halide::CompileTimeErrorReporter {
 public:
  void warning(const char*) override {}
  void error(const char* message) override { throw InternalError(message); }
};

Halide::Target halide_target(const Target& target, bool sanitize) {
  Halide::Target result{std::string(target.halide)};
  for (auto feature : {Halide::Target::NoRuntime, Halide::Target::NoAsserts, Halide::Target::NoBoundsQuery, Halide::Target::UserContext,
                       Halide::Target::StrictFloat})
    result.set_feature(feature);
  if (sanitize) result.set_feature(Halide::Target::ASAN);
  return result;
}

}  // namespace

LoweredKernel lower_kernel(const FunctionPlan& plan, const Kernel& kernel, const Target& target, const LowerOptions& options) {
  static Reporter reporter;
  Halide::set_custom_compile_time_error_reporter(&reporter);
  LoweredKernel result;
  const TemporaryFolder folder;
  if (!folder.exists()) {
    result.error = folder.error();
    return result;
  }
  try {
    KernelBuilder builder(plan, kernel, target);
    Halide::Pipeline pipeline = build_pipeline(builder);
    const Halide::Module module = pipeline.compile_to_module(builder.arguments(), options.function_name, halide_target(target, options.sanitize));
    std::map<Halide::OutputFileType, std::string> files = {{Halide::OutputFileType::bitcode, folder.file("kernel.bc")}};
    if (options.statement) files[Halide::OutputFileType::stmt] = folder.file("kernel.stmt");
    module.compile(files);
    result.bitcode = read_file(folder.file("kernel.bc"));
    if (options.statement) result.statement = read_file(folder.file("kernel.stmt"));
  } catch (const std::exception& error) {
    result.error = error.what();
  }
  return result;
}

Halide::Pipeline build_pipeline(KernelBuilder& builder) {
  using Build = Halide::Pipeline (*)(KernelBuilder&);
  static const std::map<std::string, Build, std::less<>> templates = {
      {"plain", build_plain},
      {"elementwise", build_elementwise},
      {"pool", build_pool},
      {"reduce.lanes", build_reduce_lanes},
      {"norm.lanes", build_reduce_lanes},
      {"softmax", build_softmax},
      {"conv.lanes", build_conv_forward},
      {"conv.planar", build_conv_forward},
      {"conv.depthwise", build_conv_depthwise},
      {"conv.direct", build_conv_direct},
      {"conv.lanes_winograd", build_conv_lanes_winograd},
      {"conv.lanes_winograd_grad_weight", build_conv_winograd_grad_weight},
      {"conv.lanes_grad_input", build_conv_grad_input},
      {"conv.lanes_grad_weight", build_conv_grad_weight},
      {"conv.chunks", build_conv_chunks},
      {"conv.pointwise", build_conv_pointwise},
      {"conv.separable", build_conv_direct},
      {"conv.winograd", build_conv_winograd},
      {"conv.winograd_weights", build_winograd_weights},
      {"dense.lanes", build_dense_lanes},
      {"dense.lanes_grad_input", build_dense_lanes},
      {"dense.lanes_grad_weight", build_dense_grad_weight},
      {"dense.packed", build_dense_packed},
      {"dense.vector", build_dense_vector},
  };
  const auto found = templates.find(builder.kernel().schedule.name);
  CNNC_CHECK(found != templates.end(), "a template of that name: " + builder.kernel().schedule.name);
  return found->second(builder);
}

}  // namespace cnnc
