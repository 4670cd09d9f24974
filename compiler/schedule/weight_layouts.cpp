// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of weights' layouts, which of them a convolution may have, and their order by expected cost.
#include "schedule/weight_layouts.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/check.h"

namespace cnnc {
namespace {

constexpr TemplateParameter kBlocks[] = {{"blocks", "vectors of filters (training: filters) of a register tile", 1, kMostPackedBlocks, std::nullopt}};
constexpr TemplateParameter kWinograd[] = {{"blocks", "vectors of filters (training: filters) of a register tile", 1, kMostPackedBlocks, std::nullopt},
                                           {"outputs", "results along a side of a tile, 2 or 4", 2, 4, std::nullopt}};

constexpr Template kLayouts[] = {
    {"planar", "as files have them", {}, "Inference: the result is planar too; dense layers: `dense.vector`. Training: a direct sum.", {}},
    {"blocked", "vectors of channels", {}, "Inference, convolutions with a filter for each channel; the result is in blocks of channels.", {}},
    {"packed", "in the order in which register tiles read them", kBlocks, "Inference; the result is in blocks of channels; dense layers: `dense.packed`. Training: the gradient towards x, whose filters are channels.", {}},
    {"winograd", "transformed for Winograd's algorithm, and packed", kWinograd, "3x3 taps at stride 1 in f32; in inference x is in blocks of channels.", {}},
};

int64_t parameter(const Schedule& weights, std::string_view name) { return weights.parameters.find(name)->second; }

std::string wrong(const Schedule& weights, std::string_view name, const std::string& right) {
  return fmt::format("`{}` of `{}` is {}, here it must be {}", name, weights.name, parameter(weights, name), right);
}

std::string unusable(const Schedule& weights, std::string_view why) { return fmt::format("the layer cannot read `{}` weights: {}", weights.name, why); }

WinogradShape shape_of(const WeightsQuestion& q) {
  return q.training ? winograd_lane_shape(q.numbers, q.vector, q.towards_x, q.batch) : winograd_shape(q.numbers, q.vector, q.batch);
}

/// What `blocks` divides: vectors of filters, in training results of the convolution.
int64_t all_blocks(const WeightsQuestion& q) {
  if (q.training) return q.towards_x ? q.numbers.weight[1] : q.numbers.weight[0];
  return ceil_divide(q.numbers.group_filters(), q.vector);
}

std::optional<std::string> blocks_complaint(const WeightsQuestion& q, const Schedule& weights) {
  const int64_t blocks = parameter(weights, "blocks"), all = all_blocks(q);
  if (all % blocks != 0) return wrong(weights, "blocks", fmt::format("a divisor of the {} {}", all, q.training ? "filters" : "vectors of filters"));
  if (const int64_t needed = tile_registers(q.training ? 1 : blocks, q.training ? blocks : 1); needed > q.target->vector_registers)
    return wrong(weights, "blocks", fmt::format("smaller: its tile needs {} vector registers, the target has {}", needed, q.target->vector_registers));
  return {};
}

std::optional<std::string> winograd_complaint(const WeightsQuestion& q, const Schedule& weights) {
  if (q.precise) return unusable(weights, "it rounds more than `--precise` and `precise = true` allow");
  if (q.element != ElementType::F32) return unusable(weights, "it is for f32 only");
  if (!allows_winograd(q.numbers)) return unusable(weights, "that needs 3x3 taps at stride 1 without groups and dilation");
  if (!q.training && !q.from_blocks) return unusable(weights, "that needs an x in blocks of channels");
  const int64_t outputs = parameter(weights, "outputs");
  if (outputs != 2 && outputs != 4) return wrong(weights, "outputs", "2 or 4");
  if (auto complaint = blocks_complaint(q, weights)) return complaint;
  if (!shape_of(q).fits(outputs, 1, parameter(weights, "blocks"))) return unusable(weights, "one tile's scratch would not fit the stack");
  return {};
}

double cost_of(const WeightsQuestion& q, const Schedule& weights) {
  const ConvNumbers& c = q.numbers;
  if (weights.name == "winograd") return winograd_tile(shape_of(q), parameter(weights, "outputs"), *q.target, parameter(weights, "blocks")).cost;
  if (q.is_dense) {
    // A row at a time has vectors of sums whose lanes are added; both pass through all weights.
    constexpr double kLanesAreAdded = 1.2;
    const auto vectors = static_cast<double>(c.weight[1] * ceil_divide(c.weight[0], q.vector));
    return weights.name == "planar" ? vectors * kLanesAreAdded : vectors / packed_images(parameter(weights, "blocks"), q.batch, q.target->vector_registers).efficiency;
  }
  if (weights.name == "packed" && !q.training) return blocked_tile(c, q.vector, q.target->vector_registers, parameter(weights, "blocks")).cost;
  if (weights.name == "blocked") return 0;
  if (q.training) return static_cast<double>(element_count(c.weight) * c.y[1] * c.y[2]);
  return planar_tile(c, q.vector, q.target->vector_registers).cost;
}

}  // namespace

std::span<const Template> all_weight_layouts() { return kLayouts; }

std::optional<std::string> weights_complaint(const WeightsQuestion& q, const Schedule& weights) {
  if (weights.name == "planar") return {};
  if (q.is_dense) return weights.name == "packed" ? blocks_complaint(q, weights) : unusable(weights, "it is a dense layer; there are planar and packed");
  if (weights.name == "winograd" && q.training) return winograd_complaint(q, weights);
  if (weights.name == "packed" && q.training && q.towards_x) return blocks_complaint(q, weights);
  if (q.training) return unusable(weights, fmt::format("training keeps images innermost; there are planar{} and winograd", q.towards_x ? ", packed" : ""));
  if (!allows_blocks(q.numbers, q.from_blocks, q.vector)) return unusable(weights, "it cannot be computed in blocks of channels; there is planar");
  const bool depthwise = q.numbers.is_depthwise();
  if (depthwise != (weights.name == "blocked"))
    return unusable(weights, depthwise ? "it has a filter for each channel; there are planar and blocked" : "it has no filter for each channel; there are planar, packed and winograd");
  if (depthwise) return {};
  return weights.name == "winograd" ? winograd_complaint(q, weights) : blocks_complaint(q, weights);
}

std::vector<Schedule> legal_weights(const WeightsQuestion& q) {
  std::vector<std::pair<double, Schedule>> found;
  const auto add = [&](Schedule weights) {
    if (!weights_complaint(q, weights)) found.emplace_back(cost_of(q, weights), std::move(weights));
  };
  add({"planar", {}});
  add({"blocked", {}});
  for (int64_t blocks = 1; blocks <= kMostPackedBlocks; ++blocks) {
    add({"packed", {{"blocks", blocks}}});
    for (const int64_t outputs : {2, 4}) add({"winograd", {{"blocks", blocks}, {"outputs", outputs}}});
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Schedule> result;
  for (auto& [cost, weights] : found) result.push_back(std::move(weights));
  return result;
}

int64_t packed_dense_blocks(const WeightsQuestion& q) {
  constexpr double kMostlyUseful = 0.85;
  constexpr int64_t kFewImages = 4, kFewVectors = 4;
  const int64_t outputs = q.numbers.weight[0], vectors = ceil_divide(outputs, q.vector), registers = q.target->vector_registers;
  const bool is_cached = element_count(q.numbers.weight) * element_bytes(q.element) <= q.target->level2_bytes;
  const bool gains = q.batch >= kFewImages || (vectors >= kFewVectors && is_cached);
  if (!gains || useful_share(outputs, q.vector) < kMostlyUseful) return 0;
  int64_t best = 0;
  double most = 0;
  for (const int64_t blocks : divisors(vectors)) {
    const double efficiency = packed_images(blocks, q.batch, registers).efficiency;
    if (blocks <= kMostPackedBlocks && efficiency > most + 1e-9) most = efficiency, best = blocks;
  }
  return best;
}

Schedule weights_of(const Layout& layout) {
  switch (layout.kind) {
    case LayoutKind::Planar: return {"planar", {}};
    case LayoutKind::Blocked: return {"blocked", {}};
    case LayoutKind::Packed: return {"packed", {{"blocks", layout.tile.at(1)}}};
    case LayoutKind::Winograd: return {"winograd", {{"blocks", layout.tile.at(1)}, {"outputs", layout.tile.at(2)}}};
    case LayoutKind::Lanes: break;
  }
  CNNC_CHECK(false, "weights do not lie in lanes");
  return {};
}

}  // namespace cnnc
