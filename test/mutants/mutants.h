// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What rewritten sources call: `on(n)` is whether mutant n is chosen (the environment variable CNNC_MUTANT), and an infix operator
// `a <Less<n>> b` that stands in the place of `a < b`, so that C++'s own precedence finds its operands.
#pragma once
#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

namespace mutants {

extern int chosen;                  // the mutant that is on, 0 for none
extern unsigned char reached[];     // by number: whether the place was evaluated
extern unsigned char void_[];       // by number: whether the types at the place have no such other operator

inline bool on(int number) {
  reached[number] = 1;
  return chosen == number;
}

/// A text literal, or the one that the mutant puts in its place.
inline const char* text(int number, const char* original, const char* mutated) { return on(number) ? mutated : original; }

/// A row of a constant table, whose texts are mutated here, where they are read.
const char* table_text(const char* original);

/// Marks, before main, a mutant that the types forbid.
template <int number>
inline const bool is_void = (void_[number] = 1, true);

template <int number, class From, class To>
struct Infix {};

template <int number, class From, class To, class A>
struct Left {
  A&& a;
};

template <class From, class To, class A, class B>
concept Exchangeable = requires(A&& a, B&& b) {
  { To{}(std::forward<A>(a), std::forward<B>(b)) } -> std::same_as<decltype(From{}(std::forward<A>(a), std::forward<B>(b)))>;
};

template <int number, class From, class To, class A, class B>
constexpr decltype(auto) apply(A&& a, B&& b) {
  if (!std::is_constant_evaluated()) {
    if constexpr (Exchangeable<From, To, A, B>) {
      if (on(number)) return To{}(std::forward<A>(a), std::forward<B>(b));
    } else {
      (void)is_void<number>;
    }
  }
  return From{}(std::forward<A>(a), std::forward<B>(b));
}

#define CNNC_MUTANTS_INFIX(before, after)                                                     \
  template <class A, int n, class F, class T>                                                 \
  constexpr Left<n, F, T, A> operator before(A&& a, Infix<n, F, T>) {                         \
    return {std::forward<A>(a)};                                                              \
  }                                                                                           \
  template <class A, int n, class F, class T, class B>                                        \
  constexpr decltype(auto) operator after(Left<n, F, T, A>&& left, B&& b) {                   \
    return apply<n, F, T>(std::forward<A>(left.a), std::forward<B>(b));                       \
  }
CNNC_MUTANTS_INFIX(<, >)
CNNC_MUTANTS_INFIX(==, ==)
CNNC_MUTANTS_INFIX(+, +)
CNNC_MUTANTS_INFIX(*, *)
#undef CNNC_MUTANTS_INFIX

/// As std::divides and std::modulus, but not for texts and other types that have no such operator.
using Less = std::less<>;
using LessEqual = std::less_equal<>;
using Greater = std::greater<>;
using GreaterEqual = std::greater_equal<>;
using Equal = std::equal_to<>;
using NotEqual = std::not_equal_to<>;
using Plus = std::plus<>;
using Minus = std::minus<>;
using Times = std::multiplies<>;
using Divide = std::divides<>;
using Modulo = std::modulus<>;

}  // namespace mutants
