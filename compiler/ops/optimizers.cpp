// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The optimizers, as formulas: one update for all weights, elementwise. w is the weight, g the sum of gradients, `scale * g`
// the gradient proper (averaged, clipped), `decay` the weight decay, `step` counts from 1.
#include <algorithm>
#include <span>
#include <vector>

#include "ir/layer.h"

namespace cnnc {
namespace {

std::vector<OptimizerDef> make_optimizers() {
  std::vector<OptimizerDef> optimizers = {
      {.name = "adam",
       .doc = "Adam: steps of about the rate's size, whatever the gradient's scale, from running means of the gradient and its square, "
              "both corrected for their start at 0. Weight decay joins the gradient.",
       .arguments = {{"beta1", "how long the mean of the gradient remembers", 0.9, false},
                     {"beta2", "how long the mean of its square remembers", 0.999, false},
                     {"eps", "added to the square root", 1e-8, false}},
       .default_rate = 0.001,
       .moments = {{"first", "beta1 * first + (1 - beta1) * (scale * g + decay * w)"},
                   {"second", "beta2 * second + (1 - beta2) * ((scale * g + decay * w) * (scale * g + decay * w))"}},
       .weight = "w - rate * (first_next / (1 - beta1 ^ step)) / (sqrt(second_next / (1 - beta2 ^ step)) + eps)"},
      {.name = "adamw",
       .doc = "Adam with weight decay beside the gradient: each step first multiplies the weights by 1 - rate * decay.",
       .arguments = {{"beta1", "how long the mean of the gradient remembers", 0.9, false},
                     {"beta2", "how long the mean of its square remembers", 0.999, false},
                     {"eps", "added to the square root", 1e-8, false}},
       .default_rate = 0.001,
       .moments = {{"first", "beta1 * first + (1 - beta1) * (scale * g)"},
                   {"second", "beta2 * second + (1 - beta2) * ((scale * g) * (scale * g))"}},
       .weight = "w * (1 - rate * decay) - rate * (first_next / (1 - beta1 ^ step)) / (sqrt(second_next / (1 - beta2 ^ step)) + eps)"},
      {.name = "sgd",
       .doc = "Stochastic gradient descent. With momentum a velocity remembers earlier gradients: velocity = momentum * velocity + "
              "gradient, weight -= rate * velocity. Weight decay joins the gradient.",
       .arguments = {{"momentum", "how much of the velocity stays; 0.9 is usual", 0, false},
                     {"nesterov", "looks ahead: steps by gradient + momentum * velocity", 0, true}},
       .default_rate = 0.01,
       .moments = {{"velocity", "momentum * velocity + (scale * g + decay * w)"}},
       .weight = "w - rate * select(nesterov != 0, scale * g + decay * w + momentum * velocity_next, velocity_next)"},
  };
  std::sort(optimizers.begin(), optimizers.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return optimizers;
}

}  // namespace

std::span<const OptimizerDef> all_optimizers() {
  static const std::vector<OptimizerDef> optimizers = make_optimizers();
  return optimizers;
}

const OptimizerDef* find_optimizer(std::string_view name) {
  for (const OptimizerDef& optimizer : all_optimizers())
    if (optimizer.name == name) return &optimizer;
  return nullptr;
}

}  // namespace cnnc
