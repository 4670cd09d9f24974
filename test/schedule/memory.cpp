// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The memory plan on random graphs: values that live at the same time never overlap, all lie inside the workspace, and a
// row of kernels needs the memory of two values however long it is. With chains of kernels too.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "ir/builder.h"
#include "schedule/plan.h"

namespace cnnc {
namespace {

/// A function of maps, reductions and pools on random earlier values.
Module random_module(uint32_t seed, const std::string& name) {
  std::mt19937 random(seed);
  const auto pick = [&](size_t count) { return std::uniform_int_distribution<size_t>(0, count - 1)(random); };
  Module module;
  module.network = "random";
  Function function;
  function.name = name;
  GraphBuilder build(function.graph);
  std::vector<ValueId> values = {function.graph.add_argument({ElementType::F32, true, {4, 8, 8}})};
  function.arguments.push_back({"x", Role::Input, values[0]});
  for (int i = 0; i < 24; ++i) {
    const ValueId a = values[pick(values.size())], b = values[pick(values.size())];
    switch (pick(4)) {
      case 0: values.push_back(build.map("exp(x0)", {a})); break;
      case 1:
        if (broadcast(build.type(a).dims, build.type(b).dims)) values.push_back(build.map("x0 / (1 + x1)", {a, b}));
        break;
      case 2: values.push_back(build.sum(a, {1, 2}, false)); break;
      case 3:
        if (build.type(a).dims[1] >= 2) values.push_back(build.add("maxpool", {a}));
        break;
    }
  }
  for (size_t i = 0; i < 3; ++i) function.results.push_back({"y" + std::to_string(i), Role::Output, values[values.size() - 1 - i]});
  module.functions.push_back(std::move(function));
  return module;
}

struct Range {
  int64_t begin, end;          // bytes for one group
  int first, last;             // kernels
  int32_t value;
};

/// `chain` is the one whose slots are meant, for Place::Slot.
std::vector<Range> ranges(const FunctionPlan& plan, Place::Kind kind, int32_t chain = 0) {
  std::map<std::pair<int64_t, int32_t>, Range> found;
  std::vector<Range> result;
  for (int k = 0; k < static_cast<int>(plan.kernels.size()); ++k) {
    const Kernel& kernel = plan.kernels[static_cast<size_t>(k)];
    for (ValueId value : kernel.writes) {
      const Place& place = plan.places[static_cast<size_t>(value.index)];
      if (place.kind != kind || (kind == Place::Slot && place.buffer != chain)) continue;
      const Layout& layout = plan.layouts[static_cast<size_t>(value.index)];
      const int64_t images = layout.kind == LayoutKind::Lanes ? 1 : kind == Place::Slot ? plan.chains.at(static_cast<size_t>(chain)).images : plan.group;
      const int64_t bytes = stored_bytes(plan.function->graph.type(value), layout) * images;
      result.push_back({place.offset, place.offset + bytes, k, k, value.index});
    }
    for (ValueId value : kernel.reads)
      for (Range& range : result) {
        // Aliases have the offset of what they stand for; the last writer before the read is meant.
        if (plan.places[static_cast<size_t>(value.index)].kind == kind && plan.places[static_cast<size_t>(value.index)].offset == range.begin &&
            range.first < k && std::none_of(result.begin(), result.end(), [&](const Range& other) {
              return other.begin == range.begin && other.first > range.first && other.first < k;
            }))
          range.last = std::max(range.last, k);
      }
  }
  // A chain runs several times: what it shares with others lives as long as all of it does.
  for (Range& range : result)
    for (const Chain& chain : plan.chains) {
      const int first = static_cast<int>(chain.first), last = static_cast<int>(chain.end) - 1;
      const bool is_inside = range.first >= first && range.last <= last, is_apart = range.last < first || range.first > last;
      if (!is_apart && !is_inside) range.first = std::min(range.first, first), range.last = std::max(range.last, last);
    }
  return result;
}

void check_overlaps(const ModulePlan& plan, const Module& module, const std::vector<Range>& all, int64_t bytes) {
  for (const Range& a : all) {
    EXPECT_LE(a.end, bytes);
    EXPECT_EQ(a.begin % 64, 0);
    for (const Range& b : all) {
      if (a.value >= b.value || a.end <= b.begin || b.end <= a.begin) continue;
      // In place: the later one is written by the last reader of the earlier one, over exactly the same bytes.
      const bool in_place = a.last == b.first && a.begin == b.begin && a.end == b.end;
      EXPECT_TRUE(a.last < b.first || b.last < a.first || in_place) << "values " << a.value << " and " << b.value << "\n" << to_string(plan, module);
    }
  }
}

/// Of what lies in the fixed part, the slots of chains included.
std::vector<Range> fixed_ranges(const FunctionPlan& plan) {
  std::vector<Range> all = ranges(plan, Place::Fixed);
  for (size_t i = 0; i < plan.chains.size(); ++i) {
    const Chain& chain = plan.chains[i];
    const int64_t bytes = kTakenSlotsBytes + chain.slots * chain.slot_bytes;
    all.push_back({chain.offset, chain.offset + bytes, static_cast<int>(chain.first), static_cast<int>(chain.end) - 1, -1 - static_cast<int32_t>(i)});
  }
  return all;
}

TEST(Memory, LiveValuesNeverOverlap) {
  for (const char* name : {"t.gradients", "infer"})
    for (uint32_t seed = 0; seed < 60; ++seed) {
      const Module module = random_module(seed, name);
      const ModulePlan plan = make_plan(module, *find_target("avx512"), {});
      check_overlaps(plan, module, ranges(plan.functions[0], Place::PerGroup), plan.functions[0].workspace_per_group);
    }
}

TEST(Memory, LiveValuesOfChainsNeverOverlap) {
  size_t chains = 0;
  for (uint64_t seed = 1; seed < 120; ++seed) {
    const Module module = random_module(static_cast<uint32_t>(seed), "infer");
    const ModulePlan plan = make_plan(module, *find_target("avx512"), {.train_batch = {}, .variation = seed});
    const FunctionPlan& function = plan.functions[0];
    chains += function.chains.size();
    check_overlaps(plan, module, ranges(function, Place::PerGroup), function.workspace_per_group);
    check_overlaps(plan, module, fixed_ranges(function), function.workspace_fixed);
    for (size_t i = 0; i < function.chains.size(); ++i)
      check_overlaps(plan, module, ranges(function, Place::Slot, static_cast<int32_t>(i)), function.chains[i].slot_bytes);
  }
  EXPECT_GT(chains, 60);
}

TEST(Memory, EveryValueOfAKernelHasAPlace) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    const Module module = random_module(seed, "t.gradients");
    const ModulePlan plan = make_plan(module, *find_target("avx2"), {});
    for (const Kernel& kernel : plan.functions[0].kernels)
      for (const auto* values : {&kernel.reads, &kernel.writes})
        for (ValueId value : *values) EXPECT_NE(plan.functions[0].places[static_cast<size_t>(value.index)].kind, Place::None);
  }
}

TEST(Memory, ValuesAreWrittenBeforeTheyAreRead) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    const Module module = random_module(seed, "infer");
    const ModulePlan plan = make_plan(module, *find_target("avx512"), {});
    const FunctionPlan& function = plan.functions[0];
    std::map<std::pair<int, int64_t>, bool> written;   // by place
    const auto place = [&](ValueId value) {
      const Place& p = function.places[static_cast<size_t>(value.index)];
      return std::pair<int, int64_t>(p.kind, p.kind == Place::Column ? p.buffer : p.offset);
    };
    for (const Port& port : function.function->arguments) written[place(port.value)] = true;
    for (const Kernel& kernel : function.kernels) {
      for (ValueId value : kernel.reads) EXPECT_TRUE(written[place(value)]) << to_string(plan, module);
      for (ValueId value : kernel.writes) written[place(value)] = true;
    }
  }
}

TEST(Memory, ARowNeedsTwoValues) {
  Module module;
  module.network = "chain";
  Function function;
  function.name = "infer";
  GraphBuilder build(function.graph);
  ValueId value = function.graph.add_argument({ElementType::F32, true, {4, 16, 16}});
  function.arguments.push_back({"x", Role::Input, value});
  for (int i = 0; i < 10; ++i) value = build.add("maxpool", {value}, {{"kernel", Dims{3, 3}}, {"stride", Dims{1, 1}}, {"pad", Dims{1, 1, 1, 1}}});
  function.results.push_back({"y", Role::Output, value});
  module.functions.push_back(std::move(function));
  const ModulePlan plan = make_plan(module, *find_target("avx512"), {});
  EXPECT_EQ(plan.functions[0].workspace_per_group, 2 * 4 * 16 * 16 * 4);
}

}  // namespace
}  // namespace cnnc
