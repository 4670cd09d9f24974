// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `cnnc tune FILE.cnn`: searches for better schedules on this machine and writes them as a schedule file. The search is
// compiler/tune; here are options, the file, and Ctrl-C. Tests: test/run/tune.test, tune_errors.test.
#include <fmt/format.h>
#include <fnmatch.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>
#include <thread>

#include "driver/exit_status.h"
#include "driver/guarded.h"
#include "driver/pipeline.h"
#include "driver/source_input.h"
#include "driver/subcommand.h"
#include "runtime/formats/error.h"
#include "runtime/formats/whole_file.h"
#include "support/check.h"
#include "support/text.h"
#include "tune/machine_bench.h"
#include "tune/peak.h"
#include "tune/progress.h"

namespace cnnc {
namespace {

struct TuneCommand {
  CompileOptions compile;
  std::string time, output, pattern;
  std::vector<std::string> defines;
  int64_t trials = 0, batch = 0;
  int threads = 1, jobs = 0;
  bool train = false, list = false;
  double seconds = 0;
};

/// Shared with the process in which the search runs: a signal may be sent to one of them only.
volatile sig_atomic_t* interrupted = nullptr;

/// The first Ctrl-C ends the search; the second one ends the program.
void on_interrupt(int number) {
  *interrupted = 1;
  signal(number, SIG_DFL);
}

void heed_interrupts() {
  void* memory = mmap(nullptr, sizeof *interrupted, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CNNC_CHECK(memory != MAP_FAILED, "no shared memory");
  interrupted = static_cast<volatile sig_atomic_t*>(memory);
  signal(SIGINT, on_interrupt);
}

int usage_error(const std::string& message) {
  print_error(escape_control(message));
  fmt::print(stderr, "`cnnc tune --help` tells more\n");
  return kUsageWrong;
}

/// "90s", "5m", "1h", "90": seconds; 0 where it is none of these.
double read_duration(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  constexpr double kMinute = 60, kHour = 3600, kWeek = 7 * 24 * kHour;
  const double factor = unit.empty() || unit == "s" ? 1 : unit == "m" ? kMinute : unit == "h" ? kHour : 0;
  const double seconds = number * factor;
  return error == std::errc() && seconds > 0 && seconds <= kWeek ? seconds : 0;
}

int read_options(TuneCommand& command) {
  if (const std::string error = read_defines(command.defines, command.compile); !error.empty()) return usage_error(error);
  if (command.output == "-") return usage_error("`-o -`: the search reads and writes a file, standard output shows how it goes; a file of this name is written `./-`");
  if (!command.time.empty() && command.trials > 0) return usage_error("`--time` and `--trials` are two ways to say how long it takes: give one of them");
  constexpr double kUsual = 300;
  command.seconds = command.trials > 0 ? 0 : kUsual;
  if (!command.time.empty() && (command.seconds = read_duration(command.time)) == 0)
    return usage_error(fmt::format("`--time={}`: write seconds, minutes or hours, `90s`, `5m`, `1h`, at most a week", command.time));
  return kDone;
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm day {};
  localtime_r(&now, &day);
  return fmt::format("{:04}-{:02}-{:02}", day.tm_year + 1900, day.tm_mon + 1, day.tm_mday);
}

/// What is tuned, with its batches; a diagnostic's text where there is nothing.
std::string choose_functions(const TuneCommand& command, const Compilation& c, MachineOptions& machine) {
  if (!command.train) {
    machine.functions = {"infer"};
    machine.batches["infer"] = c.options.batch;
    return {};
  }
  for (const Recipe& recipe : c.analysed->recipes) {
    const std::string gradients = recipe.name + ".gradients", update = recipe.name + ".update";
    machine.functions.insert(machine.functions.end(), {gradients, update});
    machine.batches[gradients] = command.batch > 0 ? command.batch : recipe_batch(recipe);
    machine.batches[update] = flat_layout(*c.module).weight_elements;
  }
  return machine.functions.empty() ? fmt::format("`--train`: the network {} has no `train` block", c.analysed->network) : std::string();
}

bool matches(const std::string& pattern, const std::string& text) {
  return fnmatch(pattern.c_str(), text.c_str(), 0) == 0 || (pattern.find_first_of("*?[") == std::string::npos && text.find(pattern) != std::string::npos);
}

/// The file that an earlier run has written, if it is there.
bool read_file(const std::string& path, Compilation& c) {
  std::error_code none;
  c.stanzas = ScheduleFile();
  if (!std::filesystem::exists(path, none)) return true;
  const std::optional<int32_t> source = add_source(c.sources, path);
  if (!source) return false;
  c.stanzas = read_schedule_file(c.sources, *source, c.diagnostics);
  if (c.diagnostics.has_errors()) return false;
  PlanOptions options = plan_options(c);
  options.stanzas = &*c.stanzas;
  report_stanzas(*c.stanzas, make_plan(*c.module, *c.target, options), c.diagnostics);
  return !c.diagnostics.has_errors();
}

Choices choices_of(const ScheduleFile& file, const Target& target) {
  Choices choices;
  for (const auto& [key, stanza] : file.stanzas())
    if (stanza.target == target.name) (stanza.kind == StanzaKind::Layout ? choices.layouts : choices.kernels)[stanza.key.hash] = stanza.schedule;
  return choices;
}

/// The old file without what it says about this network's kernels, and with what was found.
ScheduleFile new_file(const ScheduleFile& old, const TuneResult& result, MachineBench& bench, const Target& target) {
  ScheduleFile file;
  std::map<uint64_t, std::string> words;
  for (const Choices& choices : {Choices{}, choices_of(old, target), result.choices}) {
    const Problem problem = bench.plan(choices);
    for (const KernelTask& task : problem.kernels) words[task.key] = task.words;
    for (const LayoutTask& task : problem.layouts) words[task.key] = task.words;
  }
  for (StanzaKind kind : {StanzaKind::Layout, StanzaKind::Kernel})
    for (const auto& [key, schedule] : kind == StanzaKind::Layout ? result.choices.layouts : result.choices.kernels) {
      if (kind == StanzaKind::Layout && !words.contains(key)) continue;
      Stanza stanza;
      stanza.kind = kind;
      stanza.key = {words.at(key), key};
      stanza.target = target.name;
      stanza.schedule = schedule;
      stanza.date = today();
      if (const auto measured = result.seconds.find(key); measured != result.seconds.end()) stanza.microseconds = std::max(0.01, measured->second * 1e6);
      file.add(std::move(stanza));
    }
  for (const auto& [key, stanza] : old.stanzas())
    if (stanza.target != target.name || !words.contains(stanza.key.hash)) file.add(stanza);
  return file;
}

void print_spaces(MachineBench& bench, const Choices& start) {
  constexpr size_t kMost = 1500;
  const Problem problem = bench.plan(start);
  for (const LayoutTask& task : problem.layouts) {
    fmt::print("{}: weights {}\n  {}\n", escape_control(task.label), to_string(task.now), task.words);
    for (const Schedule& weights : task.legal) fmt::print("    {}\n", to_string(weights));
  }
  for (const KernelTask& task : problem.kernels) {
    const std::vector<Schedule> all = bench.space(task.key).around(task.chosen, kMost);
    fmt::print("{}: {}\n  {}\n  {}\n", escape_control(task.label), to_string(task.chosen), task.words,
               all.size() < kMost ? count_of(all.size(), "legal schedule") : fmt::format("more than {} legal schedules", kMost - 1));
    std::map<std::string, std::pair<int64_t, int64_t>, std::less<>> ranges;
    for (const Schedule& schedule : all)
      for (const auto& [name, value] : schedule.parameters) {
        const auto range = ranges.try_emplace(name, value, value).first;
        range->second = {std::min(range->second.first, value), std::max(range->second.second, value)};
      }
    for (const auto& [name, range] : ranges) fmt::print("    {:<9} {}\n", name, range.first == range.second ? fmt::format("{}", range.first) : fmt::format("{} to {}", range.first, range.second));
  }
}

int write_result(const std::string& path, const ScheduleFile& old, const TuneResult& result, MachineBench& bench, const Target& target) {
  const bool has_found = !(result.choices == Choices{});
  const ScheduleFile file = new_file(old, result, bench, target);
  if (has_found || to_string(file) != to_string(old)) {
    try {
      formats::write_file(path, to_string(file));
    } catch (const formats::FormatError& error) {
      print_error(error.what());
      return kInputWrong;
    }
  }
  if (!has_found) {
    fmt::print("no schedule makes this network faster; {}\n", old.stanzas().empty() ? "nothing is written" : fmt::format("{} has none for it", escape_control(path)));
    return kDone;
  }
  fmt::print("the network takes {} instead of {}: {:.2f} times as fast; {} in {}\n", time_text(result.after), time_text(result.before), result.before / result.after,
             count_of(result.choices.layouts.size() + result.choices.kernels.size(), "stanza"), escape_control(path));
  return kDone;
}

int run_search(TuneCommand& command) {
  if (command.batch > 0) command.compile.batch = command.batch;
  Compilation c(command.compile);
  const bool ok = read_source(c) && analyse_source(c) && derive_functions(c);
  const std::string path = command.output.empty() && ok ? c.analysed->network + ".schedule" : command.output;
  const bool has_file = ok && read_target(c) && read_file(path, c);
  print_diagnostics(c.diagnostics);
  if (!ok || !has_file) return kInputWrong;

  const Target& target = *c.target;
  MachineOptions machine;
  machine.plan = plan_options(c);
  if (const std::string error = choose_functions(command, c, machine); !error.empty()) {
    print_error(escape_control(error));
    return kInputWrong;
  }
  if (!command.pattern.empty())
    machine.wanted = [&](const std::string& label, const std::string& words) { return matches(command.pattern, label) || matches(command.pattern, words); };
  machine.threads = command.threads;
  machine.jobs = command.jobs > 0 ? command.jobs : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  machine.cache_folder = default_cache_folder();
  machine.interrupted = [] { return *interrupted != 0; };
  MachineBench bench(*c.module, target, machine);
  const Choices start = choices_of(*c.stanzas, target);
  if (bench.plan(start).kernels.empty()) {
    print_error(escape_control(fmt::format("`--kernels={}`: no kernel of this network has such a name; `cnnc tune {} --list` shows all", command.pattern, command.compile.file)));
    return kInputWrong;
  }
  if (command.list) {
    print_spaces(bench, start);
    return kDone;
  }
  winsize window{};
  const bool is_terminal = isatty(STDOUT_FILENO) != 0;
  if (is_terminal) ioctl(STDOUT_FILENO, TIOCGWINSZ, &window);
  const double peak = measured_peak(target) * command.threads;
  ProgressOptions shown{.is_terminal = is_terminal, .counts_trials = command.trials > 0, .peak = peak};
  if (window.ws_row > 0) shown.rows = window.ws_row;
  if (window.ws_col > 0) shown.columns = window.ws_col;
  Progress progress(shown, stdout);
  const TuneResult result = tune(bench, {.seconds = command.seconds, .trials = command.trials, .peak = peak}, start, progress);
  progress.end();
  if (result.was_interrupted) fmt::print("interrupted after {}\n", count_of(static_cast<size_t>(result.trials), "trial"));
  return write_result(path, *c.stanzas, result, bench, target);
}

int run_tune(TuneCommand& command) {
  if (const int status = read_options(command); status != kDone) return status;
  heed_interrupts();
  return run_guarded([&] { return run_search(command); });
}

}  // namespace

Subcommand tune_subcommand() {
  return {"tune", "search for better schedules on this machine",
          "  cnnc tune lenet.cnn                       5 minutes, for predictions one by one; writes lenet.schedule\n"
          "  cnnc tune lenet.cnn --time 1h --batch 32  longer, for 32 images at a time\n"
          "  cnnc tune lenet.cnn --train               for training\n"
          "  cnnc tune lenet.cnn --kernels='conv*'     only kernels of such names\n"
          "  cnnc tune lenet.cnn --list                what could be tried\n"
          "  cnnc build lenet.cnn --schedule=lenet.schedule   uses what was found\n"
          "Ctrl-C ends the search and keeps what was found; a second run goes on from the file.\n",
          [](CLI::App& app) -> Action {
            const auto command = std::make_shared<TuneCommand>();
            app.add_option("FILE", command->compile.file, "the .cnn file")->required();
            app.add_option("--time", command->time, "how long: 90s, 5m (default), 1h");
            app.add_option("--trials", command->trials, "candidates to measure, instead of a time")->check(CLI::Range(1, 1 << 30));
            app.add_option("--batch", command->batch, "images at a time (default: 1; with --train that of the train block)")->check(CLI::Range(1, 1 << 20));
            app.add_option("--threads", command->threads, "threads that a kernel may use (default 1)")->check(CLI::Range(1, 1024));
            app.add_flag("--train", command->train, "tune a training step, not prediction");
            app.add_option("--kernels", command->pattern, "only kernels whose name or words match: a part of it, or a pattern with * and ?");
            app.add_option("-o,--output", command->output, "the schedule file (default: the network's name with .schedule); if it is there, the search goes on from it");
            app.add_flag("--list", command->list, "print what could be tried for each kernel, and end");
            app.add_option("--network", command->compile.network, "the network to tune (default: the last one of the file)");
            app.add_option("-D,--define", command->defines, "name=value: sets a hyperparameter of the network")->allow_extra_args(false);
            app.add_option("--machine", command->compile.machine_file, "as `cnnc build --machine`: the facts that the first schedules are chosen for");
            app.add_flag("--precise", command->compile.precise, "as `cnnc build --precise`");
            app.add_option("--jobs", command->jobs, "kernels compiled at the same time (default: one a core)")->check(CLI::Range(1, 64));
            return [command] { return run_tune(*command); };
          }};
}

}  // namespace cnnc
