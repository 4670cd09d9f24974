// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `cnnc build FILE.cnn`: compiles a network to a program, an object, or the text of any stage. Tests: test/build.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>

#include "driver/artifacts.h"
#include "driver/defect_folder.h"
#include "driver/exit_status.h"
#include "driver/guarded.h"
#include "driver/pipeline.h"
#include "driver/source_input.h"
#include "driver/subcommand.h"
#include "support/text.h"

namespace cnnc {
namespace {

/// As the name of the output.
constexpr std::string_view kStandardOutput = "-";

struct BuildOptions {
  CompileOptions compile;
  std::string output, target, type = "f32", schedule;
  std::vector<std::string> emit, defines;
  int jobs = 0;
  int timeout = 300;
  bool quiet = false, no_cache = false;
};

int usage_error(const std::string& message, const std::optional<std::string>& meant = std::nullopt) {
  print_error(escape_control(message));
  if (meant) fmt::print(stderr, "did you mean `{}`?\n", *meant);
  fmt::print(stderr, "`cnnc build --help` tells more\n");
  return kUsageWrong;
}

/// `plain`, `random:N`, or a file: one that is there, or a name with a folder or a suffix.
bool read_schedule_option(BuildOptions& options) {
  constexpr std::string_view kRandom = "random:";
  options.compile.plain = options.schedule == "plain";
  if (options.compile.plain) return true;
  if (!options.schedule.starts_with(kRandom)) {
    options.compile.schedule_file = options.schedule;
    std::error_code none;   // What is not there is told where it is read.
    return options.schedule.find_first_of("./") != std::string::npos || std::filesystem::exists(options.schedule, none);
  }
  const std::string_view digits = std::string_view(options.schedule).substr(kRandom.size());
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), options.compile.variation);
  return error == std::errc() && end == digits.data() + digits.size() && options.compile.variation != 0;
}

/// One text can go to standard output; a program or an object is a file.
int check_standard_output(const BuildOptions& options) {
  if (std::set(options.emit.begin(), options.emit.end()).size() > 1) return usage_error("`-o -` prints one result, here there are several: leave `-o` out, or name a file");
  if (!find_artifact(options.emit.front())->is_text)
    return usage_error(fmt::format("`-o -` prints a text, `--emit={}` makes a file: give it a name, or write `-o ./-`", options.emit.front()));
  return kDone;
}

/// Option texts → compile options; a message where one is wrong.
int read_options(BuildOptions& options) {
  if (const std::string error = read_defines(options.defines, options.compile); !error.empty()) return usage_error(error);
  if (!options.target.empty() && options.target != "host") {
    options.compile.target = find_target(options.target);
    if (!options.compile.target) {
      std::vector<std::string> names = {"host"};
      for (const Target& target : all_targets()) names.emplace_back(target.name);
      return usage_error(fmt::format("there is no target `{}`; there are {}", options.target, fmt::join(names, ", ")),
                         nearest(options.target, names));
    }
  }
  options.compile.element = options.type == "f64" ? ElementType::F64 : ElementType::F32;
  if (!options.schedule.empty() && !read_schedule_option(options))
    return usage_error(fmt::format("`--schedule={}`: write `plain`, `random:N` with a positive number N, or the name of a file; there is no such file", options.schedule));
  if (options.emit.empty()) options.emit = {"exe"};
  for (const std::string& kind : options.emit)
    if (!find_artifact(kind)) {
      std::vector<std::string> names;
      for (const Artifact& artifact : all_artifacts()) names.emplace_back(artifact.name);
      return usage_error(fmt::format("`--emit={}`: there is no such kind; there are {}", kind, fmt::join(names, ", ")), nearest(kind, names));
    }
  if (options.output == kStandardOutput) return check_standard_output(options);
  return kDone;
}

KernelOptions kernel_options(const BuildOptions& options, bool statements) {
  KernelOptions kernels;
  kernels.statements = statements;
  kernels.sanitize = options.compile.sanitize;
  kernels.jobs = options.jobs;
  kernels.timeout_seconds = options.timeout;
  if (!options.no_cache) kernels.cache_folder = default_cache_folder();
  if (isatty(2) && !options.quiet)
    kernels.progress = [last = -1](int done, int total) mutable {
      if (done == last) return;
      last = done;
      fmt::print(stderr, "\rcompiling kernels {}/{}{}", done, total, done == total ? "\r\033[K" : "");
      std::fflush(stderr);
    };
  return kernels;
}

int build(const BuildOptions& options) {
  const std::set<std::string> kinds(options.emit.begin(), options.emit.end());
  Phase last = Phase::Source;
  for (const std::string& kind : kinds) last = std::max(last, find_artifact(kind)->phase);

  Compilation compilation(options.compile);
  const bool ok = run_phases(compilation, last, kernel_options(options, kinds.contains("stmt")));
  print_diagnostics(compilation.diagnostics);
  if (!ok) return kInputWrong;

  for (const std::string& kind : kinds) {
    const Artifact& artifact = *find_artifact(kind);
    const std::string base = compilation.analysed ? compilation.analysed->network : std::filesystem::path(options.compile.file).stem().string();
    std::string path = options.output == kStandardOutput ? std::string() : options.output;
    if (path.empty() && !artifact.is_text) path = base + std::string(artifact.suffix);
    // Several kinds share one -o: it names the program, the others get their suffix.
    if (!path.empty() && kinds.size() > 1 && !artifact.suffix.empty() && !options.output.empty() && !path.ends_with(artifact.suffix))
      path += artifact.suffix;
    start_clock(options.timeout);
    const std::string error = artifact.write(compilation, path);
    stop_clock();
    if (!error.empty()) {
      print_error(error);
      return kInputWrong;
    }
  }
  return kDone;
}

/// The options as arguments of `cnnc build`, for another folder and perhaps another machine.
std::vector<std::string> reproducing_arguments(const BuildOptions& options) {
  const CompileOptions& compile = options.compile;
  std::vector<std::string> out = {fmt::format("--emit={}", fmt::join(options.emit, ",")), "--type=" + options.type,
                                  fmt::format("--target={}", (compile.target ? *compile.target : host_target()).name),
                                  fmt::format("--batch={}", compile.batch), fmt::format("--timeout={}", options.timeout)};
  if (!compile.network.empty()) out.push_back("--network=" + compile.network);
  for (const std::string& define : options.defines) out.insert(out.end(), {"-D", define});
  if (!compile.weights.empty()) out.push_back("--weights=" + std::filesystem::absolute(compile.weights).string());
  const bool has_file = !compile.schedule_file.empty();
  if (!options.schedule.empty())
    out.push_back("--schedule=" + (has_file ? std::filesystem::absolute(compile.schedule_file).string() : options.schedule));
  if (!compile.machine_file.empty()) out.push_back("--machine=" + std::filesystem::absolute(compile.machine_file).string());
  if (compile.precise) out.push_back("--precise");
  if (options.jobs > 0) out.push_back(fmt::format("--jobs={}", options.jobs));
  if (compile.sanitize && !CNNC_SANITIZE) out.push_back("--sanitize");
  if (compile.warnings_are_errors) out.push_back("--Werror");
  return out;
}

int run_build(BuildOptions& options) {
  if (const int status = read_options(options); status != kDone) return status;
  const int status = run_guarded([&] { return build(options); });
  if (status != kInternalError) return status;
  const std::string folder = write_defect_folder(options.compile, reproducing_arguments(options), options.timeout);
  if (!folder.empty())
    fmt::print(stderr, "the folder {0} has the source, the graphs and the options; this reproduces it:\n  {1}\n", escape_control(folder),
               escape_control(shell_quote(folder + "/reproduce")));
  return status;
}

}  // namespace

Subcommand build_subcommand() {
  return {"build", "compile a network to a program, an object, or the text of a stage",
          "  cnnc build lenet.cnn                          makes the program ./lenet, which trains and predicts\n"
          "  cnnc build lenet.cnn -D classes=5 -o five     with another hyperparameter and name\n"
          "  cnnc build lenet.cnn --weights w.safetensors  with trained weights inside\n"
          "  cnnc build lenet.cnn --emit=obj               lenet.o and lenet.h for a C or C++ program\n"
          "  cnnc build lenet.cnn --emit=kernels           prints which kernels it becomes\n"
          "  cnnc build lenet.cnn --emit=schedule -o s.schedule   writes the schedules in force, to edit them\n"
          "  cnnc build lenet.cnn --schedule=s.schedule    with these\n",
          [](CLI::App& app) -> Action {
            const auto options = std::make_shared<BuildOptions>();
            app.add_option("FILE", options->compile.file, "the .cnn file")->required();
            app.add_option("-o,--output", options->output, "name of the result (default: the network's name; texts are printed); `-` prints a text too");
            std::string kinds = "what to make, several with commas:";
            for (const Artifact& artifact : all_artifacts()) kinds += fmt::format("\n  {}: {}", artifact.name, artifact.doc);
            app.add_option("--emit", options->emit, kinds)->delimiter(',');
            app.add_option("--network", options->compile.network, "the network to build (default: the last one of the file)");
            app.add_option("-D,--define", options->defines, "name=value: sets a hyperparameter of the network")->allow_extra_args(false);
            app.add_option("--weights", options->compile.weights, "a .safetensors file to put into the program");
            app.add_option("--batch", options->compile.batch, "the batch that inference is tuned for (default 1)")->check(CLI::Range(1, 1 << 20));
            std::string targets = "the machine to compile for: host (default)";
            for (const Target& target : all_targets()) targets += fmt::format(", {}", target.name);
            app.add_option("--target", options->target, targets);
            app.add_option("--type", options->type, "f32 (default) or f64: the type of all numbers")->check(CLI::IsMember({"f32", "f64"}));
            app.add_option("--schedule", options->schedule,
                           "other schedules than the rules choose:\n  FILE: for the kernels that have a stanza in it, see docs/schedules.md\n"
                           "  plain: one simple loop nest an operation, to test with\n"
                           "  random:N: legal layouts, templates and parameters, drawn from the number N, to test with\n"
                           "  A file of such a name is written ./plain");
            app.add_option("--machine", options->compile.machine_file, "the facts that schedules are chosen for: a file that `cnnc machine -o FILE` has written (default: those of the target)");
            app.add_flag("--precise", options->compile.precise,
                         "no algorithm that rounds more than a sum of products does (Winograd's); slower, as `precise = true` in a train block");
            app.add_option("--jobs", options->jobs, "kernels compiled at the same time (default: one a core)")->check(CLI::Range(1, 64));
            app.add_option("--timeout", options->timeout, "seconds that a kernel, or the whole module, may take in code generation (default 300)")->check(CLI::Range(1, 86400));
            app.add_flag("--no-cache", options->no_cache,
                         "compile every kernel, and keep none; else compiled kernels are kept in $CNNC_CACHE, $XDG_CACHE_HOME/cnnc or ~/.cache/cnnc");
            app.add_flag("--sanitize", options->compile.sanitize, "kernels and program check every memory access");
            app.add_flag("--quiet", options->quiet, "no progress on the terminal");
            app.add_flag("--Werror", options->compile.warnings_are_errors, "warnings are errors (`-Werror` for short)");
            return [options] { return run_build(*options); };
          }};
}

}  // namespace cnnc
