// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reference loops for elementwise ops, constants, sums, dropout, and what only moves elements.
#include <array>
#include <functional>

#include "test/random/reference.h"

namespace cnnc::random_programs {

std::vector<int64_t> broadcast_places(const Dims& from, const Dims& to) {
  std::vector<int64_t> places(static_cast<size_t>(element_count(to)));
  for (size_t flat = 0; flat < places.size(); ++flat) {
    auto rest = static_cast<int64_t>(flat);
    int64_t place = 0, step = 1;
    for (size_t k = 1; k <= to.size(); ++k) {      // from the innermost axis on
      const int64_t extent = to[to.size() - k], coordinate = rest % extent;
      rest /= extent;
      if (k > from.size()) continue;
      const int64_t own = from[from.size() - k];
      place += (own == 1 ? 0 : coordinate) * step;
      step *= own;
    }
    places[flat] = place;
  }
  return places;
}

namespace {

// ---- map

template <class Visit>
void for_each_element(const ReferenceNode& n, Visit visit) {
  const Tensor& y = n.out->at(0);
  std::vector<std::vector<int64_t>> sources;
  for (const Tensor* in : n.in) sources.push_back(broadcast_places(in->type.dims, y.type.dims));
  std::vector<Bounded> arguments(n.in.size());
  std::vector<size_t> places(n.in.size());
  for (int64_t image = 0; image < n.repetitions(y); ++image)
    for (int64_t p = 0; p < y.count(); ++p) {
      for (size_t i = 0; i < n.in.size(); ++i) {
        places[i] = n.in[i]->place(image, sources[i][static_cast<size_t>(p)]);
        arguments[i] = n.in[i]->at[places[i]];
      }
      visit(y.place(image, p), arguments, places);
    }
}

void forward_map(ReferenceNode& n) {
  const auto& f = n.attribute<ScalarExpression>("f");
  for_each_element(n, [&](size_t to, const std::vector<Bounded>& arguments, const std::vector<size_t>&) {
    n.out->at(0).at[to] = evaluate_expression(f, arguments);
  });
}

void backward_map(ReferenceNode& n) {
  const auto& f = n.attribute<ScalarExpression>("f");
  for_each_element(n, [&](size_t to, const std::vector<Bounded>& arguments, const std::vector<size_t>& places) {
    const auto towards = differentiate_expression(f, arguments, n.d_out[0]->at[to]);
    for (size_t i = 0; i < n.in.size(); ++i)
      if (n.d_in[i]) accumulate(n.d_in[i]->at[places[i]], towards[i]);
  });
}

// ---- constants

void forward_constant(ReferenceNode& n) {
  const auto& values = n.attribute<Numbers>("values");
  auto& y = n.out->at(0).at;
  for (size_t i = 0; i < y.size(); ++i) y[i] = rounded(values.size() == 1 ? values[0] : values[i]);
}

void forward_iota(ReferenceNode& n) {
  Tensor& y = n.out->at(0);
  int64_t inner = 1;
  const auto axis = static_cast<size_t>(n.attribute<int64_t>("axis"));
  for (size_t i = axis + 1; i < y.type.dims.size(); ++i) inner *= y.type.dims[i];
  for (size_t i = 0; i < y.at.size(); ++i) y.at[i] = exact(static_cast<double>(static_cast<int64_t>(i) / inner % y.type.dims[axis]));
}

void forward_images(ReferenceNode& n) { n.out->at(0).at[0] = exact(static_cast<double>(n.images)); }

// ---- moving elements: `source` says for each element of y which operand and element it is

using Source = std::function<std::pair<size_t, int64_t>(const ReferenceNode&, int64_t)>;

void move_forward(ReferenceNode& n, const Source& source) {
  Tensor& y = n.out->at(0);
  for (int64_t image = 0; image < n.repetitions(y); ++image)
    for (int64_t p = 0; p < y.count(); ++p) {
      const auto [operand, place] = source(n, p);
      y.at[y.place(image, p)] = n.in[operand]->at[n.in[operand]->place(image, place)];
    }
}
void move_backward(ReferenceNode& n, const Source& source) {
  const Tensor& dy = *n.d_out[0];
  for (int64_t image = 0; image < n.repetitions(dy); ++image)
    for (int64_t p = 0; p < dy.count(); ++p) {
      const auto [operand, place] = source(n, p);
      if (n.d_in[operand]) accumulate(n.d_in[operand]->at[n.d_in[operand]->place(image, place)], dy.at[dy.place(image, p)]);
    }
}

std::pair<size_t, int64_t> same_place(const ReferenceNode&, int64_t p) { return {0, p}; }
std::pair<size_t, int64_t> broadcast_source(const ReferenceNode& n, int64_t p) {
  return {0, broadcast_places(n.in[0]->type.dims, n.out->at(0).type.dims)[static_cast<size_t>(p)]};
}

/// An element's place as (outer, along the axis, inner) for dimensions `dims`.
struct AxisPlace {
  AxisPlace(const Dims& dims, int64_t axis, int64_t flat) {
    for (size_t i = static_cast<size_t>(axis) + 1; i < dims.size(); ++i) inner_extent *= dims[i];
    const int64_t extent = dims[static_cast<size_t>(axis)];
    inner = flat % inner_extent;
    along = flat / inner_extent % extent;
    outer = flat / inner_extent / extent;
  }
  int64_t flat(int64_t extent, int64_t coordinate) const { return (outer * extent + coordinate) * inner_extent + inner; }
  int64_t outer = 0, along = 0, inner = 0, inner_extent = 1;
};

std::pair<size_t, int64_t> concat_source(const ReferenceNode& n, int64_t p) {
  const int64_t axis = n.attribute<int64_t>("axis");
  const AxisPlace place(n.out->at(0).type.dims, axis, p);
  int64_t coordinate = place.along;
  for (size_t i = 0;; ++i) {
    const int64_t extent = n.in[i]->type.dims[static_cast<size_t>(axis)];
    if (coordinate < extent) return {i, place.flat(extent, coordinate)};
    coordinate -= extent;
  }
}
std::pair<size_t, int64_t> slice_source(const ReferenceNode& n, int64_t p) {
  const int64_t axis = n.attribute<int64_t>("axis");
  const AxisPlace place(n.out->at(0).type.dims, axis, p);
  return {0, place.flat(n.in[0]->type.dims[static_cast<size_t>(axis)], place.along + n.attribute<int64_t>("begin"))};
}

template <std::pair<size_t, int64_t> (*source)(const ReferenceNode&, int64_t)>
constexpr ReferenceOp moving(std::string_view name) {
  return {name, [](ReferenceNode& n) { move_forward(n, source); }, [](ReferenceNode& n) { move_backward(n, source); }};
}

// ---- reduce (networks have sums alone: `sum` and `mean`)

/// By element of x, which element of y it goes into.
std::vector<int64_t> reduced_places(const ReferenceNode& n) { return broadcast_places(n.out->at(0).type.dims, n.in[0]->type.dims); }

void forward_reduce(ReferenceNode& n) {
  const auto& op = n.attribute<std::string>("op");
  const Tensor& x = *n.in[0];
  Tensor& y = n.out->at(0);
  const auto places = reduced_places(n);
  std::vector<bool> begun(y.at.size());
  for (int64_t image = 0; image < n.repetitions(x); ++image)
    for (int64_t p = 0; p < x.count(); ++p) {
      const size_t to = y.place(image, places[static_cast<size_t>(p)]);
      const Bounded& element = x.at[x.place(image, p)];
      if (op == "sum") accumulate(y.at[to], element);
      else if (!begun[to]) y.at[to] = element;
      else y.at[to] = choose(op == "max" ? is_less(y.at[to], element) : is_less(element, y.at[to]), element, y.at[to]);
      begun[to] = true;
    }
}

void backward_reduce(ReferenceNode& n) {
  const Tensor &x = *n.in[0], &y = n.out->at(0), &dy = *n.d_out[0];
  const bool sum = n.attribute<std::string>("op") == "sum";
  const auto places = reduced_places(n);
  std::vector<double> equal(y.at.size());
  for (const bool sharing : {false, true})      // counts the winners, then shares among them
    for (int64_t image = 0; image < n.repetitions(x); ++image)
      for (int64_t p = 0; p < x.count(); ++p) {
        const size_t from = y.place(image, places[static_cast<size_t>(p)]);
        const bool takes = sum || x.at[x.place(image, p)].value == y.at[from].value;
        if (!sharing) equal[from] += takes;
        else if (takes) accumulate(n.d_in[0]->at[x.place(image, p)], sum ? dy.at[from] : dy.at[from] / exact(equal[from]));
      }
}

// ---- dense

void forward_dense(ReferenceNode& n) {
  const Tensor &x = *n.in[0], &weight = *n.in[1];
  Tensor& y = n.out->at(0);
  const int64_t inputs = weight.type.dims[1];
  for (int64_t image = 0; image < n.repetitions(y); ++image)
    for (int64_t o = 0; o < y.count(); ++o) {
      Bounded& sum = y.at[y.place(image, o)];
      for (int64_t i = 0; i < inputs; ++i) accumulate(sum, weight.at[static_cast<size_t>(o * inputs + i)] * x.at[x.place(image, i)]);
      if (n.in.size() > 2 && n.in[2]) accumulate(sum, n.in[2]->at[static_cast<size_t>(o)]);
    }
}

void backward_dense(ReferenceNode& n) {
  const Tensor &x = *n.in[0], &weight = *n.in[1], &dy = *n.d_out[0];
  const int64_t inputs = weight.type.dims[1];
  for (int64_t image = 0; image < n.repetitions(dy); ++image)
    for (int64_t o = 0; o < dy.count(); ++o) {
      const Bounded& d = dy.at[dy.place(image, o)];
      for (int64_t i = 0; i < inputs; ++i) {
        const auto tap = static_cast<size_t>(o * inputs + i);
        accumulate(n.d_in[0]->at[n.d_in[0]->place(image, i)], d * weight.at[tap]);
        accumulate(n.d_in[1]->at[tap], d * x.at[x.place(image, i)]);
      }
      if (n.in.size() > 2 && n.in[2]) accumulate(n.d_in[2]->at[static_cast<size_t>(o)], d);
    }
}

// ---- dropout

/// The draw for one element: a hash of seed, epoch, stream, the image's number and the element's, 24 bits of it.
double draw(const RandomKey& key, int64_t stream, int64_t image, int64_t element) {
  uint32_t hash = 0x9E3779B9u;
  for (const int64_t number : {key.seed, key.epoch, stream, key.samples[static_cast<size_t>(image)], element}) {
    hash = (hash ^ static_cast<uint32_t>(number)) * 0x85EBCA6Bu;
    hash = (hash ^ (hash >> 13)) * 0xC2B2AE35u;
    hash ^= hash >> 16;
  }
  return std::ldexp(static_cast<double>(hash >> 8), -24);
}

/// What an element is multiplied with.
Bounded dropout_factor(const ReferenceNode& n, int64_t image, int64_t element) {
  const double p = n.attribute<double>("p");
  if (n.mode == Mode::Inference || n.key->epoch < 0 || p == 0) return exact(1);
  if (p == 1 || draw(*n.key, n.attribute<int64_t>("stream"), image, element) < p) return exact(0);
  return exact(1) / rounded(1 - p);
}

/// What is dropped is 0, whatever it was: also NaN, and without a sign.
void forward_dropout(ReferenceNode& n) {
  const Tensor& x = *n.in[0];
  for (int64_t image = 0; image < n.repetitions(x); ++image)
    for (int64_t p = 0; p < x.count(); ++p) {
      const Bounded factor = dropout_factor(n, image, p);
      n.out->at(0).at[x.place(image, p)] = is_exactly(factor, 0) ? exact(0) : x.at[x.place(image, p)] * factor;
    }
}

/// Its gradient is multiplied with 0: an infinite one becomes NaN.
void backward_dropout(ReferenceNode& n) {
  const Tensor& x = *n.in[0];
  for (int64_t image = 0; image < n.repetitions(x); ++image)
    for (int64_t p = 0; p < x.count(); ++p)
      accumulate(n.d_in[0]->at[x.place(image, p)], n.d_out[0]->at[x.place(image, p)] * dropout_factor(n, image, p));
}

}  // namespace

std::span<const ReferenceOp> plain_reference_ops() {
  static const auto kOps = std::to_array<ReferenceOp>({
      {"map", forward_map, backward_map},
      {"constant", forward_constant, nullptr},
      {"iota", forward_iota, nullptr},
      {"images", forward_images, nullptr},
      moving<same_place>("reshape"),
      moving<broadcast_source>("broadcast"),
      moving<concat_source>("concat"),
      moving<slice_source>("slice"),
      {"reduce", forward_reduce, backward_reduce},
      {"dense", forward_dense, backward_dense},
      {"dropout", forward_dropout, backward_dropout},
  });
  return kOps;
}

}  // namespace cnnc::random_programs
