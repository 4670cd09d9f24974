// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `bench`: the time of one step of inference or training, and where it goes: each kernel's time, what it reaches of the machine's
// peak, and what bounds it. Inputs and weights are random.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>

#include "runtime/formats/whole_file.h"
#include "runtime/program/bench_profile.h"
#include "runtime/program/commands.h"
#include "runtime/program/failure.h"
#include "runtime/program/json_text.h"
#include "runtime/machine/machine_speed.h"
#include "runtime/program/random.h"
#include "runtime/program/reservations.h"
#include "runtime/program/training_step.h"
#include "runtime/program/weights_file.h"

namespace cnnc::runtime {
namespace {

constexpr int kWarmUps = 3, kFewestRuns = 5, kMostRuns = 2000, kProfiledRuns = 11, kFewestProfiledRuns = 3, kTracedRuns = 3;
constexpr double kDefaultSeconds = 1.0, kMostSeconds = 3600.0;

constexpr OptionDef kOptions[] = {
    kBatchOption,
    kThreadsOption,
    {"--train", "", "measures a training step instead of inference"},
    {"--seconds", "S", "how long to measure, 1 unless given; at least 5 steps are"},
    {"--trace", "FILE", "writes what ran when as a Chrome trace (.json)"},
    kWeightsOption,
    kRecipeOption,
    kSetOption,
    kJsonOption,
};

/// What is measured, and for how long.
struct BenchOptions {
  int64_t batch = 1;
  bool train = false;
  double seconds = kDefaultSeconds;
  std::optional<std::string> trace;
};

struct KernelTime {
  const cnn_kernel* kernel = nullptr;
  double seconds = 0;                  // median
  double operations = 0;               // two a multiply-add
  double read = 0, written = 0;        // bytes
  Bound bound;
};

struct BenchResult {
  double median_seconds = 0, least_seconds = 0;
  std::vector<KernelTime> kernels;
  MachineSpeed speed;
};

/// Fills inputs with numbers from 0 to 1, integer labels with classes.
void fill_columns(FunctionCall& call, int64_t batch, int64_t classes) {
  const RandomKey key = random_key(0, kBench);
  for (int32_t c = 0; c < call.function().column_count; ++c) {
    const cnn_column& column = call.columns()[static_cast<size_t>(c)];
    if (column.role != CNN_INPUT && column.role != CNN_LABEL) continue;
    for (int64_t i = 0; i < batch * column.elements; ++i) {
      const double draw = key.with(static_cast<uint64_t>(c)).uniform(static_cast<uint64_t>(i));
      switch (column.element) {
        case CNN_F64: static_cast<double*>(call.column(c))[i] = draw; break;
        case CNN_I32: static_cast<int32_t*>(call.column(c))[i] = static_cast<int32_t>(draw * static_cast<double>(std::max<int64_t>(1, classes))); break;
        case CNN_U8: static_cast<uint8_t*>(call.column(c))[i] = static_cast<uint8_t>(draw * 256); break;
        default: static_cast<float*>(call.column(c))[i] = static_cast<float>(draw); break;
      }
    }
  }
}

double seconds_since(BenchClock::time_point begin) { return std::chrono::duration<double>(BenchClock::now() - begin).count(); }

/// The speed of the machine with the registers and the numbers of the program.
MachineSpeed machine_speed(const Session& session) {
  MachineSpeed speed = measure_speed(session.pool->threads(), vector_set(session.program->target).value_or(VectorSet::Sse));
  if (session.program->element == CNN_F64) speed.peak /= 2;   // half as many numbers fit a register
  return speed;
}

/// What each kernel does and what bounds it. The weights were last used a whole step ago; images come from the kernel before.
std::vector<KernelTime> kernel_times(const std::vector<double>& seconds, std::span<const BenchedFunction> functions, const MachineSpeed& speed) {
  std::vector<KernelTime> times;
  std::vector<Traffic> images, weights;
  double whole_step = 0;
  for (const BenchedFunction& called : functions) {
    const auto count = static_cast<double>(called.count);
    for (const cnn_kernel& kernel : std::span(called.function->kernels, static_cast<size_t>(called.function->kernel_count))) {
      images.push_back({kernel.read_per_image * count, kernel.written_per_image * count, 0});
      weights.push_back({kernel.read_fixed, kernel.written_fixed, 0});
      const double at_once = kernel.images > 0 ? std::min(count, static_cast<double>(kernel.images)) : count;
      images.back().touched = (kernel.read_per_image + kernel.written_per_image) * at_once + kernel.read_fixed + kernel.written_fixed;
      whole_step += kernel.read_fixed + kernel.written_fixed;
      times.push_back({&kernel, seconds[times.size()], 2 * kernel.multiply_adds * count, images.back().read + kernel.read_fixed,
                       images.back().written + kernel.written_fixed, {}});
    }
  }
  for (size_t i = 0; i < times.size(); ++i) {
    weights[i].touched = std::max(whole_step, images[i].touched);
    times[i].bound = bound_of(speed, times[i].operations, {images[i], weights[i]});
  }
  return times;
}

/// Measures `step`; its kernels are profiled in a second round, so that the clock does not disturb the first. The machine is
/// measured before and after.
BenchResult measure(Session& session, const BenchOptions& options, std::span<const BenchedFunction> functions, const std::function<void()>& step) {
  const MachineSpeed before = machine_speed(session);
  for (int i = 0; i < kWarmUps; ++i) step();
  std::vector<double> times;
  const BenchClock::time_point begin = BenchClock::now();
  while (static_cast<int>(times.size()) < kMostRuns && (static_cast<int>(times.size()) < kFewestRuns || seconds_since(begin) < options.seconds)) {
    const BenchClock::time_point start = BenchClock::now();
    step();
    times.push_back(seconds_since(start));
  }

  KernelClock clock(functions);
  clock.attach(session);
  const BenchClock::time_point profiled = BenchClock::now();
  for (int i = 0; i < kProfiledRuns && (i < kFewestProfiledRuns || seconds_since(profiled) < options.seconds); ++i) {
    clock.begin_run();
    step();
  }
  clock.detach(session);
  if (options.trace) formats::write_file(*options.trace, Trace(session, functions, step, kTracedRuns).json());
  const MachineSpeed speed = better_of(before, machine_speed(session));
  return {median(times), *std::min_element(times.begin(), times.end()), kernel_times(clock.medians(), functions, speed), speed};
}

BenchResult bench_inference(Session& session, const CommandLine& line, const BenchOptions& options) {
  const cnn_program& program = *session.program;
  Model model(program);
  FunctionCall infer(*program.infer);
  void* workspace = nullptr;
  const auto plan = [&](Arena& arena, int64_t size) { reserve_inference(arena, size, &model, infer, program, &workspace); };
  const auto arena = allocate_buffers(plan, options.batch);
  if (const auto path = line.text("--weights")) read_weights(*path, model);
  else if (!model.take_embedded() || program.weight_count == 0) model.initialise(0);
  model.prepare(workspace, session.context);
  model.connect(infer);
  fill_columns(infer, options.batch, 0);
  const BenchedFunction functions[] = {{program.infer, options.batch}};
  return measure(session, options, functions, [&] { infer.call(options.batch, workspace, session.context); });
}

BenchResult bench_training(Session& session, const CommandLine& line, const BenchOptions& options) {
  const cnn_program& program = *session.program;
  const cnn_recipe& recipe = require_training(session);
  Model model(program);
  TrainingStep step(session, model);
  void* workspace = nullptr;
  const auto plan = [&](Arena& arena, int64_t size) {
    model.reserve_training(arena, recipe);
    step.reserve(arena, size);
    arena.reserve(MemoryUse::Workspace, &workspace, TrainingStep::workspace(recipe, program, size));
  };
  const auto arena = allocate_buffers(plan, options.batch);
  if (const auto path = line.text("--weights")) read_weights(*path, model);
  else model.initialise(0);
  step.connect(workspace);
  fill_columns(step.gradients(), options.batch, class_count(recipe));
  int64_t number = 0;
  const BenchedFunction functions[] = {{recipe.gradients, options.batch}, {recipe.update, program.weight_elements}};
  // A rate of 0 keeps the weights as they are: thousands of steps on one batch would lead anywhere.
  return measure(session, options, functions, [&] { step.run({options.batch, ++number, 0, 0, true}); });
}

double gflops(const KernelTime& time) { return time.seconds > 0 ? time.operations / time.seconds * 1e-9 : 0; }
/// Shares of what the machine can do, from 0 to about 1.
double peak_share(const KernelTime& time, const MachineSpeed& speed) { return speed.peak > 0 ? gflops(time) * 1e9 / speed.peak : 0; }
double bound_share(const KernelTime& time) { return time.seconds > 0 ? time.bound.seconds / time.seconds : 0; }

void print_kernels(const BenchResult& result) {
  constexpr size_t kWidest = 48;      // of a kernel of many layers
  size_t names = std::strlen("kernel"), templates = std::strlen("template");
  for (const KernelTime& time : result.kernels) {
    names = std::max(names, std::min(std::strlen(time.kernel->name), kWidest));
    templates = std::max(templates, std::strlen(time.kernel->op));
  }
  const auto name_width = static_cast<int>(names), template_width = static_cast<int>(templates);
  std::printf("  %-*s %-*s %10s %7s %9s %6s %8s  %s\n", name_width, "kernel", template_width, "template", "time us", "share", "GFLOP/s", "peak", "GB/s",
              "bound, and its share of the time");
  for (const KernelTime& time : result.kernels)
    std::printf("  %-*s %-*s %10.1f %6.1f%% %9.1f %5.1f%% %8.1f  %s %.0f%%\n", name_width, time.kernel->name, template_width, time.kernel->op,
                time.seconds * 1e6, 100 * time.seconds / result.median_seconds, gflops(time), 100 * peak_share(time, result.speed),
                time.seconds > 0 ? (time.read + time.written) / time.seconds * 1e-9 : 0, time.bound.name, 100 * bound_share(time));
}

void print_text(const Session& session, const BenchResult& result, const BenchOptions& options) {
  std::printf("%s, batch %lld, %d %s, %s\n", session.program->network, static_cast<long long>(options.batch), session.pool->threads(),
              session.pool->threads() == 1 ? "thread" : "threads", options.train ? "training step" : "inference");
  std::printf("median %.4f ms, minimum %.4f ms, %.0f images/s\n", result.median_seconds * 1e3, result.least_seconds * 1e3,
              static_cast<double>(options.batch) / result.median_seconds);
  std::printf("the machine: %.1f GFLOP/s", result.speed.peak * 1e-9);
  for (const MemoryLevel& level : result.speed.levels) std::printf(", %s %.1f", level.name, level.read * 1e-9);
  std::printf(" GB/s\n\n");
  print_kernels(result);
}

void add_machine(JsonText& json, const Session& session, const MachineSpeed& speed) {
  json.key("machine").open('{').key("threads").number(speed.threads).key("target").string(session.program->target);
  json.key("peak_gflops").number(speed.peak * 1e-9).key("levels").open('[');
  for (const MemoryLevel& level : speed.levels) {
    json.open('{').key("name").string(level.name);
    if (&level != &speed.levels.back()) json.key("bytes").number(level.capacity);
    json.key("read_gbs").number(level.read * 1e-9).key("copy_gbs").number(level.copy * 1e-9).close('}');
  }
  json.close(']').close('}');
}

void print_json(const Session& session, const BenchResult& result, const BenchOptions& options) {
  JsonText json;
  json.open('{').key("network").string(session.program->network).key("batch").number(options.batch).key("threads").number(session.pool->threads());
  json.key("train").boolean(options.train).key("median_ms").number(result.median_seconds * 1e3).key("min_ms").number(result.least_seconds * 1e3);
  json.key("images_per_s").number(static_cast<double>(options.batch) / result.median_seconds);
  add_machine(json, session, result.speed);
  json.key("kernels").open('[');
  for (const KernelTime& time : result.kernels)
    json.open('{').key("name").string(time.kernel->name).key("op").string(time.kernel->op).key("time_us").number(time.seconds * 1e6)
        .key("share").number(time.seconds / result.median_seconds).key("gflops").number(gflops(time))
        .key("peak_share").number(peak_share(time, result.speed)).key("read_bytes").number(time.read).key("written_bytes").number(time.written)
        .key("bound").string(time.bound.name).key("bound_us").number(time.bound.seconds * 1e6).key("source").string(time.kernel->source).close('}');
  std::puts(json.close(']').close('}').text().c_str());
}

int run_bench(const cnn_program& program, const CommandLine& line) {
  BenchOptions options;
  options.seconds = line.number("--seconds", 0, kMostSeconds).value_or(kDefaultSeconds);
  options.trace = line.text("--trace");
  Session session = make_session(program, line);
  options.train = line.has("--train");
  options.batch = options.train || line.has("--batch") ? session.settings.batch : 1;
  const BenchResult result = options.train ? bench_training(session, line, options) : bench_inference(session, line, options);
  if (line.has("--json")) print_json(session, result, options);
  else print_text(session, result, options);
  return kDone;
}

}  // namespace

const Command kBenchCommand{{"bench", "measures the time of a step and of each kernel", kOptions, "",
                             "The batch is 1, in training that of the recipe. Without weights, random ones are used.\n"
                             "A kernel is bound by computing, or by the level of memory whose bytes take longest: the share says how\n"
                             "near it is to the least time. In a training step conv1' is the backward pass of conv1, and update what\n"
                             "changes the weights. `--trace` can be seen in chrome://tracing or ui.perfetto.dev."},
                            run_bench, true};

}  // namespace cnnc::runtime
