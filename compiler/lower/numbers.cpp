// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scalar functions over Halide expressions. The f32 functions reduce their argument exactly and evaluate short polynomials.
#include "lower/numbers.h"

#include <limits>

#include "ir/random.h"
#include "support/check.h"

namespace cnnc {
namespace {

using Halide::Expr;
using Halide::Float;
using Halide::Int;
using Halide::UInt;

Expr f32(double value) { return Expr(static_cast<float>(value)); }
Expr number(double value, const Expr& like) { return Halide::Internal::make_const(like.type(), value); }
bool is_f32(const Expr& x) { return x.type() == Float(32); }

/// coefficients[0] + x·(coefficients[1] + x·(…))
Expr polynomial(const Expr& x, std::initializer_list<double> coefficients) {
  Expr sum;
  for (auto c = std::rbegin(coefficients); c != std::rend(coefficients); ++c) sum = sum.defined() ? sum * x + f32(*c) : f32(*c);
  return sum;
}

/// ln 2 in two parts; the first has few bits, so that multiples of it are exact.
constexpr double kLn2High = 0.693359375, kLn2Low = -2.12194440e-4;

/// 2^power for powers of normal numbers.
Expr power_of_two(const Expr& power) { return Halide::reinterpret<float>((power + 127) << 23); }

Expr libm(const char* name, std::vector<Expr> arguments) {
  return Halide::Internal::Call::make(Float(64), name, std::move(arguments), Halide::Internal::Call::PureExtern);
}
/// Through libm in double precision: for functions that are rare.
Expr through_f64(const char* name, const std::vector<Expr>& arguments) {
  std::vector<Expr> wide;
  for (const Expr& argument : arguments) wide.push_back(Halide::cast(Float(64), argument));
  return Halide::cast(arguments[0].type(), libm(name, wide));
}

/// e^x = 2^k · e^r with |r| ≤ ln 2 / 2.
Expr exponential(const Expr& x) {
  if (!is_f32(x)) return libm("exp", {x});
  const Expr limited = select(x < f32(-104), f32(-104), select(f32(89) < x, f32(89), x));
  const Expr k = floor(limited * f32(1.44269504088896341) + f32(0.5));
  const Expr r = (limited - k * f32(kLn2High)) - k * f32(kLn2Low);
  const Expr series = polynomial(r, {5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2, 8.3334519073e-3, 1.3981999507e-3, 1.9875691500e-4});
  const Expr mantissa = series * (r * r) + r + f32(1);
  // Two factors, because 2^k itself may be beyond the range. A NaN has no integer.
  const Expr power = Halide::cast<int32_t>(select(k == k, k, f32(0)));
  const Expr half = power >> 1;
  return mantissa * power_of_two(half) * power_of_two(power - half);
}

/// log x = e · ln 2 + log m with m in [√½, √2).
Expr logarithm(const Expr& x) {
  if (!is_f32(x)) return libm("log", {x});
  const float infinity = std::numeric_limits<float>::infinity();
  const Expr tiny = x < f32(std::numeric_limits<float>::min());
  const Expr normal = select(tiny, x * f32(8388608), x);
  const Expr bits = Halide::reinterpret<int32_t>(normal);
  const Expr fraction = Halide::reinterpret<float>((bits & 0x7fffff) | 0x3f800000);
  const Expr large = f32(1.41421356237309505) < fraction;
  const Expr m = select(large, fraction * f32(0.5), fraction) - f32(1);
  const Expr e = Halide::cast<float>((bits >> 23) - 127 - select(tiny, 23, 0) + select(large, 1, 0));
  const Expr square = m * m;
  const Expr series = polynomial(m, {3.3333331174e-1, -2.4999993993e-1, 2.0000714765e-1, -1.6668057665e-1, 1.4249322787e-1,
                                     -1.2420140846e-1, 1.1676998740e-1, -1.1514610310e-1, 7.0376836292e-2});
  const Expr finite = (m + (series * m * square + e * f32(kLn2Low) - f32(0.5) * square)) + e * f32(kLn2High);
  const Expr not_a_number = Expr(std::numeric_limits<float>::quiet_NaN());
  return select(f32(0) < x, select(x == Expr(infinity), Expr(infinity), finite),
                select(x == f32(0), Expr(-infinity), not_a_number));
}

/// log(1 + x): what 1 + x loses is put back by the factor.
Expr logarithm_of_one_plus(const Expr& x) {
  if (!is_f32(x)) return libm("log1p", {x});
  const Expr sum = f32(1) + x;
  const Expr kept = sum - f32(1);
  return select(kept == f32(0), x, select(f32(16777216) < x, logarithm(x), logarithm(sum) * (x / kept)));
}

Expr hyperbolic_tangent(const Expr& x) {
  if (!is_f32(x)) return libm("tanh", {x});
  const Expr magnitude = abs(x);
  const Expr square = x * x;
  const Expr near = polynomial(square, {-3.33332819422e-1, 1.33314422036e-1, -5.37397155531e-2, 2.06390887954e-2, -5.70498872745e-3}) *
                        (square * x) + x;
  const Expr far = f32(1) - f32(2) / (exponential(f32(2) * magnitude) + f32(1));
  return select(magnitude < f32(0.625), near, select(x < f32(0), -far, far));
}

/// Near 0 a polynomial of x², beyond 1 what e^q(|x|) leaves of 1; both fitted for the smallest largest relative error (1.5 units in
/// the last place as evaluated here). From 4 on it is 1.
Expr error_function(const Expr& x) {
  if (!is_f32(x)) return libm("erf", {x});
  const Expr magnitude = abs(x);
  const Expr near = polynomial(x * x, {1.28379165728e-1, -3.76126258272e-1, 1.12835851715e-1, -2.68538127090e-2, 5.18832895954e-3,
                                       -8.01020371623e-4, 7.85389215562e-5}) * x + x;
  const Expr limited = select(f32(4) < magnitude, f32(4), magnitude);
  const Expr logarithm_of_rest = polynomial(limited, {-3.41522841947e-4, -1.12708919096, -6.38144831361e-1, -1.03106755900e-1,
                                                      2.18380646713e-2, -2.94765847346e-3, 1.86379209482e-4});
  const Expr far = f32(1) - exponential(logarithm_of_rest);
  return select(magnitude < f32(1), near, select(x < f32(0), -far, far));
}

Expr sigmoid(const Expr& x) { return number(1, x) / (number(1, x) + exponential(-x)); }

Expr power(const Expr& base, const Expr& exponent) {
  if (const auto* constant = exponent.as<Halide::Internal::FloatImm>()) {
    if (constant->value == 2) return base * base;
    if (constant->value == 3) return base * base * base;
    if (constant->value == 0.5) return select(base == number(-std::numeric_limits<double>::infinity(), base), -base, sqrt(base + number(0, base)));
    if (constant->value == -1) return number(1, base) / base;
  }
  return is_f32(base) ? through_f64("pow", {base, exponent}) : libm("pow", {base, exponent});
}

Expr integer_scalar(ScalarOp op, std::span<const Expr> x) {
  switch (op) {
    case ScalarOp::Divide: return x[0] / x[1];      // both round down for positive divisors, which all are
    case ScalarOp::Modulo: return x[0] % x[1];
    case ScalarOp::Minimum: return min(x[0], x[1]);
    case ScalarOp::Maximum: return max(x[0], x[1]);
    case ScalarOp::LessEqual: return x[0] <= x[1];
    default: break;
  }
  CNNC_CHECK(false, "an operation that integers have");
  return {};
}

Expr unary_float(ScalarOp op, const Expr& x) {
  const bool wide = !is_f32(x);
  const auto rare = [&](const char* name) { return wide ? libm(name, {x}) : through_f64(name, {x}); };
  switch (op) {
    case ScalarOp::Exp: return exponential(x);
    case ScalarOp::Log: return logarithm(x);
    case ScalarOp::Log1p: return logarithm_of_one_plus(x);
    case ScalarOp::Sqrt: return sqrt(x);
    case ScalarOp::Tanh: return hyperbolic_tangent(x);
    case ScalarOp::Sigmoid: return sigmoid(x);
    case ScalarOp::Abs: return abs(x);
    case ScalarOp::Floor: return floor(x);
    case ScalarOp::Ceil: return ceil(x);
    case ScalarOp::Erf: return error_function(x);
    case ScalarOp::Sin: return rare("sin");
    case ScalarOp::Cos: return rare("cos");
    default: break;
  }
  CNNC_CHECK(false, "a function of one number");
  return {};
}

}  // namespace

Halide::Type halide_type(ElementType element) {
  switch (element) {
    case ElementType::F32: return Float(32);
    case ElementType::F64: return Float(64);
    case ElementType::I32: return Int(32);
    case ElementType::U8: return UInt(8);
  }
  return {};
}

Expr as_number(const Expr& value, Halide::Type type) {
  if (value.type().is_bool()) return select(value, Halide::Internal::make_one(type), Halide::Internal::make_zero(type));
  return value.type() == type ? value : Halide::cast(type, value);
}

Expr as_truth(const Expr& value) { return value.type().is_bool() ? value : value != Halide::Internal::make_zero(value.type()); }

Expr maximum(const Expr& a, const Expr& b) {
  if (!a.type().is_float()) return max(a, b);
  const Expr larger = select(a < b, b, a);
  return Halide::Internal::is_const(b) ? larger : select(b == b, larger, b);
}

Expr minimum(const Expr& a, const Expr& b) {
  if (!a.type().is_float()) return min(a, b);
  const Expr smaller = select(b < a, b, a);
  return Halide::Internal::is_const(b) ? smaller : select(b == b, smaller, b);
}

Expr apply_scalar(ScalarOp op, std::span<const Expr> x) {
  switch (op) {
    case ScalarOp::Add: return x[0] + x[1];
    case ScalarOp::Subtract: return x[0] - x[1];
    case ScalarOp::Multiply: return x[0] * x[1];
    case ScalarOp::Negate: return -x[0];
    case ScalarOp::Less: return x[0] < x[1];
    case ScalarOp::Equal: return x[0] == x[1];
    case ScalarOp::NotEqual: return x[0] != x[1];
    case ScalarOp::And: return as_truth(x[0]) && as_truth(x[1]);
    case ScalarOp::Or: return as_truth(x[0]) || as_truth(x[1]);
    case ScalarOp::Not: return !as_truth(x[0]);
    case ScalarOp::Select: return select(as_truth(x[0]), x[1], x[2]);
    default: break;
  }
  if (!x[0].type().is_float()) return integer_scalar(op, x);
  switch (op) {
    case ScalarOp::Divide: return x[0] / x[1];
    case ScalarOp::Modulo: return x[0] - floor(x[0] / x[1]) * x[1];
    case ScalarOp::Minimum: return minimum(x[0], x[1]);
    case ScalarOp::Maximum: return maximum(x[0], x[1]);
    case ScalarOp::LessEqual: return x[0] < x[1] || x[0] == x[1];   // Halide takes a <= b for !(b < a), which is true for NaN
    case ScalarOp::Power: return power(x[0], x[1]);
    default: return unary_float(op, x[0]);
  }
}

Expr random_uniform_expression(std::span<const Expr> integers, Halide::Type type) {
  Expr hash = Expr(kRandomStart);
  for (const Expr& integer : integers) {
    hash = hash ^ Halide::cast<uint32_t>(integer);
    hash = hash * Expr(kRandomFactor1);
    hash = hash ^ (hash >> Expr(uint32_t{13}));
    hash = hash * Expr(kRandomFactor2);
    hash = hash ^ (hash >> Expr(uint32_t{16}));
  }
  return Halide::cast(type, Halide::cast<int32_t>(hash >> Expr(uint32_t{8}))) * Halide::Internal::make_const(type, 1.0 / 16777216.0);
}

}  // namespace cnnc
