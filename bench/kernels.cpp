// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// GFLOP/s of each template on layers of LeNet and ResNets, one thread, against the multiply-add peak of this machine that is
// measured around each run. Usage: bench_kernels [FILTER] [BATCH]. Halide's JIT may reassociate here; built programs may not.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "ir/builder.h"
#include "runtime/machine/machine_speed.h"
#include "test/lower/plan_runner.h"

namespace cnnc {
namespace {

/// GFLOP/s of multiply-adds in this machine's widest registers: the largest rate that a kernel could have.
double peak() { return runtime::measure_peak(1, runtime::widest_vectors()) * 1e-9; }

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
  const double before = peak();
  runner.run(arguments, images, {.repetitions = 30});
  const double most = (before + peak()) / 2;
  for (size_t k = 0; k < plan.functions[0].kernels.size(); ++k) {
    const Kernel& kernel = plan.functions[0].kernels[k];
    const double seconds = runner.seconds()[k];
    const bool counts = kernel.anchor >= 0 && plan.functions[0].function->graph.node(kernel.anchor).op->name == line.op;
    fmt::print("{:14} {:10.1f} us  {}", line.name, seconds * 1e6, to_string(kernel.schedule));
    const double rate = 2 * line.multiply_adds * static_cast<double>(images) / seconds * 1e-9;
    if (counts) fmt::print("  {:.1f} GFLOP/s, {:.0f} % of {:.0f}", rate, 100 * rate / most, most);
    fmt::print("\n");
    std::fflush(stdout);
  }
}

struct BlockedLine {
  std::string name;
  int64_t channels, filters, size, kernel, stride, groups = 1;
};

/// A convolution of inference whose operand another one has made, in blocks of channels where the plan chooses them.
void measure_blocked(const BlockedLine& line, int64_t images) {
  Module module;
  Function function;
  function.name = "infer";
  GraphBuilder build(function.graph);
  const auto argument = [&](const std::string& name, Role role, const TensorType& type) {
    const ValueId value = function.graph.add_argument(type);
    function.arguments.push_back({name, role, value});
    if (role == Role::Weight) module.parameters.push_back({name, role, type, {}, "weight", {}});
    return value;
  };
  const int64_t pad = line.kernel / 2;
  const ValueId x = argument("x", Role::Input, image({1, line.size, line.size}));
  const ValueId made = build.add("conv", {x, argument("a", Role::Weight, weight({line.channels, 1, 1, 1}))});
  const ValueId bias = argument("c", Role::Weight, weight({line.filters}));
  const ValueId y = build.add("conv", {made, argument("b", Role::Weight, weight({line.filters, line.channels / line.groups, line.kernel, line.kernel})), bias},
                              {{"stride", Dims{line.stride, line.stride}}, {"pad", Dims{pad, pad, pad, pad}}, {"groups", line.groups}});
  function.results.push_back({"y", Role::Output, build.map("max(x0, 0)", {y})});
  module.functions.push_back(function);
  std::vector<TensorType> types;
  for (const Port& port : function.arguments) types.push_back(function.graph.type(port.value));
  const Target& target = host_target();
  const ModulePlan plan = make_plan(module, target, {});
  PlanRunner runner(plan, 0, target, true);
  const auto arguments = random_arrays(types, images, 1);
  const double before = peak();
  runner.run(arguments, images, {.repetitions = 30});
  const double most = (before + peak()) / 2;
  size_t measured = 0;   // the last convolution
  const auto& kernels = plan.functions[0].kernels;
  for (size_t k = 0; k < kernels.size(); ++k)
    if (kernels[k].anchor >= 0 && plan.functions[0].function->graph.node(kernels[k].anchor).op->name == "conv") measured = k;
  const double rate = 2 * kernels[measured].multiply_adds * static_cast<double>(images) / runner.seconds()[measured] * 1e-9;
  fmt::print("{:22} {:10.1f} us  {:5.1f} GFLOP/s, {:3.0f} % of {:.0f}  {}\n", line.name, runner.seconds()[measured] * 1e6, rate,
             100 * rate / most, most, to_string(kernels[measured].schedule));
  std::fflush(stdout);
}

/// Layers of ResNets, and odd numbers of channels.
const BlockedLine kBlockedLines[] = {
    {"3x3 16 32x32", 16, 16, 32, 3, 1},        {"3x3 64 56x56", 64, 64, 56, 3, 1},       {"3x3 128 28x28", 128, 128, 28, 3, 1},
    {"3x3 256 14x14", 256, 256, 14, 3, 1},     {"3x3 512 7x7", 512, 512, 7, 3, 1},       {"3x3/2 128-256 28x28", 128, 256, 28, 3, 2},
    {"1x1 64-256 56x56", 64, 256, 56, 1, 1},   {"1x1 256-64 56x56", 256, 64, 56, 1, 1},  {"1x1 1024-256 14x14", 1024, 256, 14, 1, 1},
    {"1x1 2048-512 7x7", 2048, 512, 7, 1, 1},  {"1x1/2 256-512 56x56", 256, 512, 56, 1, 2}, {"3x3 17-64 56x56", 17, 64, 56, 3, 1},
    {"3x3 24-48 56x56", 24, 48, 56, 3, 1},     {"3x3 96 28x28", 96, 96, 28, 3, 1},       {"3x3 144 14x14", 144, 144, 14, 3, 1},
    {"5x5 32 14x14", 32, 32, 14, 5, 1},        {"1x1 24-144 56x56", 24, 144, 56, 1, 1},  {"1x1 144-24 56x56", 144, 24, 56, 1, 1},
    {"depthwise 32 112x112", 32, 32, 112, 3, 1, 32}, {"depthwise 144 56x56", 144, 144, 56, 3, 1, 144}, {"depthwise/2 96 112x112", 96, 96, 112, 3, 2, 96},
    {"depthwise 576 14x14", 576, 576, 14, 3, 1, 576}, {"depthwise 960 7x7", 960, 960, 7, 3, 1, 960},
    {"3x3 10-10 28x28", 10, 10, 28, 3, 1},     {"first 3-64 7x7/2 224", 3, 64, 224, 7, 2}, {"first 3-32 3x3/2 224", 3, 32, 224, 3, 2},
};

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
  for (const BlockedLine& line : kBlockedLines)
    if (("blocked " + line.name).find(filter) != std::string::npos) measure_blocked(line, 1);
  return 0;
}

}  // namespace
}  // namespace cnnc

int main(int argc, char** argv) {
  try {
    return cnnc::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
