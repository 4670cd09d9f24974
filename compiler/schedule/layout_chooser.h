// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Chooses the layout of every value of a function, and inserts the copies that this takes. Private to schedule; layout.cpp goes through the
// nodes, layout_blocks.cpp knows what lies in blocks of channels, layout_weights.cpp how weights are packed.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ir/op.h"
#include "schedule/conv_numbers.h"
#include "schedule/steps.h"
#include "schedule/weight_layouts.h"

namespace cnnc {

class LayoutChooser {
 public:
  LayoutChooser(const Function& function, Purpose purpose, const PlanContext& context);

  Draft run();

 private:
  static size_t index(ValueId value) { return static_cast<size_t>(value.index); }
  Layout lanes() const { return {LayoutKind::Lanes, lanes_, {}}; }
  /// The layout in which a value is made here.
  Layout natural(const TensorType& type) const { return purpose_ == Purpose::Training && type.batched ? lanes() : Layout{}; }
  Layout blocks() const { return {LayoutKind::Blocked, lanes_}; }
  const Layout& layout_of(ValueId old) const { return layouts_[index(values_[index(old)])]; }
  bool is_blocked(ValueId old) const { return layout_of(old).kind == LayoutKind::Blocked; }
  /// Blocked, and no lane of the last block idles.
  bool fills_blocks(ValueId old) const { return is_blocked(old) && source_->graph.type(old).dims[0] % lanes_ == 0; }
  ConvNumbers numbers(const Node& node) const { return conv_numbers(source_->graph, node); }
  int64_t infer_batch(const Node& node) const { return source_->graph.type(node.results[0]).batched ? context_.options.infer_batch : 1; }
  /// Of images in lanes, in training.
  int64_t groups() const { return ceil_divide(planned_batch(*source_, purpose_, context_), lanes_); }

  /// The element type in which the network computes: that of the first float.
  ElementType network_element() const;
  void set(ValueId old, ValueId value, Layout layout);
  /// What the program around wants. A batched number lies in memory the same way in lanes.
  Layout port_layout(const Port& port, const TensorType& type) const;
  /// The layout in which the node reads its operand.
  Layout wanted(const Node& node, size_t operand, bool blocked) const;
  ValueId converted(ValueId old, const Layout& layout, const std::string& layer);
  /// A copy in the same layout.
  ValueId copied(ValueId value, const std::string& layer);
  /// Whether some operands of a concat can be written into its memory; then the others become copies, which can.
  bool make_parts(const Node& node, std::vector<ValueId>& operands);
  /// Whether a kernel could write the value into the memory of a whole, which lies elsewhere than what the program around wants.
  bool may_be_part(ValueId old, ValueId value) const;
  /// Whether the value lies in memory, whatever reads it.
  bool is_stored(ValueId value) const;

  // Blocks of channels, in inference.
  /// Whether the results of the node are images that could be kept in blocks of channels.
  bool may_make_blocks(const Node& node) const;
  bool convolves_to_blocks(const Node& conv) const;
  /// Whether the results of the node are made in blocks of channels.
  bool makes_blocks(const Node& node) const;
  /// Whether the value sums up the channels of each pixel: they are then read planar, and so is what is computed with both.
  bool reduces_channels(ValueId old) const;
  /// Whether a reshape of blocks is one of the same memory: vectors of channels, without a border that a convolution wants.
  bool is_vector_of_blocks(ValueId old) const;
  /// How a node that makes blocks, or reads some, reads its operand: as it is, where that is as good.
  Layout wanted_in_blocks(const Node& node, size_t operand) const;
  /// Values that no kernel stores.
  bool is_recomputed(ValueId old) const;
  /// Blocks that a convolution reads get a border of zeros as wide as its taps reach.
  void add_borders();

  // Weights, also what a schedule file says about them.
  /// What convolutions with equal numbers have in common, in every function: variations treat them alike.
  std::string text_of(const Node& node) const;
  /// Whether the layout of this node's weights is a choice.
  bool asks_for_weights(const Node& node) const;
  WeightsQuestion question(const Node& node) const;
  KernelKey question_key(const Node& node) const;
  /// What the file says, legal or not; null: nothing.
  const Schedule* stanza_weights(const Node& node) const;
  const Schedule* fixed_weights(const Node& node) const;
  void record_choice(const Node& node, const Layout& layout);
  int64_t varied_outputs(const Node& node, const WinogradShape& shape) const;
  /// Outputs along a side of the tiles that Winograd's algorithm computes at once, of a convolution from blocks to blocks; 0: a
  /// direct sum is better.
  int64_t winograd_outputs(const Node& conv) const;
  /// As is_pointwise will say, if no other convolution wants a border around x.
  bool may_be_pointwise(const Node& conv) const;
  /// The layout of a weight that the convolution reads a tile at a time.
  Layout packed(const Node& conv) const;
  /// The layout of a weight in training: as it is, transformed for Winograd's algorithm, or turned for the gradient towards x.
  Layout weight_for_lanes(const Node& node) const;
  /// Outputs along a side of Winograd's tiles, in training; 0: a direct sum is better.
  int64_t winograd_outputs_of_lanes(const Node& node, const ConvNumbers& c, bool towards_x) const;
  /// Filters lie far apart where they are, and the gradient sums over them: it wants them turned.
  Layout weight_for_gradient(const Node& node, const ConvNumbers& c) const;
  bool may_pack_dense(const Node& node) const;
  /// Packed in tiles of outputs, or rows as they are.
  Layout weight_of_dense(const Node& node) const;

  struct Copy {
    ValueId from;
    Layout layout;
    ValueId to;
  };

  const Purpose purpose_;
  const PlanContext& context_;
  std::shared_ptr<Function> source_, to_;
  std::vector<ValueId> values_;     // by old ValueId
  std::vector<Layout> layouts_;     // by new ValueId
  std::vector<Copy> copies_;
  std::map<ValueId, Part> parts_;   // of new values
  std::vector<WeightsChoice> choices_;
  int64_t lanes_ = 1;
};

}  // namespace cnnc
