// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Values from nothing: `constant` (numbers of the file), `iota` (each element its own coordinate), `images` (the size of
// the batch). No layers: the language writes constants as numbers and tables.
#include "ir/layer.h"
#include "ops/shape_rules.h"

namespace cnnc {
namespace {

struct ConstantAttributes {
  Dims dims;
  Numbers values = {0.0};
  std::string element = "f32";
};

InferResult infer_constant(const OpCall<ConstantAttributes>& call) {
  const ConstantAttributes& a = call.attributes;
  const auto element = find_element(a.element);
  if (auto complaint = check_count(call.in, 0, 0)) return *complaint;
  if (!element) return "`element` needs an element type, but is \"" + a.element + "\"";
  if (auto complaint = check_dims(a.dims)) return *complaint;
  const auto count = static_cast<int64_t>(a.values.size());
  if (count != 1 && count != element_count(a.dims)) return "`values` needs one number, or one for each element";
  return one_result({*element, false, a.dims});
}

/// values[begin + index] for index in [0, count): a balanced tree of selections. Whoever stores constants as data (lowering)
/// does not come here.
Scalar pick(Body& body, const Numbers& values, size_t begin, size_t count, Scalar index) {
  if (count == 1) return body.number(values[begin]);
  const size_t half = count / 2;
  return select(less(index, body.integer(static_cast<int64_t>(begin + half))), pick(body, values, begin, half, index),
                pick(body, values, begin + half, count - half, index));
}

Scalar define_constant(const OpCall<ConstantAttributes>& call, Body& body, int, const Point& point) {
  const ConstantAttributes& a = call.attributes;
  return pick(body, a.values, 0, a.values.size(), flatten_coordinates(body, point.at, a.dims));
}

struct IotaAttributes {
  Dims dims = {1};
  int64_t axis = 0;
  std::string element = "f32";
};

InferResult infer_iota(const OpCall<IotaAttributes>& call) {
  const IotaAttributes& a = call.attributes;
  const auto element = find_element(a.element);
  if (auto complaint = check_count(call.in, 0, 0)) return *complaint;
  if (!element || !is_float(*element)) return "`element` needs a floating-point type, but is \"" + a.element + "\"";
  if (auto complaint = check_dims(a.dims)) return *complaint;
  if (a.axis < 0 || a.axis >= static_cast<int64_t>(a.dims.size())) return "`axis` is none of the dimensions";
  return one_result({*element, false, a.dims});
}

Scalar define_iota(const OpCall<IotaAttributes>& call, Body& body, int, const Point& point) {
  return body.to_number(point.at[static_cast<size_t>(call.attributes.axis)]);
}

struct ImagesAttributes {
  std::string element = "f32";
};

InferResult infer_images(const OpCall<ImagesAttributes>& call) {
  const auto element = find_element(call.attributes.element);
  if (auto complaint = check_count(call.in, 0, 0)) return *complaint;
  if (!element || !is_float(*element)) return "`element` needs a floating-point type, but is \"" + call.attributes.element + "\"";
  return one_result({*element, false, {}});
}

Scalar define_images(const OpCall<ImagesAttributes>&, Body& body, int, const Point&) {
  return body.to_number(body.batch_size());
}

}  // namespace

std::vector<OpDef> constant_ops() {
  return {
      Op<ConstantAttributes>{
          .name = "constant",
          .doc = "Numbers that are known when compiling.",
          .operands = {},
          .attributes = {attribute("dims", &ConstantAttributes::dims, "the dimensions"),
                         attribute("values", &ConstantAttributes::values, "one number for all elements, or one for each, row-major"),
                         attribute("element", &ConstantAttributes::element, "the element type")},
          .infer = infer_constant,
          .gradient = not_differentiable,
          .define = define_constant,
          .samples = {{.operands = {}, .attributes = {{"dims", Dims{2, 3}}, {"values", Numbers{0.5}}}},
                      {.operands = {}, .attributes = {{"dims", Dims{2, 3}}, {"values", Numbers{1, -2, 3, 4.5, 5, 6}}}},
                      {.operands = {}, .attributes = {{"values", Numbers{7}}, {"element", std::string("i32")}}}},
      },
      Op<IotaAttributes>{
          .name = "iota",
          .doc = "Each element is its own coordinate along one axis: 0, 1, 2, …",
          .operands = {},
          .attributes = {attribute("dims", &IotaAttributes::dims, "the dimensions"),
                         attribute("axis", &IotaAttributes::axis, "the axis that counts"),
                         attribute("element", &IotaAttributes::element, "the element type, f32 or f64")},
          .infer = infer_iota,
          .gradient = not_differentiable,
          .define = define_iota,
          .samples = {{.operands = {}, .attributes = {{"dims", Dims{4}}}},
                      {.operands = {}, .attributes = {{"dims", Dims{2, 3}}, {"axis", int64_t{1}}}}},
      },
      Op<ImagesAttributes>{
          .name = "images",
          .doc = "The number of images in the batch.",
          .operands = {},
          .attributes = {attribute("element", &ImagesAttributes::element, "the element type, f32 or f64")},
          .infer = infer_images,
          .gradient = not_differentiable,
          .define = define_images,
          .samples = {{.operands = {}}},
      },
  };
}

std::vector<LayerDef> constant_layers() { return {}; }

}  // namespace cnnc
