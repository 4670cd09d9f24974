// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Templates on shapes that reach their corners: tiles that do not divide, wide and narrow rows, many channels, strides.
#include <gtest/gtest.h>

#include "plan_runner.h"

namespace cnnc {
namespace {

TensorType image(Dims dims) { return {ElementType::F32, true, std::move(dims)}; }
TensorType weight(Dims dims) { return {ElementType::F32, false, std::move(dims)}; }

void check(const std::string& op_name, const Sample& sample, const std::string& function, const std::string& expected_template) {
  constexpr int64_t kImages = 3;
  const OpDef& op = get_op(op_name);
  const Module module = module_of(op, sample, function);
  const auto arguments = random_arrays(sample.operands, kImages, 3);
  std::vector<const Array*> operands;
  for (const Array& array : arguments) operands.push_back(&array);
  const auto expected = interpret_op(op, module.functions[0].graph.node(0).attributes, operands, kImages);
  for (const char* name : {"avx512", "avx2"}) {
    const Target& target = *find_target(name);
    if (!runs_here(target)) continue;
    const ModulePlan plan = make_plan(module, target, {});
    bool uses = false;
    for (const Kernel& kernel : plan.functions[0].kernels) uses = uses || kernel.schedule.name == expected_template;
    EXPECT_TRUE(uses) << to_string(plan, module);
    PlanRunner runner(plan, 0, target);
    const auto actual = runner.run(arguments, kImages);
    for (size_t i = 0; i < actual.size(); ++i) EXPECT_LT(difference(actual[i], expected[i]), 5e-6) << to_string(plan, module);
  }
}

struct Convolution {
  int64_t channels, filters, size, kernel, stride, pad;
};

void check_convolution(const Convolution& c) {
  const int64_t out = (c.size + 2 * c.pad - c.kernel) / c.stride + 1;
  const AttributeMap attributes = {{"stride", Dims{c.stride, c.stride}}, {"pad", Dims{c.pad, c.pad, c.pad, c.pad}}};
  const TensorType x = image({c.channels, c.size, c.size}), w = weight({c.filters, c.channels, c.kernel, c.kernel}),
                   y = image({c.filters, out, out});
  check("conv", {{x, w, weight({c.filters})}, attributes}, "t.gradients", "conv.lanes");
  check("conv", {{x, w, weight({c.filters})}, attributes}, "infer", "conv.planar");
  AttributeMap input = attributes, kernel = attributes;
  input["height"] = input["width"] = c.size;
  kernel["kernel"] = Dims{c.kernel, c.kernel};
  check("conv_grad_input", {{y, w}, input}, "t.gradients", "conv.lanes_grad_input");
  check("conv_grad_weight", {{x, y}, kernel}, "t.gradients", "conv.lanes_grad_weight");
}

TEST(Shapes, LargeKernels) {
  check_convolution({1, 6, 28, 5, 1, 2});
  check_convolution({3, 8, 14, 5, 1, 0});
}
TEST(Shapes, PaddedAndStrided) {
  check_convolution({4, 8, 16, 3, 1, 1});
  check_convolution({4, 8, 16, 3, 2, 1});
  check_convolution({3, 7, 13, 3, 2, 1});
}
TEST(Shapes, WideRows) { check_convolution({2, 3, 37, 3, 1, 1}); }

void check_dense(int64_t in, int64_t out) {
  check("dense", {{image({in}), weight({out, in}), weight({out})}, {}}, "t.gradients", "dense.lanes");
  check("dense", {{image({in}), weight({out, in}), weight({out})}, {}}, "infer", "dense.vector");
  check("dense_grad_input", {{image({out}), weight({out, in})}, {}}, "t.gradients", "dense.lanes_grad_input");
  check("dense_grad_weight", {{image({in}), image({out})}, {}}, "t.gradients", "dense.lanes_grad_weight");
}

TEST(Shapes, Dense) {
  check_dense(84, 10);
  check_dense(50, 37);
  check_dense(3, 2);
}

}  // namespace
}  // namespace cnnc
