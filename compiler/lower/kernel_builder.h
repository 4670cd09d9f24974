// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a template builds a kernel with: the parameters of the compiled function, elements of values at places (read from
// memory, or computed in the kernel), and the variables of the results. Private to lower.
//
// A coordinate that a layout splits (the image in lanes, the channel in blocks) stays split: a value in the same layout is
// then read without any division.
#pragma once
#include <Halide.h>

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "schedule/plan.h"

namespace cnnc {

/// An integer, perhaps known as outer * factor + inner.
struct Coordinate {
  Halide::Expr value;
  Halide::Expr outer, inner;
  int64_t factor = 0;           // 0: not split
  bool loaded = false;          // depends on what memory holds: may lie anywhere

  static Coordinate whole(Halide::Expr value) { return {.value = std::move(value), .outer = {}, .inner = {}}; }
  static Coordinate split(const Halide::Expr& outer, const Halide::Expr& inner, int64_t factor);
  /// The outer and inner part for this factor, whether they are known or must be computed.
  std::pair<Halide::Expr, Halide::Expr> parts(int64_t wanted) const;
};

/// A place in a value.
struct Spot {
  Coordinate image;             // of batched values
  std::vector<Coordinate> at;   // outermost first
};

/// A reduction that a body asked for, as a Halide function of the variables that are free in it.
struct ReductionFunc {
  Halide::Func func;
  std::vector<Halide::Var> variables;
  std::vector<std::string> names;       // of the variables outside that they stand for
  bool is_nested = false;               // inside another reduction
};

/// The variables of a value's memory, innermost first, and the place that they stand for.
struct StoredVariables {
  std::vector<Halide::Var> variables;
  Spot spot;
};

class KernelBuilder {
 public:
  KernelBuilder(const FunctionPlan& plan, const Kernel& kernel, const Target& target);

  const FunctionPlan& plan() const { return plan_; }
  const Graph& graph() const { return plan_.function->graph; }
  const Kernel& kernel() const { return kernel_; }
  const Target& target() const { return target_; }
  const TensorType& type(ValueId value) const { return graph().type(value); }
  const Layout& layout(ValueId value) const { return plan_.layouts.at(static_cast<size_t>(value.index)); }
  const Node& anchor() const { return graph().node(kernel_.anchor); }
  int64_t parameter(std::string_view name) const;

  /// The number of images.
  Halide::Expr batch() const { return batch_; }
  Halide::Param<int32_t>& batch_parameter() { return batch_; }
  /// The memory of a value that the kernel reads.
  Halide::ImageParam& memory(ValueId value);
  bool is_read(ValueId value) const { return reads_.contains(value); }

  /// The element there: from memory, as `provide` said, or by the definition of the node.
  Halide::Expr element(ValueId value, const Spot& spot);
  /// From here on elements of this value, computed in the kernel, come from `source`.
  void provide(ValueId value, std::function<Halide::Expr(const Spot&)> source);
  /// The same from a function of the variables of the value's memory.
  void provide(ValueId value, const Halide::Func& source);
  /// A function of its memory's variables that computes the value; from here on its elements come from there.
  Halide::Func keep(ValueId value, const std::string& name);

  StoredVariables variables(ValueId value) const;
  /// The variable of images or groups, of a batched value: its last one.
  static const Halide::Var& batch_variable();
  static const Halide::Var& lane_variable();

  /// Reductions over at most so many elements are written out instead of looped over.
  void set_unroll_limit(int64_t elements) { unroll_limit_ = elements; }
  int64_t unroll_limit() const { return unroll_limit_; }
  std::vector<ReductionFunc>& reductions() { return reductions_; }

  /// Fixes minima, extents and strides of a result's buffer: the image, without the border that lies around it. (A buffer that
  /// is read has the border, at negative coordinates.) Of a tuple only the first buffer has bounds.
  void fix_output(Halide::OutputImageParam buffer, ValueId value, bool bounds) const;
  /// The parameters of the compiled function, in order.
  std::vector<Halide::Argument> arguments() const;

 private:
  struct Remembered {
    Spot spot;
    Halide::Expr expression;
  };

  Halide::Expr load(ValueId value, const Spot& spot);
  std::vector<Halide::Expr> stored_coordinates(ValueId value, const Spot& spot) const;

  const FunctionPlan& plan_;
  const Kernel& kernel_;
  const Target& target_;
  Halide::Param<int32_t> batch_{"batch"};
  std::map<ValueId, Halide::ImageParam> reads_;
  std::map<ValueId, std::function<Halide::Expr(const Spot&)>> provided_;
  std::map<ValueId, std::vector<Remembered>> computed_;
  std::vector<ReductionFunc> reductions_;
  int64_t unroll_limit_ = 0;
};

/// The templates: each builds the pipeline of the kernel and schedules it. Results are in the order of kernel.writes.
Halide::Pipeline build_plain(KernelBuilder& builder);
Halide::Pipeline build_elementwise(KernelBuilder& builder);
Halide::Pipeline build_pool(KernelBuilder& builder);
Halide::Pipeline build_reduce_lanes(KernelBuilder& builder);
Halide::Pipeline build_softmax(KernelBuilder& builder);
Halide::Pipeline build_conv_forward(KernelBuilder& builder);
Halide::Pipeline build_conv_depthwise(KernelBuilder& builder);
Halide::Pipeline build_conv_direct(KernelBuilder& builder);
Halide::Pipeline build_conv_chunks(KernelBuilder& builder);
Halide::Pipeline build_conv_pointwise(KernelBuilder& builder);
Halide::Pipeline build_conv_grad_input(KernelBuilder& builder);
Halide::Pipeline build_conv_grad_weight(KernelBuilder& builder);
Halide::Pipeline build_conv_winograd(KernelBuilder& builder);
Halide::Pipeline build_conv_lanes_winograd(KernelBuilder& builder);
Halide::Pipeline build_conv_winograd_grad_weight(KernelBuilder& builder);
Halide::Pipeline build_winograd_weights(KernelBuilder& builder);
Halide::Pipeline build_dense_lanes(KernelBuilder& builder);
Halide::Pipeline build_dense_grad_weight(KernelBuilder& builder);
Halide::Pipeline build_dense_packed(KernelBuilder& builder);
Halide::Pipeline build_dense_vector(KernelBuilder& builder);

/// The pipeline of a kernel by the template that its schedule names.
Halide::Pipeline build_pipeline(KernelBuilder& builder);

}  // namespace cnnc
