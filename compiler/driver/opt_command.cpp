// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `cnnc opt FILE.ir --passes=a,b`: text of a module → passes → text of the module. Tests: test/ir, test/autodiff, test/optimize.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "autodiff/differentiate.h"
#include "driver/exit_status.h"
#include "driver/guarded.h"
#include "driver/source_input.h"
#include "driver/subcommand.h"
#include "ir/parse.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "optimize/pass_list.h"
#include "support/text.h"

namespace cnnc {
namespace {

struct OptOptions {
  std::string file;
  std::vector<std::string> passes;
  std::vector<std::string> print_after;
  bool print_after_all = false;
};

/// Each RECIPE.loss becomes RECIPE.gradients; other functions stay.
Module differentiate_losses(const Module& module) {
  Module result = module;
  for (Function& function : result.functions) {
    if (function.name.ends_with(".loss")) function = differentiate(function);
  }
  return result;
}

std::string why_not_all_differentiable(const Module& module) {
  for (const Function& function : module.functions) {
    if (!function.name.ends_with(".loss")) continue;
    if (std::string refusal = why_not_differentiable(function); !refusal.empty()) return refusal;
  }
  return {};
}

/// The passes of compiler/optimize and the differentiation.
std::vector<Pass> known_passes() {
  std::vector<Pass> passes(all_passes().begin(), all_passes().end());
  passes.push_back({"differentiate", "each RECIPE.loss becomes RECIPE.gradients", nullptr, differentiate_losses, why_not_all_differentiable});
  return passes;
}

/// The pass of that name; prints what would be right when there is none.
const Pass* choose_pass(const std::vector<Pass>& passes, const std::string& name) {
  std::vector<std::string> names;
  for (const Pass& pass : passes) {
    if (pass.name == name) return &pass;
    names.emplace_back(pass.name);
  }
  const auto near = nearest(name, names);
  const std::string shown = escape_control(abbreviate(name));
  print_error(near ? fmt::format("there is no pass `{}`; did you mean `{}`?", shown, *near)
                   : fmt::format("there is no pass `{}`; the passes are {}", shown, join_choices(names, "and")));
  return nullptr;
}

int run_opt(const OptOptions& options) {
  const std::vector<Pass> passes = known_passes();
  std::vector<const Pass*> chosen;
  for (const std::string& name : options.passes) {
    chosen.push_back(choose_pass(passes, name));
    if (chosen.back() == nullptr) return kUsageWrong;
  }
  for (const std::string& name : options.print_after) {
    if (choose_pass(passes, name) == nullptr) return kUsageWrong;
  }
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const std::optional<int32_t> source = add_source(sources, options.file);
  if (!source) return kInputWrong;
  Module module = parse_module(sources, *source, diagnostics);
  print_diagnostics(diagnostics);
  if (diagnostics.has_errors()) return kInputWrong;

  for (const Pass* pass : chosen) {
    if (const std::string refusal = pass->refusal ? pass->refusal(module) : std::string(); !refusal.empty()) {
      print_error(fmt::format("the pass `{}` cannot run: {}", pass->name, refusal));
      return kInputWrong;
    }
    module = run_pass(*pass, module);
    verify(module, pass->name);
    const bool named = std::find(options.print_after.begin(), options.print_after.end(), pass->name) != options.print_after.end();
    if (named || options.print_after_all) fmt::print("// after {}\n{}\n", pass->name, to_string(module));
  }
  fmt::print("{}", to_string(module));
  return kDone;
}

std::string pass_help() {
  std::string text = "passes:\n";
  for (const Pass& pass : known_passes()) text += fmt::format("  {:<24}{}\n", pass.name, pass.doc);
  return text + "\n";
}

}  // namespace

Subcommand opt_subcommand() {
  return {"opt", "run passes on the text of a graph",
          "  cnnc opt lenet.ir                                        read, check, print\n"
          "  cnnc opt lenet.ir --passes=expand-inference,dead-code\n" +
              pass_help(),
          [](CLI::App& app) -> Action {
            const auto options = std::make_shared<OptOptions>();
            app.add_option("FILE", options->file, "text of a graph, as `cnnc build --emit=ir` writes it; `-` is standard input")->required();
            app.add_option("--passes", options->passes, "the passes to run, in order, with commas between")->delimiter(',');
            app.add_option("--print-after", options->print_after, "print the graph also after each run of this pass");
            app.add_flag("--print-after-all", options->print_after_all, "print the graph also after each pass");
            return [options] { return run_guarded([&] { return run_opt(*options); }); };
          }};
}

}  // namespace cnnc
