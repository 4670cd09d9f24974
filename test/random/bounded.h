// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A number in double precision together with a bound for the error of the same computation in rounded arithmetic: a
// compiler's result y' for the exact y obeys |y' - y| <= unit * error, to first order, whatever the order of its sums.
//
// `error` is what README.md calls A: each operation adds the absolute values of what it combines, and passes on the errors
// of its operands times its derivatives. A comparison of numbers that are nearer than their errors is undecided: what depends
// on it gets an error as large as both ways differ. So corners of relu and ties of maxpool need no treatment of their own.
#pragma once
#include <algorithm>
#include <cmath>

namespace cnnc::random_programs {

struct Bounded {
  double value = 0;
  double error = 0;
};

/// The constant c: how many roundings, relative to A, a result may be off.
inline constexpr double kRoundings = 16;

/// The rounding unit of the arithmetic that is bounded, times the constant c; what decides comparisons.
inline thread_local double rounding_unit = 0x1p-53;

/// Whether infinities come from the data, so that no rounding decides their signs: whatever the arithmetic of bounds makes of them,
/// comparisons with them are decided.
inline thread_local bool infinities_are_certain = false;

/// Sets the rounding unit until the end of the block.
class WithRoundingUnit {
 public:
  explicit WithRoundingUnit(double unit) : before_(rounding_unit) { rounding_unit = unit; }
  ~WithRoundingUnit() { rounding_unit = before_; }
  WithRoundingUnit(const WithRoundingUnit&) = delete;
  WithRoundingUnit& operator=(const WithRoundingUnit&) = delete;

 private:
  double before_;
};

inline Bounded exact(double value) { return {value, 0}; }
/// A constant that single precision may have to round.
inline Bounded rounded(double value) {
  return {value, static_cast<double>(static_cast<float>(value)) == value ? 0 : std::abs(value)};
}
inline bool is_exactly(const Bounded& a, double value) { return a.error == 0 && a.value == value; }

/// |factor| * error, where 0 times infinity is 0: what nothing depends on adds nothing.
inline double passed_on(double factor, double error) { return error == 0 || factor == 0 ? 0 : std::abs(factor) * error; }

inline Bounded operator-(const Bounded& a) { return {-a.value, a.error}; }
inline Bounded operator+(const Bounded& a, const Bounded& b) {
  if (is_exactly(a, 0)) return b;
  if (is_exactly(b, 0)) return a;
  return {a.value + b.value, a.error + b.error + std::abs(a.value) + std::abs(b.value)};
}
inline Bounded operator-(const Bounded& a, const Bounded& b) { return a + -b; }
inline Bounded operator*(const Bounded& a, const Bounded& b) {
  if (is_exactly(a, 0) || is_exactly(b, 0)) return exact(a.value * b.value);
  if (is_exactly(a, 1)) return b;
  if (is_exactly(b, 1)) return a;
  const double product = a.value * b.value;
  return {product, std::abs(product) + passed_on(a.value, b.error) + passed_on(b.value, a.error) +
                       passed_on(rounding_unit * a.error, b.error)};
}
inline Bounded operator/(const Bounded& a, const Bounded& b) {
  if (is_exactly(b, 1)) return a;
  const double quotient = a.value / b.value;
  const double least = std::abs(b.value) - rounding_unit * b.error;      // the divisor may be as near to 0
  return {quotient, std::abs(quotient) + passed_on(1 / std::max(least, 0.0), a.error + passed_on(quotient, b.error))};
}

/// sum += term, where the order of the terms is free. Roundings of a long sum of equal terms all have the same sign: the sum so
/// far counts too, as one rounding of the c.
inline void accumulate(Bounded& sum, const Bounded& term) {
  sum.value += term.value;
  sum.error += term.error + std::abs(term.value) + std::abs(sum.value) / kRoundings;
}

/// The truth value of a comparison: 1 or 0, with an infinite error where it is undecided.
inline Bounded truth(bool holds, bool decided) { return {holds ? 1.0 : 0.0, decided ? 0.0 : INFINITY}; }
inline bool are_apart(const Bounded& a, const Bounded& b) {
  const double errors = a.error + b.error;
  if (std::isnan(a.value) || std::isnan(b.value)) return true;
  if (infinities_are_certain && (std::isinf(a.value) || std::isinf(b.value))) return true;
  return errors == 0 || std::abs(a.value - b.value) > rounding_unit * errors;
}
inline Bounded is_less(const Bounded& a, const Bounded& b) { return truth(a.value < b.value, are_apart(a, b)); }
inline bool is_decided(const Bounded& condition) {
  return condition.error == 0 || std::abs(condition.value) > rounding_unit * condition.error;
}

/// condition ? a : b.
inline Bounded choose(const Bounded& condition, const Bounded& a, const Bounded& b) {
  const Bounded chosen = condition.value != 0 ? a : b;
  if (is_decided(condition)) return chosen;
  return {chosen.value, std::max(a.error, b.error) + std::abs(a.value - b.value) / rounding_unit};
}

}  // namespace cnnc::random_programs
