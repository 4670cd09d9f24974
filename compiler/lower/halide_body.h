// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// An op's definition over Halide expressions: the Body that `define` sees when a node is computed in a kernel. Private to lower.
#pragma once
#include <vector>

#include "ir/body.h"
#include "lower/kernel_builder.h"

namespace cnnc {

class HalideBody final : public Body {
 public:
  HalideBody(KernelBuilder& builder, const Node& node);

  /// The node's result there, of the result's element type.
  Halide::Expr evaluate(int result, const Spot& spot);

  std::span<const TensorType> operand_types() const override { return operand_types_; }
  bool has_operand(int operand) const override;
  Scalar at(int operand, const Point& point) override;
  Scalar at_or(int operand, const Point& point, double outside) override;
  Scalar number(double value) override;
  Scalar integer(int64_t value) override;
  Scalar to_number(Scalar integer) override;
  Scalar to_integer(Scalar number) override;
  Scalar apply(ScalarOp op, std::span<const Scalar> operands) override;
  Scalar apply(const ScalarExpression& expression, std::span<const Scalar> arguments) override;
  Scalar reduce(Reduction reduction, const Dims& extents,
                const std::function<Scalar(std::span<const Scalar> indices)>& element) override;
  Scalar reduce_batch(Reduction reduction, const Dims& extents,
                      const std::function<Scalar(Scalar image, std::span<const Scalar> indices)>& element) override;
  Scalar batch_size() override;
  Scalar random(std::span<const Scalar> integers) override;

 private:
  Scalar add(Coordinate entry);
  Scalar add(const Halide::Expr& value, bool loaded = false);
  const Coordinate& entry(Scalar scalar) const { return entries_.at(static_cast<size_t>(scalar.id())); }
  /// The operand's place for a point: aligned at the innermost axis, broadcast axes at 0.
  Spot spot_of(int operand, const Point& point) const;
  /// Whether this is the result's own coordinate along an axis where the operand reaches as far: then it lies inside.
  bool is_own_coordinate(const Halide::Expr& coordinate, size_t axis, int64_t extent) const;
  Scalar load(int operand, const Spot& spot);
  Scalar reduce_over(Reduction reduction, const Halide::RDom& domain, Scalar element);

  KernelBuilder& builder_;
  const Node& node_;
  std::vector<TensorType> operand_types_;
  Halide::Type number_type_;
  Spot spot_;                           // the place that is evaluated
  std::vector<Coordinate> entries_;     // by Scalar id; numbers too
};

}  // namespace cnnc
