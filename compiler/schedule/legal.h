// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which schedules a kernel may have: templates by what it computes and in which layouts, parameters by the sizes of its values.
// What lower/ relies on stands here and nowhere else; what is merely slow is legal, except tiles that spill. Private to schedule.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schedule/conv_numbers.h"
#include "schedule/steps.h"

namespace cnnc {

constexpr int64_t kLargestTileBytes = 1024 << 10;     // of images innermost: a tile of all channels

class LegalSchedules {
 public:
  LegalSchedules(const Draft& draft, const PlanContext& context);

  /// The templates that compute this kernel with its layouts; the first one is made for it.
  std::vector<std::string_view> templates(const Kernel& kernel) const;
  /// Why the kernel cannot have this schedule: the parameter, its value, what it may be. Begins with the parameter's name in
  /// backticks where it is about one.
  std::optional<std::string> complaint(const Kernel& kernel, const Schedule& schedule) const;

 private:
  using Complaint = std::optional<std::string>;
  const Layout& layout(ValueId value) const { return draft_.layouts.at(static_cast<size_t>(value.index)); }
  bool is_lanes(ValueId value) const { return layout(value).kind == LayoutKind::Lanes; }
  bool is_planar(ValueId value) const { return layout(value).kind == LayoutKind::Planar; }
  int64_t lanes_of(ValueId value) const { return target_.lanes(graph_.type(value).element); }
  int64_t bytes_of(ValueId value) const { return (is_lanes(value) ? group_ : 1) * element_bytes(graph_.type(value).element); }

  Complaint conv(const Kernel& kernel, const Schedule& schedule) const;
  Complaint conv_depthwise(const Node& node, const Schedule& schedule) const;
  Complaint conv_direct(const Kernel& kernel, const Schedule& schedule) const;
  /// `joins_rows`: all pixels of a band are one row.
  Complaint conv_chunks(const Node& node, const Schedule& schedule, bool joins_rows) const;
  Complaint conv_separable(const Node& node, const Schedule& schedule) const;
  Complaint winograd(const Node& node, const Schedule& schedule) const;
  Complaint conv_grad_input(const Node& node, const Schedule& schedule) const;
  Complaint conv_grad_weight(const Node& node, const Schedule& schedule) const;
  Complaint winograd_grad_weight(const Node& node, const Schedule& schedule) const;
  Complaint dense(const Node& node, const Schedule& schedule) const;
  Complaint dense_grad_weight(const Node& node, const Schedule& schedule) const;
  Complaint dense_packed(const Kernel& kernel, const Schedule& schedule) const;
  /// Why a dense layer takes no images together; empty: it may.
  std::optional<std::string_view> takes_single_images(const Kernel& kernel) const;
  Complaint dense_vector(const Kernel& kernel, const Schedule& schedule) const;
  Complaint elementwise(const Kernel& kernel, const Schedule& schedule) const;
  Complaint pool(const Kernel& kernel, const Schedule& schedule) const;
  Complaint reduce(const Node& node, const Schedule& schedule) const;
  Complaint softmax(const Node& node, const Schedule& schedule) const;

  const Draft& draft_;
  const Graph& graph_;
  const Target& target_;
  const bool precise_;
  int64_t group_ = 1;
};

}  // namespace cnnc
