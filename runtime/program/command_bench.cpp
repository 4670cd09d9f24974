// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `bench`: the time of one step of inference or training, and where it goes, kernel by kernel. Inputs and weights are random.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "runtime/program/commands.h"
#include "runtime/program/failure.h"
#include "runtime/program/json_text.h"
#include "runtime/program/random.h"
#include "runtime/program/reservations.h"
#include "runtime/program/training_step.h"
#include "runtime/program/weights_file.h"

namespace cnnc::runtime {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kWarmUps = 3, kFewestRuns = 20, kMostRuns = 2000, kProfiledRuns = 11;
constexpr double kSecondsToMeasure = 1.0;

constexpr OptionDef kOptions[] = {
    kBatchOption, kThreadsOption, {"--train", "", "measures a training step instead of inference"}, kWeightsOption, kRecipeOption, kSetOption, kJsonOption,
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct KernelTime {
  const cnn_kernel* kernel = nullptr;
  double seconds = 0;   // median
};

struct BenchResult {
  double median_seconds = 0, least_seconds = 0;
  std::vector<KernelTime> kernels;
};

/// Takes the time between calls of kernel_done. A run calls the functions one after the other, each kernel of the first ones in
/// order; the last function (the update) may be called for several ranges, whose times are added.
class Profile {
 public:
  explicit Profile(std::span<const cnn_function* const> functions) : functions_(functions), times_(functions.size()) {
    for (size_t f = 0; f < functions.size(); ++f) times_[f].resize(static_cast<size_t>(functions[f]->kernel_count));
  }

  void begin_run() {
    for (auto& kernels : times_)
      for (auto& runs : kernels) runs.push_back(0);
    function_ = 0;
    previous_ = -1;
    last_ = Clock::now();
  }

  static void kernel_done(void* self, int32_t kernel) { static_cast<Profile*>(self)->add(kernel); }

  std::vector<KernelTime> medians() const {
    std::vector<KernelTime> result;
    for (size_t f = 0; f < times_.size(); ++f)
      for (size_t k = 0; k < times_[f].size(); ++k) result.push_back({&functions_[f]->kernels[k], median(times_[f][k])});
    return result;
  }

 private:
  void add(int32_t kernel) {
    const Clock::time_point now = Clock::now();
    if (kernel <= previous_ && function_ + 1 < functions_.size()) ++function_;
    previous_ = kernel;
    times_[function_][static_cast<size_t>(kernel)].back() += std::chrono::duration<double>(now - last_).count();
    last_ = Clock::now();
  }

  std::span<const cnn_function* const> functions_;
  std::vector<std::vector<std::vector<double>>> times_;   // [function][kernel][run]
  size_t function_ = 0;
  int32_t previous_ = -1;
  Clock::time_point last_;
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

/// Measures run(context); the functions' kernels are profiled in a second round, so that the clock does not disturb the first.
template <typename Run>
BenchResult measure(Session& session, std::span<const cnn_function* const> functions, const Run& run) {
  for (int i = 0; i < kWarmUps; ++i) run();
  std::vector<double> times;
  const Clock::time_point begin = Clock::now();
  while (static_cast<int>(times.size()) < kMostRuns &&
         (static_cast<int>(times.size()) < kFewestRuns || std::chrono::duration<double>(Clock::now() - begin).count() < kSecondsToMeasure)) {
    const Clock::time_point start = Clock::now();
    run();
    times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  BenchResult out{median(times), *std::min_element(times.begin(), times.end()), {}};

  Profile profile(functions);
  session.context.profile = &profile;
  session.context.kernel_done = Profile::kernel_done;
  for (int i = 0; i < kProfiledRuns; ++i) {
    profile.begin_run();
    run();
  }
  session.context.kernel_done = nullptr;
  out.kernels = profile.medians();
  return out;
}

BenchResult bench_inference(Session& session, const CommandLine& line, int64_t batch) {
  const cnn_program& program = *session.program;
  Model model(program);
  FunctionCall infer(*program.infer);
  void* workspace = nullptr;
  const auto plan = [&](Arena& arena, int64_t size) { reserve_inference(arena, size, &model, infer, program, &workspace); };
  const auto arena = allocate_buffers(plan, batch);
  if (const auto path = line.text("--weights")) read_weights(*path, model);
  else if (!model.take_embedded() || program.weight_count == 0) model.initialise(0);
  model.prepare(workspace, session.context);
  model.connect(infer);
  fill_columns(infer, batch, 0);
  const cnn_function* functions[] = {program.infer};
  return measure(session, functions, [&] { infer.call(batch, workspace, session.context); });
}

BenchResult bench_training(Session& session, const CommandLine& line, int64_t batch) {
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
  const auto arena = allocate_buffers(plan, batch);
  if (const auto path = line.text("--weights")) read_weights(*path, model);
  else model.initialise(0);
  step.connect(workspace);
  fill_columns(step.gradients(), batch, class_count(recipe));
  int64_t number = 0;
  const cnn_function* functions[] = {recipe.gradients, recipe.update};
  // A rate of 0 keeps the weights as they are: thousands of steps on one batch would lead anywhere.
  return measure(session, functions, [&] { step.run({batch, ++number, 0, 0, true}); });
}

double gflops(const KernelTime& time, int64_t batch) {
  return time.seconds > 0 ? 2 * time.kernel->multiply_adds * static_cast<double>(batch) / time.seconds * 1e-9 : 0;
}

void print_text(const Session& session, const BenchResult& result, int64_t batch, bool train) {
  std::printf("%s, batch %lld, %d threads, %s\n", session.program->network, static_cast<long long>(batch), session.pool->threads(), train ? "training step" : "inference");
  std::printf("median %.4f ms, minimum %.4f ms, %.0f images/s\n\n", result.median_seconds * 1e3, result.least_seconds * 1e3, static_cast<double>(batch) / result.median_seconds);
  std::printf("  %-32s %-22s %10s %7s %9s\n", "kernel", "template", "time us", "share", "GFLOP/s");
  for (const KernelTime& time : result.kernels)
    std::printf("  %-32s %-22s %10.1f %6.1f%% %9.1f\n", time.kernel->name, time.kernel->op, time.seconds * 1e6, 100 * time.seconds / result.median_seconds, gflops(time, batch));
}

void print_json(const Session& session, const BenchResult& result, int64_t batch, bool train) {
  JsonText json;
  json.open('{').key("network").string(session.program->network).key("batch").number(batch).key("threads").number(session.pool->threads());
  json.key("train").boolean(train).key("median_ms").number(result.median_seconds * 1e3).key("min_ms").number(result.least_seconds * 1e3);
  json.key("images_per_s").number(static_cast<double>(batch) / result.median_seconds).key("kernels").open('[');
  for (const KernelTime& time : result.kernels)
    json.open('{').key("name").string(time.kernel->name).key("op").string(time.kernel->op).key("time_us").number(time.seconds * 1e6)
        .key("share").number(time.seconds / result.median_seconds).key("gflops").number(gflops(time, batch)).close('}');
  std::puts(json.close(']').close('}').text().c_str());
}

int run_bench(const cnn_program& program, const CommandLine& line) {
  Session session = make_session(program, line);
  const bool train = line.has("--train");
  const int64_t batch = train || line.has("--batch") ? session.settings.batch : 1;
  const BenchResult result = train ? bench_training(session, line, batch) : bench_inference(session, line, batch);
  if (line.has("--json")) print_json(session, result, batch, train);
  else print_text(session, result, batch, train);
  return kDone;
}

}  // namespace

const Command kBenchCommand{{"bench", "measures the time of a step and of each kernel", kOptions, "",
                             "The batch is 1, in training that of the recipe. Without weights, random ones are used."},
                            run_bench, true};

}  // namespace cnnc::runtime
