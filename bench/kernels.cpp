// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GFLOP/s of each template on layers of LeNet and ResNet-20, one thread, against the multiply-add peak of this machine that is
// measured around each run. Usage: bench_kernels [FILTER] [BATCH]. Halide's JIT may reassociate here; built programs may not.
#include <fmt/format.h>
#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "test/lower/plan_runner.h"

namespace cnnc {
namespace {

/// GFLOP/s of 24 independent chains of multiply-adds: the largest rate that a kernel could have.
__attribute__((target("avx512f"), optimize("O3"))) double peak_avx512() {
  constexpr int kChains = 24, kSteps = 20000;
  __m512 sums[kChains];
  for (auto& sum : sums) sum = _mm512_set1_ps(1);
  const __m512 factor = _mm512_set1_ps(0.999f), term = _mm512_set1_ps(0.001f);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kSteps; ++i)
#pragma GCC unroll 24
    for (int c = 0; c < kChains; ++c) sums[c] = _mm512_fmadd_ps(sums[c], factor, term);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  float lanes[16], total = 0;
  for (auto& sum : sums) {
    _mm512_storeu_ps(lanes, sum);
    total += lanes[0];
  }
  [[maybe_unused]] static volatile float sink;
  sink = total;
  return 32.0 * kChains * kSteps / seconds * 1e-9;
}

TensorType image(Dims dims) { return {ElementType::F32, true, std::move(dims)}; }
TensorType weight(Dims dims) { return {ElementType::F32, false, std::move(dims)}; }

struct Line {
  std::string name, op;
  Sample sample;
  double multiply_adds;
};

void add_convolution(std::vector<Line>& lines, const std::string& name, int64_t channels, int64_t filters, int64_t size, int64_t kernel,
                     int64_t stride, int64_t pad) {
  const int64_t out = (size + 2 * pad - kernel) / stride + 1;
  const double work = static_cast<double>(channels * filters * kernel * kernel * out * out);
  AttributeMap attributes = {{"stride", Dims{stride, stride}}, {"pad", Dims{pad, pad, pad, pad}}};
  const TensorType x = image({channels, size, size}), w = weight({filters, channels, kernel, kernel}), y = image({filters, out, out});
  lines.push_back({name, "conv", {{x, w, weight({filters})}, attributes}, work});
  AttributeMap input = attributes, taps = attributes;
  input["height"] = input["width"] = size;
  taps["kernel"] = Dims{kernel, kernel};
  if (channels > 3) lines.push_back({name, "conv_grad_input", {{y, w}, input}, work});
  lines.push_back({name, "conv_grad_weight", {{x, y}, taps}, work});
}

void add_dense(std::vector<Line>& lines, const std::string& name, int64_t in, int64_t out) {
  const double work = static_cast<double>(in * out);
  lines.push_back({name, "dense", {{image({in}), weight({out, in}), weight({out})}, {}}, work});
  lines.push_back({name, "dense_grad_input", {{image({out}), weight({out, in})}, {}}, work});
  lines.push_back({name, "dense_grad_weight", {{image({in}), image({out})}, {}}, work});
}

void measure(const Line& line, const std::string& function, int64_t images) {
  const Module module = module_of(get_op(line.op), line.sample, function);
  const Target& target = host_target();
  const ModulePlan plan = make_plan(module, target, {});
  PlanRunner runner(plan, 0, target, true);
  const auto arguments = random_arrays(line.sample.operands, images, 1);
  const double before = peak_avx512();
  runner.run(arguments, images, {.repetitions = 30});
  const double peak = (before + peak_avx512()) / 2;
  for (size_t k = 0; k < plan.functions[0].kernels.size(); ++k) {
    const Kernel& kernel = plan.functions[0].kernels[k];
    const double seconds = runner.seconds()[k];
    const bool counts = kernel.anchor >= 0 && plan.functions[0].function->graph.node(kernel.anchor).op->name == line.op;
    fmt::print("{:14} {:10.1f} us  {}", line.name, seconds * 1e6, to_string(kernel.schedule));
    const double rate = 2 * line.multiply_adds * static_cast<double>(images) / seconds * 1e-9;
    if (counts) fmt::print("  {:.1f} GFLOP/s, {:.0f} % of {:.0f}", rate, 100 * rate / peak, peak);
    fmt::print("\n");
    std::fflush(stdout);
  }
}

int run(int argc, char** argv) {
  const std::string filter = argc > 1 ? argv[1] : "";
  const int64_t images = argc > 2 ? std::atoll(argv[2]) : 64;
  std::vector<Line> lines;
  add_convolution(lines, "lenet.conv1", 1, 6, 28, 5, 1, 2);
  add_convolution(lines, "lenet.conv2", 6, 16, 14, 5, 1, 0);
  add_dense(lines, "lenet.fc1", 400, 120);
  add_dense(lines, "lenet.fc2", 120, 84);
  add_convolution(lines, "resnet.16", 16, 16, 32, 3, 1, 1);
  add_convolution(lines, "resnet.16s2", 16, 32, 32, 3, 2, 1);
  add_convolution(lines, "resnet.32", 32, 32, 16, 3, 1, 1);
  add_convolution(lines, "resnet.64", 64, 64, 8, 3, 1, 1);
  for (const Line& line : lines) {
    if ((line.name + " " + line.op).find(filter) == std::string::npos) continue;
    measure(line, "bench.gradients", images);
    if (line.op == "conv" || line.op == "dense") measure(line, "infer", 1);
  }
  return 0;
}

}  // namespace
}  // namespace cnnc

int main(int argc, char** argv) { return cnnc::run(argc, argv); }
