// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Walks over legal schedules, parameter by parameter, and their expected order.
#include "schedule/space.h"

#include <algorithm>
#include <set>

#include "ir/op.h"
#include "schedule/conv_numbers.h"
#include "schedule/legal.h"
#include "schedule/templates.h"

namespace cnnc {
namespace {

/// What a parameter may be, whatever the others are: all small numbers, and powers of two where it may be large.
std::vector<int64_t> values_of(const TemplateParameter& parameter) {
  constexpr int64_t kSmall = 128, kLarge = int64_t{1} << 20;
  std::vector<int64_t> values;
  for (int64_t value = parameter.least; value <= std::min(parameter.most, kSmall); ++value) values.push_back(value);
  for (int64_t value = 2 * kSmall; value <= std::min(parameter.most, kLarge); value *= 2) values.push_back(value);
  return values;
}

/// The two sides of a register tile, products of parameters: the loads that a multiply-add needs depend on both alike.
struct TileSides {
  std::string_view name;
  std::vector<std::string_view> pixels, filters;
};

const TileSides* tile_sides(std::string_view name) {
  static const std::vector<TileSides> kSides = {
      {"conv.direct", {"columns", "rows"}, {"blocks"}},       {"conv.winograd", {"columns", "rows", "images"}, {"blocks"}},
      {"conv.lanes_winograd", {"blocks"}, {"columns", "rows"}}, {"conv.lanes", {"filters"}, {"columns"}},
      {"conv.planar", {"filters"}, {"columns", "lines"}},              {"conv.lanes_grad_input", {"channels"}, {"columns"}},
      {"conv.lanes_grad_weight", {"channels"}, {"filters"}},  {"dense.lanes", {"outputs"}, {"groups"}},
      {"dense.lanes_grad_input", {"outputs"}, {"groups"}},    {"dense.lanes_grad_weight", {"outputs"}, {"vectors"}},
      {"conv.separable", {"columns", "rows"}, {"blocks"}},    {"dense.packed", {"images"}, {"blocks"}},               {"dense.vector", {"rows"}, {}},
  };
  const auto found = std::find_if(kSides.begin(), kSides.end(), [&](const TileSides& sides) { return sides.name == name; });
  return found == kSides.end() ? nullptr : &*found;
}

}  // namespace

struct ScheduleSpace::Implementation {
  Draft draft;
  Module module;
  PlanOptions options;
  PlanContext context;
  LegalSchedules legal;

  Implementation(const FunctionPlan& plan, const Target& target)
      : draft{std::make_shared<Function>(*plan.function), purpose_of(*plan.function, {}), plan.layouts, plan.weights_choices, {}, {}},
        context{module, target, options, {}, {}},
        legal(draft, context) {}
};

ScheduleSpace::ScheduleSpace(const FunctionPlan& plan, const Target& target) : implementation_(std::make_unique<Implementation>(plan, target)) {}
ScheduleSpace::~ScheduleSpace() = default;

bool ScheduleSpace::is_legal(const Kernel& kernel, const Schedule& schedule) const { return !implementation_->legal.complaint(kernel, schedule); }

std::vector<Schedule> ScheduleSpace::neighbours(const Kernel& kernel, const Schedule& schedule) const {
  std::vector<Schedule> found;
  for (const TemplateParameter& parameter : find_template(schedule.name)->parameters) {
    Schedule other = schedule;
    int64_t& number = other.parameters.find(parameter.name)->second;
    const int64_t now = number;
    for (const int64_t value : values_of(parameter)) {
      number = value;
      if (value != now && is_legal(kernel, other)) found.push_back(other);
    }
  }
  return found;
}

std::vector<Schedule> ScheduleSpace::around(const Kernel& kernel, const Schedule& schedule, size_t most) const {
  std::vector<Schedule> found = {schedule};
  std::set<std::string> seen = {to_string(schedule)};
  for (size_t i = 0; i < found.size() && found.size() < most; ++i)
    for (Schedule& other : neighbours(kernel, Schedule(found[i])))
      if (found.size() < most && seen.insert(to_string(other)).second) found.push_back(std::move(other));
  return found;
}

double ScheduleSpace::expected_cost(const Kernel& kernel, const Schedule& schedule) const {
  const auto vector = schedule.parameters.find("vector");
  const double wider = vector == schedule.parameters.end() ? 1 : static_cast<double>(vector->second);
  const TileSides* sides = tile_sides(schedule.name);
  if (!sides) return 1 / wider;
  const auto product = [&](const std::vector<std::string_view>& names) {
    int64_t result = 1;
    for (const std::string_view name : names) result *= schedule.parameters.find(name)->second;
    return result;
  };
  const int64_t pixels = product(sides->pixels), filters = product(sides->filters), sums = pixels * filters;
  double cost = 1 / wider / tile_efficiency(sums, static_cast<double>(pixels + filters) / static_cast<double>(sums));
  const Dims& result = implementation_->draft.function->graph.type(kernel.writes[0]).dims;
  const auto columns = schedule.parameters.find("columns");
  const bool has_pixels = schedule.name == "conv.direct" || schedule.name == "conv.lanes" || schedule.name == "conv.lanes_grad_input";
  if (has_pixels && columns != schedule.parameters.end() && result.size() == 3) cost /= useful_share(result[2], columns->second);
  if (schedule.name == "conv.direct" && result.size() == 3) cost /= useful_share(result[1], schedule.parameters.find("rows")->second);
  return cost;
}

Kernel ScheduleSpace::with_schedule(const Kernel& kernel, const Schedule& schedule) const {
  Kernel other = kernel;
  other.schedule = schedule;
  other.signature = kernel_signature(implementation_->draft, other, implementation_->context.target);
  return other;
}

}  // namespace cnnc
