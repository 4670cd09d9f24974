// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `cnnc summary FILE.cnn`: the layers of a network with shapes and sizes, and totals. Tests: test/sema/summary.
#include <fmt/format.h>

#include <memory>

#include "driver/exit_status.h"
#include "driver/library_folder.h"
#include "driver/source_input.h"
#include "driver/subcommand.h"
#include "driver/summary.h"
#include "sema/sema.h"
#include "support/text.h"
#include "syntax/parser.h"

namespace cnnc {
namespace {

struct SummaryOptions {
  std::string file, network;
  std::vector<std::string> defines;
  bool weights = false;
};

int run_summary(const SummaryOptions& options) {
  AnalyseOptions analysis{.network = options.network, .overrides = {}, .library_path = library_folder()};
  for (const std::string& define : options.defines) {
    const size_t equals = define.find('=');
    if (equals == 0 || equals == std::string::npos) {
      print_error(escape_control(fmt::format("`-D {}` is not of the form `-D name=value`", define)));
      return kUsageWrong;
    }
    analysis.overrides.emplace_back(define.substr(0, equals), define.substr(equals + 1));
  }
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const std::optional<int32_t> source = add_source(sources, options.file);
  if (!source) return kInputWrong;
  const ast::File file = parse_file(sources, *source, diagnostics);
  std::optional<Module> module;
  if (!diagnostics.has_errors()) module = analyse(file, analysis, sources, diagnostics);
  print_diagnostics(diagnostics);
  if (!module) return kInputWrong;
  fmt::print("{}", options.weights ? weight_summary(*module) : layer_summary(*module));
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
