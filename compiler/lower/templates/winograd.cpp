// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The transforms, and `conv.winograd_weights`: filters transformed once, packed in the order in which their template reads them.
#include "lower/templates/winograd.h"

#include "lower/templates/tools.h"
#include "support/check.h"

namespace cnnc {

using Halide::Expr;
using Halide::Func;
using Halide::TailStrategy;
using Halide::Var;

std::vector<Expr> transform_image(int32_t m, const std::vector<Expr>& d) {
  if (m == 2) return {d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]};
  const Expr even = d[4] - 4 * d[2], odd = d[3] - 4 * d[1], near = d[4] - d[2], far = 2 * (d[3] - d[1]);
  return {4 * d[0] - 5 * d[2] + d[4], even + odd, even - odd, near + far, near - far, 4 * d[1] - 5 * d[3] + d[5]};
}

std::vector<Expr> transform_filter(int32_t m, const std::vector<Expr>& g) {
  if (m == 2) return {g[0], (g[0] + g[1] + g[2]) * 0.5f, (g[0] - g[1] + g[2]) * 0.5f, g[2]};
  const Expr outer = g[0] + g[2], wide = g[0] + 4 * g[2];
  return {g[0] * 0.25f,
          (outer + g[1]) * (-1 / 6.f),
          (outer - g[1]) * (-1 / 6.f),
          (wide + 2 * g[1]) * (1 / 24.f),
          (wide - 2 * g[1]) * (1 / 24.f),
          g[2]};
}

std::vector<Expr> transform_back(int32_t m, const std::vector<Expr>& s) {
  if (m == 2) return {s[0] + s[1] + s[2], s[1] - s[2] - s[3]};
  const Expr p = s[1] + s[2], q = s[1] - s[2], u = s[3] + s[4], v = s[3] - s[4];
  return {s[0] + p + u, q + 2 * v, p + 4 * u, q + 8 * v + s[5]};
}

std::vector<Expr> transform_output_gradient(int32_t m, const std::vector<Expr>& d) {
  if (m == 2) return {d[0], d[0] + d[1], d[0] - d[1], d[1]};
  const Expr even = d[0] + d[2], odd = d[1] + d[3], wide_even = d[0] + 4 * d[2], wide_odd = 2 * (d[1] + 4 * d[3]);
  return {d[0], even + odd, even - odd, wide_even + wide_odd, wide_even - wide_odd, d[3]};
}

std::vector<Expr> transform_back_to_taps(int32_t m, const std::vector<Expr>& s) {
  if (m == 2) {
    const Expr half = (s[1] + s[2]) * 0.5f;
    return {s[0] + half, (s[1] - s[2]) * 0.5f, half - s[3]};
  }
  const Expr p = (s[1] + s[2]) * (-1 / 6.f), q = (s[3] + s[4]) * (1 / 24.f);
  return {s[0] * 0.25f + p + q, (s[1] - s[2]) * (-1 / 6.f) + (s[3] - s[4]) * (1 / 12.f), p + 4 * q + s[5]};
}

Expr transformed(Transform transform, int32_t m, const Expr& which, int32_t count, const std::function<Expr(int32_t)>& element) {
  std::vector<Expr> elements;
  for (int32_t i = 0; i < count; ++i) elements.push_back(element(i));
  return mux(which, transform(m, elements));
}

Halide::Pipeline build_winograd_weights(KernelBuilder& builder) {
  const ValueId value = builder.kernel().writes[0];
  CNNC_CHECK(builder.kernel().writes.size() == 1, "transformed weights are a kernel of their own");
  const Dims& tile = builder.layout(value).tile;
  const int32_t lanes = int32(tile[0]), blocks = int32(tile[1]), m = int32(tile[2]), side = int32(winograd_side(m));
  const bool towards_x = builder.layout(value).is_turned();
  constexpr int32_t kTaps = 3;
  const Var l("l"), b("b"), c("c"), f("f"), e("e"), t("t"), p("p"), q("q");
  Func taps("taps"), half("half"), result("result");
  const Coordinate output = Coordinate::split(t * blocks + b, l, lanes), input = Coordinate::whole(c);
  const Spot tap = towards_x ? Spot{Coordinate::whole(Expr(0)), {input, output, Coordinate::whole(kTaps - 1 - p), Coordinate::whole(kTaps - 1 - q)}}
                             : Spot{Coordinate::whole(Expr(0)), {output, input, Coordinate::whole(p), Coordinate::whole(q)}};
  taps(l, b, c, q, p, t) = builder.element(value, tap);
  half(l, b, c, q, e, t) = transformed(transform_filter, m, e, kTaps, [&](int32_t i) { return Expr(taps(l, b, c, q, i, t)); });
  result(l, b, c, f, e, t) = transformed(transform_filter, m, f, kTaps, [&](int32_t i) { return Expr(half(l, b, c, i, e, t)); });
  builder.fix_output(result.output_buffer(), value, true);
  result.bound(f, 0, side).bound(e, 0, side).unroll(f).unroll(e);
  if (lanes > 1) {
    result.reorder(l, f, e, c, b, t).vectorize(l, lanes, TailStrategy::RoundUp);
    half.compute_at(result, c).vectorize(l).unroll(q).unroll(e);
    taps.compute_at(result, c).vectorize(l).unroll(p).unroll(q);
  } else {
    // Training transforms them at every step: filters of a tile by neighbouring channels at a time, as many as a cache line holds,
    // since each number of a transformed filter goes to a place of its own.
    constexpr int32_t kLine = 64 / sizeof(float);
    const int32_t channels = std::min(int32(builder.type(value).dims[towards_x ? 0 : 1]), std::max(1, kLine / blocks));
    const Var co("co");
    result.bound(b, 0, blocks).split(c, co, c, channels, TailStrategy::ShiftInwards).reorder(b, c, l, f, e, co, t).vectorize(b).vectorize(c);
    half.compute_at(result, co).reorder(b, c, l, q, e, t).reorder_storage(b, c, q, e, l, t).bound_extent(b, blocks).bound_extent(c, channels);
    half.vectorize(b).vectorize(c).unroll(q).unroll(e);
    taps.compute_at(result, co).reorder(b, c, l, q, p, t).reorder_storage(b, c, q, p, l, t).bound_extent(b, blocks).bound_extent(c, channels);
    taps.vectorize(b).vectorize(c).unroll(p).unroll(q);
  }
  keep_on_stack(half);
  keep_on_stack(taps);
  const double all = static_cast<double>(element_count(builder.type(value).dims));
  parallelize(result, t, traffic_ns(all * static_cast<double>(lanes * blocks) / static_cast<double>(builder.type(value).dims[0]) * 4 * side));
  return Halide::Pipeline(result);
}

}  // namespace cnnc
