// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The memory plan on random graphs: what a kernel reads is what another one wrote, whatever shares memory and with chains of kernels
// too, and a row of kernels needs the memory of two values however long it is.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <tuple>

#include "ir/builder.h"
#include "schedule/plan.h"

namespace cnnc {
namespace {

/// A function of maps, reductions, pools, and channels joined and cut, on random earlier values.
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
    const Dims &dims = build.type(a).dims, &other = build.type(b).dims;
    switch (pick(7)) {
      case 0: values.push_back(build.map("exp(x0)", {a})); break;
      case 1:
        if (broadcast(build.type(a).dims, build.type(b).dims)) values.push_back(build.map("x0 / (1 + x1)", {a, b}));
        break;
      case 2: values.push_back(build.sum(a, {1, 2}, false)); break;
      case 3:
        if (dims.size() == 3 && dims[1] >= 2) values.push_back(build.add("maxpool", {a}));
        break;
      case 4:
        if (dims[0] <= 64 && dims.size() == other.size() && std::equal(dims.begin() + 1, dims.end(), other.begin() + 1)) values.push_back(build.add("concat", {a, b, a}));
        break;
      case 5:
        if (dims[0] >= 4) values.push_back(build.add("slice", {a}, {{"begin", dims[0] / 2}, {"end", dims[0]}}));
        break;
      case 6: values.push_back(build.reshape(a, {dims[0], 1, dims[1] * dims[2]})); break;
    }
  }
  for (size_t i = 0; i < 3; ++i) function.results.push_back({"y" + std::to_string(i), Role::Output, values[values.size() - 1 - i]});
  module.functions.push_back(std::move(function));
  return module;
}

/// Runs a plan without computing: every element in memory is known by the value, image and place that it was made for, and a kernel must
/// find what it reads. Fails where something else was written over it, or it was never written.
class Simulation {
 public:
  Simulation(const FunctionPlan& plan, int64_t images)
      : plan_(plan), graph_(plan.function->graph), images_(images), groups_((images + plan.group - 1) / plan.group),
        workspace_(static_cast<size_t>(plan.workspace_fixed + groups_ * plan.workspace_per_group) / kUnit), columns_(plan.columns.size()) {
    for (const Kernel& kernel : plan.kernels) computed_.insert(kernel.nodes.begin(), kernel.nodes.end());
    for (size_t i = 0; i < columns_.size(); ++i) columns_[i].resize(static_cast<size_t>(images * stored_bytes(graph_.type(plan.columns[i].value), {}) / kUnit));
    for (const Port& port : plan.function->arguments) touch(port.value, {0, images, 0}, true);
  }

  void run() {
    for (size_t k = 0; k < plan_.kernels.size();) {
      const Chain* chain = chain_of(plan_.chains, k);
      const size_t end = chain ? chain->end : k + 1;
      const int64_t at_once = chain ? chain->images : images_;
      for (int64_t first = 0, part = 0; first < images_; first += at_once, ++part)
        for (size_t i = k; i < end; ++i) run(plan_.kernels[i], {first, std::min(images_, first + at_once), chain ? part % chain->slots : 0});
      k = end;
    }
    for (const Port& port : plan_.function->results) touch(port.value, {0, images_, 0}, false);
  }

 private:
  static constexpr int64_t kUnit = 4;      // bytes: all elements are f32
  /// An element: value, image, place.
  using Element = std::tuple<int32_t, int64_t, int64_t>;
  struct Images {
    int64_t first, end, slot;
  };

  void run(const Kernel& kernel, const Images& images) {
    for (ValueId value : kernel.reads) touch(value, images, false);
    for (ValueId value : kernel.writes) touch(value, images, true);
  }

  /// The value and place where an element is made: joining, cutting and reshaping only rename it.
  Element made(ValueId value, int64_t image, int64_t place) const {
    const int32_t index = graph_.value(value).node;
    if (index < 0 || computed_.contains(index)) return {value.index, image, place};
    const Node& node = graph_.node(index);
    if (node.op->name == "reshape") return made(node.operands[0], image, place);
    if (node.op->name == "slice") {
      const Dims& dims = graph_.type(node.operands[0]).dims;
      return made(node.operands[0], image, place + std::get<int64_t>(node.attributes.at("begin")) * element_count(dims) / dims[0]);
    }
    for (ValueId operand : node.operands) {
      const int64_t count = element_count(graph_.type(operand).dims);
      if (place < count) return made(operand, image, place);
      place -= count;
    }
    ADD_FAILURE() << node.op->name << " is computed by no kernel";
    return {};
  }

  Element& memory(ValueId value, int64_t image, int64_t element, const Images& images) {
    const Place& place = plan_.places[static_cast<size_t>(value.index)];
    const auto at = [&](std::vector<Element>& elements, int64_t bytes) -> Element& {
      EXPECT_EQ((bytes + place.inner) % 64, 0);
      return elements.at(static_cast<size_t>((bytes + place.inner) / kUnit + element));
    };
    if (place.kind == Place::Column) return at(columns_.at(static_cast<size_t>(place.buffer)), 0);
    if (place.kind == Place::PerGroup) return at(workspace_, plan_.workspace_fixed + groups_ * place.offset);
    if (place.kind == Place::Fixed) return at(workspace_, place.offset);
    EXPECT_EQ(place.kind, Place::Slot) << "of image " << image;
    const Chain& chain = plan_.chains.at(static_cast<size_t>(place.buffer));
    return at(workspace_, chain.offset + kTakenSlotsBytes + images.slot * chain.slot_bytes + place.offset);
  }

  void touch(ValueId value, const Images& images, bool writes) {
    const TensorType& type = graph_.type(value);
    const Layout& layout = plan_.layouts[static_cast<size_t>(value.index)];
    const std::vector<StoredDim> dims = stored_dims(type, layout);
    const int64_t lanes = layout.kind == LayoutKind::Lanes ? layout.vector : 1, count = element_count(type.dims);
    const bool is_slot = plan_.places[static_cast<size_t>(value.index)].kind == Place::Slot;
    for (int64_t image = images.first; image < images.end; ++image)
      for (int64_t i = 0; i < count; ++i) {
        const int64_t counted = type.batched ? image - (is_slot ? images.first : 0) : 0;
        const int64_t element = i * lanes + (type.batched ? counted / lanes * dims.back().stride + counted % lanes : 0);
        Element& found = memory(value, image, element, images);
        const Element expected = made(value, type.batched ? image : 0, i);
        if (writes) found = expected;
        else ASSERT_EQ(found, expected) << "of %" << value.index;
      }
  }

  const FunctionPlan& plan_;
  const Graph& graph_;
  const int64_t images_, groups_;
  std::set<int32_t> computed_;
  std::vector<Element> workspace_;
  std::vector<std::vector<Element>> columns_;
};

TEST(Memory, KernelsFindWhatOthersWrote) {
  size_t parts = 0;
  for (const char* name : {"t.gradients", "infer"})
    for (uint32_t seed = 0; seed < 60; ++seed) {
      const Module module = random_module(seed, name);
      const ModulePlan plan = make_plan(module, *find_target("avx512"), {});
      ASSERT_NO_FATAL_FAILURE(Simulation(plan.functions[0], 19).run()) << to_string(plan, module);
      for (const Layout& layout : plan.functions[0].layouts) parts += layout.image_step > 0;
    }
  EXPECT_GT(parts, 100);
}

TEST(Memory, KernelsOfChainsFindWhatOthersWrote) {
  size_t chains = 0;
  for (uint64_t seed = 1; seed < 120; ++seed) {
    const Module module = random_module(static_cast<uint32_t>(seed), "infer");
    const ModulePlan plan = make_plan(module, *find_target("avx512"), {.train_batch = {}, .variation = seed});
    chains += plan.functions[0].chains.size();
    ASSERT_NO_FATAL_FAILURE(Simulation(plan.functions[0], 7).run()) << to_string(plan, module);
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
