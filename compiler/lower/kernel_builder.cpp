// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// KernelBuilder: places → addresses in a layout, elements from memory or from the nodes of the kernel.
#include "lower/kernel_builder.h"

#include <fmt/format.h>

#include <algorithm>

#include "lower/halide_body.h"
#include "lower/numbers.h"
#include "support/check.h"

namespace cnnc {
namespace {

using Halide::Expr;
using Halide::Var;

constexpr int kAlignment = 64;   // bytes

bool same(const Expr& a, const Expr& b) { return a.same_as(b); }

bool same(const Spot& a, const Spot& b) {
  if (!same(a.image.value, b.image.value) || a.at.size() != b.at.size()) return false;
  for (size_t i = 0; i < a.at.size(); ++i)
    if (!same(a.at[i].value, b.at[i].value)) return false;
  return true;
}

}  // namespace

Coordinate Coordinate::split(const Expr& outer, const Expr& inner, int64_t factor) {
  return {.value = outer * static_cast<int32_t>(factor) + inner, .outer = outer, .inner = inner, .factor = factor};
}

std::pair<Expr, Expr> Coordinate::parts(int64_t wanted) const {
  if (factor == wanted) return {outer, inner};
  const auto divisor = static_cast<int32_t>(wanted);
  return {value / divisor, value % divisor};
}

namespace {

/// The axis that tiles of packed weights run over.
size_t outputs_axis(const Layout& layout) { return layout.is_turned() ? 1 : 0; }

}  // namespace

KernelBuilder::KernelBuilder(const FunctionPlan& plan, const Kernel& kernel, const Target& target)
    : plan_(plan), kernel_(kernel), target_(target) {
  for (size_t i = 0; i < kernel.reads.size(); ++i) {
    const ValueId value = kernel.reads[i];
    const std::vector<StoredDim> dims = stored_dims(type(value), layout(value));
    Halide::ImageParam memory(halide_type(type(value).element), static_cast<int>(dims.size()), "r" + std::to_string(i));
    for (size_t axis = 0; axis < dims.size(); ++axis) {
      auto dim = memory.dim(static_cast<int>(axis));
      if (dims[axis].is_batch) {
        dim.set_min(0);
      } else {
        const StoredDim& stored = dims[axis];
        dim.set_bounds(static_cast<int32_t>(-stored.before), static_cast<int32_t>(stored.before + stored.extent + stored.after));
      }
      dim.set_stride(static_cast<int32_t>(dims[axis].stride));
    }
    // Everything but cells of scalars starts at a multiple of 64 bytes.
    if (!dims.empty()) memory.set_host_alignment(kAlignment);
    reads_.emplace(value, memory);
  }
}

int64_t KernelBuilder::parameter(std::string_view name) const {
  const auto found = kernel_.schedule.parameters.find(name);
  CNNC_CHECK(found != kernel_.schedule.parameters.end(), fmt::format("{} has a parameter {}", kernel_.schedule.name, name));
  return found->second;
}

Halide::ImageParam& KernelBuilder::memory(ValueId value) {
  const auto found = reads_.find(value);
  CNNC_CHECK(found != reads_.end(), "the kernel reads the value");
  return found->second;
}

void KernelBuilder::provide(ValueId value, std::function<Expr(const Spot&)> source) { provided_[value] = std::move(source); }

void KernelBuilder::provide(ValueId value, const Halide::Func& source) {
  provide(value, [this, value, source](const Spot& at) { return source(stored_coordinates(value, at)); });
}

Halide::Func KernelBuilder::keep(ValueId value, const std::string& name) {
  const StoredVariables stored = variables(value);
  Halide::Func kept(name);
  kept(stored.variables) = element(value, stored.spot);
  provide(value, kept);
  return kept;
}

Expr KernelBuilder::element(ValueId value, const Spot& spot) {
  if (is_read(value)) return load(value, spot);
  if (const auto found = provided_.find(value); found != provided_.end()) return found->second(spot);
  auto& remembered = computed_[value];
  for (const Remembered& entry : remembered)
    if (same(entry.spot, spot)) return entry.expression;
  const Value& definition = graph().value(value);
  CNNC_CHECK(definition.node >= 0, "a value that is not read is computed");
  HalideBody body(*this, graph().node(definition.node));
  Expr expression = body.evaluate(definition.result, spot);
  computed_[value].push_back({spot, expression});
  return expression;
}

Expr KernelBuilder::load(ValueId value, const Spot& spot) {
  // Lanes of the last block that lie beyond the extent read the last element, where the memory does not fill blocks up.
  const TensorType& shape = type(value);
  const Layout& memory_layout = layout(value);
  Spot inside = spot;
  for (size_t axis = 0; axis < inside.at.size(); ++axis) {
    Coordinate& at = inside.at[axis];
    const bool filled = axis == outputs_axis(memory_layout) && at.factor == (memory_layout.is_packed() ? memory_layout.tile[0] : memory_layout.vector);
    if (at.factor > 1 && !filled && shape.dims[axis] % at.factor != 0)
      at = Coordinate::whole(clamp(at.value, 0, static_cast<int32_t>(shape.dims[axis]) - 1));
  }
  return memory(value)(stored_coordinates(value, inside));
}

std::vector<Expr> KernelBuilder::stored_coordinates(ValueId value, const Spot& spot) const {
  const TensorType& shape = type(value);
  const Layout& memory_layout = layout(value);
  std::vector<Expr> coordinates;
  CNNC_CHECK(memory_layout.kind != LayoutKind::Winograd, "transformed weights have no elements of their own");
  if (memory_layout.kind == LayoutKind::Packed) {
    const int64_t lanes = memory_layout.tile[0], blocks = memory_layout.tile[1];
    const size_t outputs = outputs_axis(memory_layout);
    const auto [vector, lane] = spot.at[outputs].parts(lanes);
    coordinates = {lane, vector % static_cast<int32_t>(blocks), spot.at[1 - outputs].value};
    for (size_t axis = shape.dims.size(); axis-- > 2;) coordinates.push_back(spot.at[axis].value);
    coordinates.push_back(vector / static_cast<int32_t>(blocks));
    return coordinates;
  }
  std::pair<Expr, Expr> image{spot.image.value, {}}, channel;
  if (memory_layout.kind == LayoutKind::Lanes) {
    image = spot.image.parts(memory_layout.vector);
    coordinates.push_back(image.second);
  }
  if (memory_layout.kind == LayoutKind::Blocked) {
    channel = spot.at[0].parts(memory_layout.vector);
    coordinates.push_back(channel.second);
  }
  for (size_t axis = shape.dims.size(); axis-- > 0;)
    coordinates.push_back(axis == 0 && memory_layout.kind == LayoutKind::Blocked ? channel.first : spot.at[axis].value);
  if (shape.batched) coordinates.push_back(image.first);
  return coordinates;
}

const Var& KernelBuilder::batch_variable() {
  static const Var variable("n");
  return variable;
}

const Var& KernelBuilder::lane_variable() {
  static const Var variable("l");
  return variable;
}

StoredVariables KernelBuilder::variables(ValueId value) const {
  const TensorType& shape = type(value);
  const Layout& memory_layout = layout(value);
  StoredVariables result;
  std::vector<Var> axes;
  for (size_t axis = 0; axis < shape.dims.size(); ++axis) axes.emplace_back("d" + std::to_string(axis));
  for (const Var& axis : axes) result.spot.at.push_back(Coordinate::whole(axis));
  result.spot.image = Coordinate::whole(shape.batched ? Expr(batch_variable()) : Expr(0));
  if (memory_layout.is_packed()) {
    const Var block("b"), tile("t");
    const Expr vector = Expr(tile) * static_cast<int32_t>(memory_layout.tile[1]) + block;
    const size_t outputs = outputs_axis(memory_layout);
    result.spot.at[outputs] = Coordinate::split(vector, lane_variable(), memory_layout.tile[0]);
    result.variables = {lane_variable(), block, axes[1 - outputs]};
    for (size_t axis = shape.dims.size(); axis-- > 2;) result.variables.push_back(axes[axis]);
    result.variables.push_back(tile);
    return result;
  }
  if (memory_layout.kind == LayoutKind::Lanes) {
    result.variables.push_back(lane_variable());
    result.spot.image = Coordinate::split(batch_variable(), lane_variable(), memory_layout.vector);
  }
  if (memory_layout.kind == LayoutKind::Blocked) {
    result.variables.push_back(lane_variable());
    result.spot.at[0] = Coordinate::split(axes[0], lane_variable(), memory_layout.vector);
  }
  for (size_t axis = shape.dims.size(); axis-- > 0;) result.variables.push_back(axes[axis]);
  if (shape.batched) result.variables.push_back(batch_variable());
  return result;
}

void KernelBuilder::fix_output(Halide::OutputImageParam buffer, ValueId value, bool bounds) const {
  const std::vector<StoredDim> dims = stored_dims(type(value), layout(value));
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    auto dim = buffer.dim(static_cast<int>(axis));
    if (bounds) {
      if (dims[axis].is_batch) {
        dim.set_min(0);
      } else {
        dim.set_bounds(0, static_cast<int32_t>(dims[axis].extent));
      }
    }
    dim.set_stride(static_cast<int32_t>(dims[axis].stride));
  }
  // The image starts behind a border of whole vectors.
  const int vector_bytes = static_cast<int>(layout(value).vector) * element_bytes(type(value).element);
  if (!dims.empty()) buffer.set_host_alignment(layout(value).border.empty() ? kAlignment : std::min(kAlignment, vector_bytes));
}

std::vector<Halide::Argument> KernelBuilder::arguments() const {
  std::vector<Halide::Argument> arguments = {batch_};
  for (ValueId value : kernel_.reads) arguments.push_back(reads_.at(value));
  return arguments;
}

}  // namespace cnnc
