// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `cnnc summary FILE.cnn`: the layers of a network with shapes and sizes, and totals. Tests: test/sema/summary.
#include <fmt/format.h>

#include <memory>

#include "driver/exit_status.h"
#include "driver/guarded.h"
#include "driver/memory_summary.h"
#include "driver/pipeline.h"
#include "driver/source_input.h"
#include "driver/subcommand.h"
#include "driver/summary.h"
#include "support/text.h"

namespace cnnc {
namespace {

struct SummaryOptions {
  std::string file, network;
  std::vector<std::string> defines;
  int64_t batch = 1;
  bool weights = false;
};

/// What the built program will take: for prediction, and for training by the first recipe.
std::vector<MemoryNeed> memory_needs(const Compilation& c) {
  std::vector<MemoryNeed> needs{inference_memory(*c.plan, c.options.element, c.options.batch)};
  if (c.analysed->recipes.empty()) return needs;
  const Recipe& recipe = c.analysed->recipes[0];
  if (c.module->find(recipe.name + ".gradients")) needs.push_back(training_memory(*c.plan, c.options.element, recipe.name, recipe_batch(recipe)));
  return needs;
}

int run_summary(const SummaryOptions& options) {
  CompileOptions compile;
  compile.file = options.file;
  compile.network = options.network;
  compile.batch = options.batch;
  if (const std::string error = read_defines(options.defines, compile); !error.empty()) {
    print_error(escape_control(error));
    return kUsageWrong;
  }
  Compilation compilation(std::move(compile));
  const bool ok = read_source(compilation) && analyse_source(compilation) &&
                  (options.weights || (derive_functions(compilation) && schedule(compilation)));
  print_diagnostics(compilation.diagnostics);
  if (!ok) return kInputWrong;
  const Module& module = *compilation.analysed;
  fmt::print("{}", options.weights ? weight_summary(module) : layer_summary(module, memory_needs(compilation)));
  return kDone;
}

}  // namespace

Subcommand summary_subcommand() {
  return {"summary", "print layers, shapes and sizes of a network",
          "  cnnc summary lenet.cnn\n"
          "  cnnc summary lenet.cnn --weights     names and shapes of the weights\n"
          "  cnnc summary lenet.cnn -D classes=4  with another value of a hyperparameter\n",
          [](CLI::App& app) -> Action {
            const auto options = std::make_shared<SummaryOptions>();
            app.add_option("FILE", options->file, "the file; `-` is standard input")->required();
            app.add_option("--network", options->network, "the network, if it is not the last one of the file");
            app.add_option("-D", options->defines, "NAME=VALUE of a hyperparameter")->take_all();
            app.add_option("--batch", options->batch, "the batch of inference, as `cnnc build --batch` tunes for it (default 1)")->check(CLI::Range(1, 1 << 20));
            app.add_flag("--weights", options->weights, "the weights instead of the layers");
            return [options] { return run_guarded([&] { return run_summary(*options); }); };
          }};
}

}  // namespace cnnc
