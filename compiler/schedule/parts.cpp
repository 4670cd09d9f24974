// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Values that are channels of a larger one and lie in its memory: what `concat` joins is written there, and what `slice` cuts is
// read there, without a copy. In training the gradient of one is the other, so it moves nothing either.
#include <algorithm>

#include "ir/op.h"
#include "schedule/steps.h"
#include "support/check.h"

namespace cnnc {
namespace {

constexpr int64_t kAlignment = 64;   // bytes: where every value of a kernel begins, for each image

/// Whether a part may begin at this channel, or the next image, whatever the border.
bool is_aligned(const TensorType& type, const Layout& layout, int64_t channel) {
  int64_t bytes = channel * element_bytes(type.element);
  if (layout.kind != LayoutKind::Blocked)
    for (size_t axis = 1; axis < type.dims.size(); ++axis) bytes *= type.dims[axis];
  if (layout.kind == LayoutKind::Lanes) bytes *= layout.vector;
  return bytes % kAlignment == 0;
}

/// The dimension of channels, or of blocks of them.
const StoredDim& channels_of(const std::vector<StoredDim>& dims) { return dims[dims.size() - 2]; }

/// Wider borders for parts and wholes until all that share memory have one.
void join_borders(Draft& draft) {
  const auto layout = [&](ValueId value) -> Layout& { return draft.layouts.at(static_cast<size_t>(value.index)); };
  bool changes = true;
  while (changes) {
    changes = false;
    for (const auto& [value, part] : draft.parts) {
      Dims &a = layout(value).border, &b = layout(part.whole).border;
      if (a == b) continue;
      changes = true;
      a.resize(4, 0), b.resize(4, 0);
      for (size_t side = 0; side < a.size(); ++side) a[side] = b[side] = std::max(a[side], b[side]);
    }
  }
}

}  // namespace

std::vector<int64_t> part_begins(const Graph& graph, const Node& node, const Layout& layout) {
  const bool joins = node.op->name == "concat";
  if ((!joins && node.op->name != "slice") || std::get<int64_t>(node.attributes.at("axis")) != 0) return {};
  const TensorType& whole = graph.type(joins ? node.results[0] : node.operands[0]);
  std::vector<int64_t> begins;
  int64_t channel = joins ? 0 : std::get<int64_t>(node.attributes.at("begin"));
  for (const ValueId part : joins ? node.operands : node.results) {
    const TensorType& type = graph.type(part);
    if (!type.batched || !is_aligned(type, layout, channel)) return {};
    begins.push_back(channel);
    channel += type.dims[0];
  }
  return is_aligned(whole, layout, whole.dims[0]) ? begins : std::vector<int64_t>();
}

void lay_out_parts(Draft& draft) {
  join_borders(draft);
  const Graph& graph = draft.function->graph;
  for (const auto& [value, part] : draft.parts) {
    ValueId whole = part.whole;
    while (draft.parts.contains(whole)) whole = draft.parts.at(whole).whole;
    Layout& layout = draft.layouts.at(static_cast<size_t>(value.index));
    const int64_t step = stored_dims(graph.type(whole), draft.layouts.at(static_cast<size_t>(whole.index))).back().stride;
    if (step != stored_dims(graph.type(value), layout).back().stride) layout.image_step = step;
  }
}

Memory memory_of(const Draft& draft, ValueId value) {
  const Graph& graph = draft.function->graph;
  Memory memory{value, 0};
  for (;;) {
    if (const auto found = draft.parts.find(memory.owner); found != draft.parts.end()) {
      const Part& part = found->second;
      const Layout& layout = draft.layouts.at(static_cast<size_t>(part.whole.index));
      const TensorType& type = graph.type(part.whole);
      const int64_t channels = layout.kind == LayoutKind::Blocked ? layout.vector : 1;      // that one place of the dimension holds
      CNNC_CHECK(part.begin % channels == 0, "a part of blocks begins with a block");
      memory.offset += part.begin / channels * channels_of(stored_dims(type, layout)).stride * element_bytes(type.element);
      memory.owner = part.whole;
      continue;
    }
    const int32_t node = graph.value(memory.owner).node;
    if (node < 0 || draft.roles[static_cast<size_t>(node)] != NodeRole::Alias || graph.node(node).op->name == "concat") return memory;
    memory.owner = graph.node(node).operands[0];
  }
}

}  // namespace cnnc
