// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What an op's definition may use: the value of a result at one point, written over handles, without Halide. lower/ gives
// the handles a Halide meaning; the interpreter of constant folding and of the tests gives them f64 numbers.
//
// A definition is pure and in gather form: it says what one element of the result is, from elements of the operands.
// Coordinates are integer scalars, and so are elements of i32 and u8 operands and the value of an i32 result; `/` and `%`
// of them round down.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "ir/scalar_expression.h"
#include "ir/types.h"

namespace cnnc {

class Body;

/// A handle to a number (an element) or to an integer (a coordinate) of the body being defined.
class Scalar {
 public:
  Scalar() = default;
  Scalar(Body* body, int32_t id) : body_(body), id_(id) {}
  int32_t id() const { return id_; }
  Body* body() const { return body_; }

 private:
  Body* body_ = nullptr;
  int32_t id_ = -1;
};

/// A place in a value: the image (ignored where the value is not batched) and the coordinates in it, outermost first.
struct Point {
  Scalar image;
  std::vector<Scalar> at;
};

/// A NaN among the elements makes each of them NaN.
enum class Reduction { Sum, Maximum, Minimum };

class Body {
 public:
  virtual ~Body() = default;

  virtual std::span<const TensorType> operand_types() const = 0;
  virtual bool has_operand(int operand) const = 0;
  /// The operand's element. Coordinates must lie inside; an axis of extent 1 is read at 0 whatever the coordinate
  /// (broadcasting), and missing outer axes of the operand are dropped from `point` (alignment at the innermost).
  virtual Scalar at(int operand, const Point& point) = 0;
  /// As `at`, but coordinates may leave the image: the value there is `outside`. So nothing is broadcast along an axis of
  /// extent 1: a coordinate other than 0 is outside.
  virtual Scalar at_or(int operand, const Point& point, double outside) = 0;

  virtual Scalar number(double value) = 0;        // of the body's element type
  virtual Scalar integer(int64_t value) = 0;      // a coordinate
  virtual Scalar to_number(Scalar integer) = 0;
  /// Rounds towards minus infinity; for labels read from i32 or number operands.
  virtual Scalar to_integer(Scalar number) = 0;
  /// Arithmetic, comparison, selection as in ScalarExpression, on two numbers or two integers.
  virtual Scalar apply(ScalarOp op, std::span<const Scalar> operands) = 0;
  /// The expression on numbers.
  virtual Scalar apply(const ScalarExpression& expression, std::span<const Scalar> arguments) = 0;

  /// Combines `element` over all index tuples of `extents`, in row-major order.
  virtual Scalar reduce(Reduction reduction, const Dims& extents,
                        const std::function<Scalar(std::span<const Scalar> indices)>& element) = 0;
  /// The same over all images of the batch and `extents`: `element(image, indices)`.
  virtual Scalar reduce_batch(Reduction reduction, const Dims& extents,
                              const std::function<Scalar(Scalar image, std::span<const Scalar> indices)>& element) = 0;
  /// The number of images in the batch, as an integer.
  virtual Scalar batch_size() = 0;
  /// A uniform number in [0, 1), a function of the integers given and nothing else: the recipe of ir/random.h.
  virtual Scalar random(std::span<const Scalar> integers) = 0;
};

Scalar operator+(Scalar a, Scalar b);
Scalar operator-(Scalar a, Scalar b);
Scalar operator*(Scalar a, Scalar b);
Scalar operator/(Scalar a, Scalar b);
Scalar operator%(Scalar a, Scalar b);
Scalar operator+(Scalar a, int64_t b);
Scalar operator-(Scalar a, int64_t b);
Scalar operator*(Scalar a, int64_t b);
Scalar operator/(Scalar a, int64_t b);
Scalar operator%(Scalar a, int64_t b);
Scalar equal(Scalar a, Scalar b);
Scalar less(Scalar a, Scalar b);
Scalar less_equal(Scalar a, Scalar b);
Scalar both(Scalar a, Scalar b);
Scalar select(Scalar condition, Scalar a, Scalar b);

}  // namespace cnnc
