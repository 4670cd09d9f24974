// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `cnnc-random`: prints, checks and shrinks random networks. `cnnc-random --help` lists what it does.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "test/random/check_compiled.h"
#include "test/random/check_ir.h"
#include "test/random/generate.h"
#include "test/random/shrink.h"
#include "test/random/special.h"
#include "test/random/statistics.h"

namespace cnnc::random_programs {
namespace {

struct Options {
  uint64_t first = 0, count = 1;
  bool large = false, print = false, check_ir = false, check_compiled = false, shrink = false, statistics = false;
  std::string resume, keep, special;
  std::vector<std::string> files;
  CompiledOptions compiled;
};

/// What is wrong with a network, by the checks that were asked for; empty when nothing is.
std::string check(const Options& options, const std::string& text, uint64_t variation, Tally& tally) {
  std::string failure;
  if (options.check_ir) failure = check_ir(text, variation, tally);
  if (failure.empty() && options.check_compiled) failure = check_compiled(text, variation, options.compiled, tally);
  return failure;
}

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void keep(const Options& options, uint64_t seed, const RandomProgram& program) {
  if (options.keep.empty()) return;
  std::ofstream(fmt::format("{}/seed_{}.cnn", options.keep, seed)) << fmt::format("# variation {}\n", seed) << to_text(program);
}

/// The smallest network that still fails, printed and kept; meanwhile, as that may take long, the network itself.
void report_smallest(const Options& options, const RandomProgram& program, uint64_t seed) {
  keep(options, seed, program);
  Tally ignored;
  const RandomProgram smallest = shrink(program, [&](const RandomProgram& candidate) {
    return is_sharp(*analyse_text(to_text(candidate), ElementType::F32)) && !check(options, to_text(candidate), seed, ignored).empty();
  });
  const std::string text = to_text(smallest);
  fmt::print("the smallest network that fails:\n{}{}\n", text, check(options, text, seed, ignored));
  keep(options, seed, smallest);
}

/// The seed after the last one that an earlier run finished.
uint64_t first_seed(const Options& options) {
  std::ifstream file(options.resume);
  uint64_t next = 0;
  return !options.resume.empty() && file >> next ? std::max(next, options.first) : options.first;
}

/// Whole or not at all: a run that is killed here has lost one seed, not all of them.
void remember(const Options& options, uint64_t next) {
  if (options.resume.empty()) return;
  const std::string whole = options.resume + ".new";
  std::ofstream(whole) << next << "\n";
  std::filesystem::rename(whole, options.resume);
}

void print_summary(uint64_t checked, uint64_t failed, const Tally& tally, std::chrono::steady_clock::time_point begin) {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  fmt::print("{} networks checked, {} failed; {} numbers, {:.2f} % of them with a bound that says little; nearest to the bound: {:.2f} of {} "
             "roundings; {:.1f} s\n",
             checked, failed, tally.elements, tally.elements ? 100.0 * static_cast<double>(tally.loose) / static_cast<double>(tally.elements) : 0.0,
             tally.worst, kRoundings, seconds);
}

/// False when something never occurred.
bool print_statistics(const Statistics& statistics) {
  fmt::print("{}", statistics.table());
  const std::vector<std::string> missing = statistics.missing();
  if (!missing.empty()) fmt::print("never drawn: {}\n", fmt::join(missing, ", "));
  return missing.empty();
}

int run_seeds(const Options& options) {
  const auto begin = std::chrono::steady_clock::now();
  const uint64_t end = options.first + options.count;
  uint64_t failed = 0, checked = 0;
  Tally tally;
  Statistics statistics;
  for (uint64_t seed = first_seed(options); seed < end; ++seed) {
    const RandomProgram program = generate(seed, options.large ? Size::Large : Size::Small);
    const std::string text = to_text(program);
    statistics.add(program);
    if (options.print) fmt::print("# seed {}\n{}\n", seed, text);
    if (!options.check_ir && !options.check_compiled) continue;
    const std::string failure = check(options, text, seed, tally);
    ++checked;
    if (!failure.empty()) {
      ++failed;
      fmt::print("seed {} fails: {}\n{}\n", seed, failure, text);
      if (options.shrink) report_smallest(options, program, seed);
      std::fflush(stdout);
    }
    remember(options, seed + 1);
  }
  if (checked > 0) print_summary(checked, failed, tally, begin);
  return failed > 0 || (options.statistics && !print_statistics(statistics)) ? 1 : 0;
}

/// `# variation N` in the first line of a kept file.
uint64_t variation_of(const std::string& text) {
  constexpr std::string_view kBegin = "# variation ";
  return text.starts_with(kBegin) ? std::stoull(text.substr(kBegin.size())) : 0;
}

int run_files(const Options& options) {
  const auto begin = std::chrono::steady_clock::now();
  uint64_t failed = 0;
  Tally tally;
  for (const std::string& path : options.files) {
    const std::string text = read_text(path);
    const std::string failure = check(options, text, variation_of(text), tally);
    failed += !failure.empty();
    if (!failure.empty()) fmt::print("{} fails: {}\n", path, failure);
  }
  print_summary(options.files.size(), failed, tally, begin);
  return failed > 0 ? 1 : 0;
}

}  // namespace
}  // namespace cnnc::random_programs

int main(int argc, char** argv) {
  using namespace cnnc::random_programs;
  Options options;
  CLI::App app("Random valid networks: prints them as .cnn text, and checks what the compiler makes of them.");
  app.add_option("FILES", options.files, "networks to check instead of random ones (`# variation N` in the first line)");
  app.add_option("--first,--seed", options.first, "the first seed (default 0)");
  app.add_option("--count", options.count, "how many seeds (default 1)");
  app.add_flag("--large", options.large, "networks with up to 400,000 multiply-adds an image, for --check-compiled");
  app.add_flag("--print", options.print, "print the texts");
  app.add_flag("--statistics", options.statistics, "how often each layer, argument, loss and optimizer occurs; fails where one never does");
  app.add_flag("--check-ir", options.check_ir, "every stage of the graph, by the compiler's interpreter");
  app.add_flag("--check-compiled", options.check_compiled, "built programs: outputs, gradients, threads, neighbours, targets");
  app.add_option("--cnnc", options.compiled.cnnc, "the compiler, for --check-compiled");
  app.add_option("--folder", options.compiled.folder, "a scratch folder, for --check-compiled");
  app.add_option("--build-options", options.compiled.build_options, "further options of `cnnc build`: a template's variation, say");
  app.add_flag("--shrink", options.shrink, "make failing networks as small as possible");
  app.add_option("--keep", options.keep, "a folder for shrunk networks");
  app.add_option("--resume", options.resume, "a file that holds the next seed: a run that was stopped goes on there");
  app.add_option("--special", options.special, "a folder for networks with NaN and infinity in their images, for check_special.py");
  CLI11_PARSE(app, argc, argv);
  try {
    if (!options.special.empty()) {
      write_special_cases(options.special, options.first);
      return 0;
    }
    return options.files.empty() ? run_seeds(options) : run_files(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "cnnc-random: {}\n", error.what());
    return 70;
  }
}
