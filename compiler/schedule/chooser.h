// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The choice of a template and its parameters for each kernel of a draft: the machine's facts and the kernel's numbers, and what of them
// the templates ask for. Private to schedule; choose.cpp, choose_conv.cpp and choose_dense.cpp.
#pragma once
#include <algorithm>

#include "ir/op.h"
#include "schedule/conv_numbers.h"
#include "schedule/legal.h"
#include "schedule/steps.h"

namespace cnnc {

class Chooser {
 public:
  Chooser(const Draft& draft, const PlanContext& context)
      : draft_(draft), graph_(draft.function->graph), target_(context.target), registers_(context.target.vector_registers),
        scratch_bytes_(std::min(context.target.level2_bytes / 32 * 3, kLargestScratchBytes)), precise_(context.options.precise) {
    for (const Layout& layout : draft.layouts)
      if (layout.kind == LayoutKind::Lanes) group_ = layout.vector;
  }

  /// `batch`: images that the kernel gets in one call.
  Schedule choose(const Kernel& kernel, int64_t batch) const;

 private:
  const Layout& layout(ValueId value) const { return draft_.layouts.at(static_cast<size_t>(value.index)); }
  bool is_lanes(ValueId value) const { return layout(value).kind == LayoutKind::Lanes; }
  bool is_planar(ValueId value) const { return layout(value).kind == LayoutKind::Planar; }
  int64_t lanes_of(ValueId value) const { return target_.lanes(graph_.type(value).element); }
  int64_t vector_bytes(ValueId value) const { return group_ * element_bytes(graph_.type(value).element); }

  Schedule elementwise(const Kernel& kernel) const;
  Schedule pool(const Kernel& kernel) const;
  Schedule reduce(const char* name, const Node& node) const;
  Schedule softmax(const Node& node) const;

  Schedule conv(const Kernel& kernel, int64_t batch) const;
  Schedule conv_lanes(const ConvNumbers& c, const Node& node, bool has_pool) const;
  Schedule conv_planar(const ConvNumbers& c, ValueId y) const;
  /// x is planar, or in blocks with a border of zeros as wide as the taps reach.
  Schedule conv_direct(const ConvNumbers& c, const Node& node, int64_t batch) const;
  /// A band of the channels' own convolution stays in the second level, whose larger part the map passes through that it reads.
  Schedule conv_separable(const ConvNumbers& c, const Node& node, int64_t batch) const;
  /// At most, of the sums of a row of y for a tile of so many vectors of filters.
  int64_t row_of_sums_bytes(const ConvNumbers& c, ValueId y, int64_t blocks) const;
  /// Rows of y whose sums of a tile of filters lie in cache together: at most `most`.
  int64_t band_of_chunks(const ConvNumbers& c, const BlockedTile& tile, ValueId y, int64_t batch, int64_t most) const;
  Schedule conv_chunks(const ConvNumbers& c, const Node& node, int64_t batch) const;
  Schedule conv_pointwise(const ConvNumbers& c, const Node& node, int64_t batch) const;
  /// Blocks of channels, or images in lanes; the packed weights say how.
  Schedule winograd(const Node& node, int64_t batch) const;
  /// At stride 1 a convolution of dy, unless many of its taps would meet zeros: then whole rows, whose taps are decided when compiling.
  Schedule conv_grad_input(const Node& node, const Kernel& kernel, int64_t batch) const;
  Schedule conv_grad_weight(const Node& node, const Kernel& kernel, int64_t batch) const;
  struct ThreadShares {
    int64_t band, parts;
  };
  /// Where images and blocks of tiles are too few to keep threads busy: lower blocks, if weights then come from the second level, or
  /// parts of the filters, which begin together once the block is transformed.
  ThreadShares winograd_shares(const WinogradShape& shape, const WinogradTile& tile, int64_t m) const;
  /// Blocks of channels whose weights serve all register tiles of a block of `band` rows before the next ones; 0: all.
  int64_t winograd_chunk(const WinogradShape& shape, const WinogradTile& tile, int64_t band, int64_t m) const;

  Schedule dense(const Node& node, const Kernel& kernel, int64_t batch) const;
  Schedule dense_packed(const Node& node, int64_t batch) const;
  /// In lanes: inputs beyond the second-level cache come once for all tiles of a task, a chunk at a time; of a gradient also long ones, so
  /// that the rows of weights that a chunk reads are still there for the next tile.
  void share_inputs(Schedule& schedule, int64_t inputs, int64_t groups, int64_t vector_bytes, int64_t outputs, bool backward) const;
  /// Weights beyond the second-level cache come once for a group of images, as large as its sums may be. A chunk of a tile's weights
  /// and images lies in the first-level cache.
  void share_weights(Schedule& schedule, const TensorType& y, int64_t input_vectors, int64_t batch) const;
  Schedule dense_grad_weight(const Node& node, int64_t batch) const;

  const Draft& draft_;
  const Graph& graph_;
  const Target& target_;
  const int64_t registers_;
  const int64_t scratch_bytes_;         // that a band should take: a part of the second-level cache
  const bool precise_;
  int64_t group_ = 1;
};

}  // namespace cnnc
