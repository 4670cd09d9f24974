// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `cnnc check FILE…`: prints what is wrong with the files, and writes nothing. Tests: test/grammar, test/sema.
#include <memory>

#include "driver/exit_status.h"
#include "driver/guarded.h"
#include "driver/library_folder.h"
#include "driver/source_input.h"
#include "driver/subcommand.h"
#include "sema/sema.h"
#include "syntax/parser.h"

namespace cnnc {
namespace {

struct CheckOptions {
  std::vector<std::string> files;
  bool warnings_are_errors = false;
};

int run_check(const CheckOptions& options) {
  int status = kDone;
  for (const std::string& path : options.files) {
    SourceManager sources;
    Diagnostics diagnostics(sources);
    if (options.warnings_are_errors) diagnostics.make_warnings_errors();
    const std::optional<int32_t> source = add_source(sources, path);
    if (!source) {
      status = kInputWrong;
      continue;
    }
    const ast::File file = parse_file(sources, *source, diagnostics);
    // What a file with syntax errors means is not known well enough to judge it.
    if (!diagnostics.has_errors()) analyse(file, {.library_path = library_folder(), .all_networks = true}, sources, diagnostics);
    print_diagnostics(diagnostics);
    if (diagnostics.has_errors()) status = kInputWrong;
  }
  return status;
}

}  // namespace

Subcommand check_subcommand() {
  return {"check", "print what is wrong with .cnn files",
          "  cnnc check lenet.cnn\n"
          "  cnnc check -Werror *.cnn      warnings are errors\n",
          [](CLI::App& app) -> Action {
            const auto options = std::make_shared<CheckOptions>();
            app.add_option("FILE", options->files, "the files to check; `-` is standard input")->required();
            app.add_flag("--Werror", options->warnings_are_errors, "warnings are errors (`-Werror` for short)");
            return [options] { return run_guarded([&] { return run_check(*options); }); };
          }};
}

}  // namespace cnnc
