// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operators on the handles of a body: they forward to Body::apply.
#include "ir/body.h"

#include <array>

#include "support/check.h"

namespace cnnc {
namespace {

Scalar apply(ScalarOp op, Scalar a, Scalar b) {
  CNNC_CHECK(a.body() != nullptr && a.body() == b.body(), "both operands belong to the same body");
  const std::array<Scalar, 2> operands{a, b};
  return a.body()->apply(op, operands);
}

Scalar integer_like(Scalar a, int64_t value) {
  CNNC_CHECK(a.body() != nullptr, "an operand belongs to a body");
  return a.body()->integer(value);
}

}  // namespace

Scalar operator+(Scalar a, Scalar b) { return apply(ScalarOp::Add, a, b); }
Scalar operator-(Scalar a, Scalar b) { return apply(ScalarOp::Subtract, a, b); }
Scalar operator*(Scalar a, Scalar b) { return apply(ScalarOp::Multiply, a, b); }
Scalar operator/(Scalar a, Scalar b) { return apply(ScalarOp::Divide, a, b); }
Scalar operator%(Scalar a, Scalar b) { return apply(ScalarOp::Modulo, a, b); }
Scalar operator+(Scalar a, int64_t b) { return a + integer_like(a, b); }
Scalar operator-(Scalar a, int64_t b) { return a - integer_like(a, b); }
Scalar operator*(Scalar a, int64_t b) { return a * integer_like(a, b); }
Scalar operator/(Scalar a, int64_t b) { return a / integer_like(a, b); }
Scalar operator%(Scalar a, int64_t b) { return a % integer_like(a, b); }
Scalar equal(Scalar a, Scalar b) { return apply(ScalarOp::Equal, a, b); }
Scalar less(Scalar a, Scalar b) { return apply(ScalarOp::Less, a, b); }
Scalar less_equal(Scalar a, Scalar b) { return apply(ScalarOp::LessEqual, a, b); }
Scalar both(Scalar a, Scalar b) { return apply(ScalarOp::And, a, b); }

Scalar select(Scalar condition, Scalar a, Scalar b) {
  CNNC_CHECK(a.body() != nullptr && a.body() == b.body() && a.body() == condition.body(),
             "all operands belong to the same body");
  const std::array<Scalar, 3> operands{condition, a, b};
  return a.body()->apply(ScalarOp::Select, operands);
}

}  // namespace cnnc
