// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What may be computed in one kernel: questions about a node of a draft and a kernel, whose nodes all come before it. Each condition says
// what it protects. Private to schedule; fuse.cpp asks them node by node.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "ir/op.h"
#include "schedule/steps.h"

namespace cnnc {

inline bool is_map(const Node& node) { return node.op->name == "map"; }
inline bool is_inside(int32_t node, const Kernel& kernel) { return std::find(kernel.nodes.begin(), kernel.nodes.end(), node) != kernel.nodes.end(); }

class FusionRules {
 public:
  /// Of the draft's nodes those before the one that is asked about have their roles.
  FusionRules(const Draft& draft, const PlanContext& context);

  NodeRole role(const Node& node) const;
  /// Why the node cannot join the kernel, whose results it reads; empty: it can.
  std::string keeps_apart(const Node& node, const Kernel& kernel) const;
  /// Whether the node pools what the kernel, a convolution alone, computes for nobody else, in windows that tile its result: each window
  /// is then computed in registers.
  bool pools(const Node& node, const Kernel& kernel) const;
  /// Whether the node, a convolution of a single tap, alone reads what the kernel makes of a convolution of each channel alone, and that is too
  /// large to stay in a cache until it does, beside what it is made of: then bands of rows do.
  bool sums_up_channels(const Node& node, const Kernel& kernel) const;
  /// Whether the node is a dense layer that alone reads what the kernel makes of sums over all pixels of each channel, in blocks, and its
  /// weights are read for one image, or so few that they stay in the second level from image to image.
  bool reads_means(const Node& node, const Kernel& kernel) const;
  /// In training: the kernel that the node is a later pass of, or one of the same reduction of values one of which the node reads too; -1: none.
  int32_t pass_to_join(const Node& node, int32_t ready) const;
  /// Whether the node goes on with rows that the kernel has reduced: reduces them too, or computes elements of rows, or numbers for whole
  /// rows, from what the kernel knows of the same row.
  bool goes_on_with_rows(const Node& node, const Kernel& kernel) const;
  /// Of a kernel that goes on with its rows: reductions, and what other nodes of the kernel read.
  std::vector<int32_t> nodes_kept_for_a_row(const Kernel& kernel) const;

 private:
  static constexpr size_t kMostNodes = 16;   // of a kernel, but for the update

  static size_t index(ValueId value) { return static_cast<size_t>(value.index); }
  const Layout& layout(ValueId value) const { return draft_.layouts.at(index(value)); }
  NodeRole role_of(int32_t node) const { return draft_.roles.at(static_cast<size_t>(node)); }
  const std::vector<int32_t>& readers(ValueId value) const { return users_[index(value)]; }

  bool is_part_of(ValueId value, ValueId whole) const;
  /// Row-major order is that of the memory, except where a vector holds channels of several pixels.
  bool keeps_memory(const Node& reshape) const;
  bool can_inline(const Node& node) const;
  /// Whether the node computes one number, the same for all images, from no more than others such: compilers move it out of loops.
  bool is_number_of_batch(const Node& node) const;
  /// Whether some tile of a convolution with such weights is whole windows of a pool: one that registers hold, or that Winograd's
  /// algorithm makes.
  bool fits_tiles(const Dims& window, const Layout& weight) const;
  /// Whether the node alone reads the value, directly or through inlined nodes.
  bool serves_only(ValueId value, const Node& reader) const;
  /// Whether a template of the convolution computes tiles of its result whose sums a pool may read: images or channels in vectors.
  bool has_tiles_of_windows(const Node& conv, const Layout& pooled) const;
  /// Whether nobody outside reads what the kernel computes, but for its last result.
  bool has_one_result(const Kernel& kernel) const;
  /// Whether the value, which one node reads, is the kernel's last result, perhaps reshaped for that node alone.
  bool is_last_result(ValueId value, const Kernel& kernel) const;
  /// Whether the kernel's anchor reduces within each image, which lies in lanes or planar.
  bool reduces_rows(const Kernel& kernel) const;
  /// Whether both are reductions over the same axes of values of one type, whose elements come from one stored value.
  bool reduces_alike(const Node& a, const Node& b) const;
  /// Whether the reduction takes long rows that the kernel has reduced before, and of the kernel's results needs those of its own row.
  bool is_later_pass(const Node& node, const Kernel& kernel) const;
  /// Whether the node reads of what the kernel computes only what belongs to its own row, directly or through inlined maps: results
  /// of the reductions, and, if it reads `rows`, elements.
  bool reads_own_row(const Node& node, const Kernel& kernel, bool rows) const;
  /// Whether both read one stored value of the same dimensions, directly or through inlined maps.
  bool share_an_operand(const Node& a, const Node& b) const;
  void add_stored_operands(const Node& node, std::vector<ValueId>& values) const;
  /// What the kernel computes itself is read at the place of a result of that type only, also through inlined nodes.
  bool reads_at_own_place(const Node& node, const Kernel& kernel, const TensorType& type) const;
  /// Whether the value is computed in the kernel, directly or through aliases and inlined nodes.
  bool depends_on(ValueId value, const Kernel& kernel) const;

  const Draft& draft_;
  const Graph& graph_;
  const Target& target_;
  const uint64_t variation_;
  const int64_t infer_batch_;
  const bool plain_;
  std::vector<std::vector<int32_t>> users_;   // by value: reading nodes
};

}  // namespace cnnc
