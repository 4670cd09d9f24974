// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `cnnc summary FILE.cnn`: the layers of a network with shapes and sizes, and totals. Tests: test/sema/summary.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "driver/exit_status.h"
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
  bool weights = false;
};

std::string number_text(int64_t number) { return with_commas(static_cast<double>(number)); }

int64_t workspace_bytes(const FunctionPlan& plan, int64_t batch) {
  return plan.workspace_fixed + plan.workspace_per_group * ((batch + plan.group - 1) / plan.group);
}

/// What the plan knows of memory: for inference of one image, and for a training step of the first recipe.
std::vector<std::pair<std::string, std::string>> memory_totals(const Compilation& c) {
  std::vector<std::pair<std::string, std::string>> totals;
  const int64_t element = element_bytes(c.options.element);
  totals.emplace_back("inference: bytes of prepared weights", number_text(c.plan->prepared_bytes));
  for (const FunctionPlan& plan : c.plan->functions) {
    if (plan.function->name == "infer") totals.emplace_back("inference: bytes of workspace, one image", number_text(workspace_bytes(plan, 1)));
    if (c.analysed->recipes.empty() || plan.function->name != c.analysed->recipes[0].name + ".gradients") continue;
    const int64_t batch = recipe_batch(c.analysed->recipes[0]);
    totals.emplace_back(fmt::format("training: bytes of workspace, batch {}", batch), number_text(workspace_bytes(plan, batch)));
  }
  if (!c.analysed->recipes.empty()) {
    const Function& update = *c.module->find(c.analysed->recipes[0].name + ".update");
    const auto moments = std::count_if(update.arguments.begin(), update.arguments.end(), [](const Port& port) { return port.role == Role::Moment; });
    const int64_t copies = 2 + moments;
    totals.emplace_back("training: bytes of weights, gradients, optimizer and statistics",
                        number_text((copies * c.plan->flat.weight_elements + 2 * c.plan->flat.state_elements) * element));
  }
  return totals;
}

int run_summary(const SummaryOptions& options) {
  CompileOptions compile;
  compile.file = options.file;
  compile.network = options.network;
  for (const std::string& define : options.defines) {
    const size_t equals = define.find('=');
    if (equals == 0 || equals == std::string::npos) {
      print_error(escape_control(fmt::format("`-D {}` is not of the form `-D name=value`", define)));
      return kUsageWrong;
    }
    compile.overrides.emplace_back(define.substr(0, equals), define.substr(equals + 1));
  }
  Compilation compilation(std::move(compile));
  const bool ok = read_source(compilation) && analyse_source(compilation) &&
                  (options.weights || (derive_functions(compilation) && schedule(compilation)));
  print_diagnostics(compilation.diagnostics);
  if (!ok) return kInputWrong;
  const Module& module = *compilation.analysed;
  fmt::print("{}", options.weights ? weight_summary(module) : layer_summary(module, memory_totals(compilation)));
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
            app.add_flag("--weights", options->weights, "the weights instead of the layers");
            return [options] { return run_summary(*options); };
          }};
}

}  // namespace cnnc
