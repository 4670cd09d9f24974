// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Plans of the networks in networks.cpp on two targets, as texts: layouts, fusion, memory, schedules (Inputs/plans.txt); and, for
// each of their kernels, which values of each parameter are legal while the others stay, and why the next one is not
// (Inputs/legal_schedules.txt); and the templates for each combination of layouts (Inputs/templates.txt).
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "networks.h"
#include "schedule/legal.h"
#include "schedule/templates.h"
#include "test/golden.h"

namespace cnnc::test {
namespace {

const char* const kTargets[] = {"avx512", "avx2"};

TEST(WholePlans, AreAsWritten) {
  std::string text;
  for (const PlannedNetwork& network : planned_networks())
    for (const char* target : kTargets) {
      const Module module = make_module(network);
      text += fmt::format("\n---- {}, {}\n{}", network.name, target, to_string(make_plan(module, *find_target(target), {}), module));
    }
  expect_as_in_file(PLANS, text);
}

/// "1-3, 6": the values of a parameter up to `most` that are legal; then the first one that is not, and why.
std::string legal_values(const LegalSchedules& legal, const Kernel& kernel, Schedule schedule, const TemplateParameter& parameter) {
  std::vector<int64_t> values;
  for (int64_t value = parameter.least; value <= std::min<int64_t>(parameter.most, 64); ++value) values.push_back(value);
  for (int64_t value : {80, 96, 128, 192, 256, 400, 600, 1024, 1200})
    if (value <= parameter.most) values.push_back(value);
  std::string runs, refusals, last_reason;
  int64_t begin = -1, before = -1;
  const auto end_run = [&](int64_t end) {
    if (begin >= 0) runs += fmt::format("{}{}", runs.empty() ? "" : ", ", begin == end ? fmt::format("{}", begin) : fmt::format("{}-{}", begin, end));
    begin = -1;
  };
  for (const int64_t value : values) {
    schedule.parameters[std::string(parameter.name)] = value;
    const auto complaint = legal.complaint(kernel, schedule);
    if (!complaint && begin < 0) begin = value;
    if (complaint) end_run(before);
    before = value;
    if (!complaint) continue;
    std::string reason = *complaint;
    for (const std::string_view before : {"here it must be ", "cannot be used: "})
      if (const size_t found = reason.find(before); found != std::string::npos) reason = reason.substr(found + before.size());
    if (reason != last_reason) refusals += fmt::format("; {}: {}", value, reason);
    last_reason = reason;
  }
  end_run(before);
  return fmt::format("      {}: {}{}\n", parameter.name, runs.empty() ? "none" : runs, refusals);
}

/// All about one kernel: its schedule and the neighbours of it, and the other templates with their smallest parameters.
std::string legal_text(const Draft& draft, const LegalSchedules& legal, const Kernel& kernel) {
  std::string text = "  kernel of";
  for (const int32_t node : kernel.nodes) text += " " + draft.function->graph.node(node).op->name;
  text += "\n";
  const auto templates = legal.templates(kernel);
  for (const Template& described : all_templates()) {
    Schedule schedule = kernel.schedule;
    if (schedule.name != described.name) {
      schedule = {std::string(described.name), {}};
      for (const TemplateParameter& parameter : described.parameters) schedule.parameters[std::string(parameter.name)] = parameter.least;
    }
    const auto complaint = legal.complaint(kernel, schedule);
    if (std::find(templates.begin(), templates.end(), described.name) == templates.end()) {
      EXPECT_TRUE(complaint) << described.name;
      continue;
    }
    text += fmt::format("    {}: {}\n", to_string(schedule), complaint.value_or("legal"));
    if (schedule.name == kernel.schedule.name)
      for (const TemplateParameter& parameter : described.parameters) text += legal_values(legal, kernel, schedule, parameter);
  }
  return text;
}

TEST(LegalSchedules, AreAsWritten) {
  std::string text;
  std::set<std::string> known;      // equal kernels are told once
  for (const PlannedNetwork& network : planned_networks())
    for (const char* target : kTargets) {
      const Module module = make_module(network);
      const PlanOptions options;
      const PlanContext context{module, *find_target(target), options, flat_layout(module), {}};
      const Draft draft = make_draft(module, context);
      const LegalSchedules legal(draft, context);
      text += fmt::format("\n---- {}, {}\n", network.name, target);
      for (const Kernel& kernel : draft.kernels)
        if (const std::string about = legal_text(draft, legal, kernel); known.insert(about).second) text += about;
    }
  expect_as_in_file(LEGAL_SCHEDULES, text);
}

/// "conv: blocked(16) packed(16, 2) > blocked(16)": what the kernel is about, with the layouts that it reads and writes.
std::string layouts_text(const Draft& draft, const Kernel& kernel) {
  std::string text = kernel.anchor < 0 ? "elementwise:" : draft.function->graph.node(kernel.anchor).op->name + ":";
  for (const ValueId value : kernel.reads) text += " " + to_string(draft.layouts[static_cast<size_t>(value.index)]);
  text += " >";
  for (const ValueId value : kernel.writes) text += " " + to_string(draft.layouts[static_cast<size_t>(value.index)]);
  return text;
}

TEST(Templates, ForTheLayoutsThatVariationsDraw) {
  std::set<std::string> lines;
  for (const PlannedNetwork& network : planned_networks())
    for (uint64_t variation = 0; variation < 12; ++variation) {
      const Module module = make_module(network);
      PlanOptions options;
      options.variation = variation;
      options.plain = variation == 11;
      const PlanContext context{module, *find_target("avx512"), options, flat_layout(module), {}};
      const Draft draft = make_draft(module, context);
      const LegalSchedules legal(draft, context);
      for (const Kernel& kernel : draft.kernels) {
        EXPECT_EQ(legal.complaint(kernel, kernel.schedule), std::nullopt) << network.name;
        EXPECT_EQ(legal.complaint(kernel, {"conv.magic", {}}), "there is no template `conv.magic`");
        lines.insert(fmt::format("{}{}: {}\n", options.plain ? "plain, " : "", layouts_text(draft, kernel), fmt::join(legal.templates(kernel), ", ")));
      }
    }
  expect_as_in_file(TEMPLATES, fmt::format("{}", fmt::join(lines, "")));
}

}  // namespace
}  // namespace cnnc::test
