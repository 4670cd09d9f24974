// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Element types, dimensions and tensor types: sizes, text, broadcasting.
#include "ir/types.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "support/check.h"

namespace cnnc {
namespace {

struct ElementInfo {
  ElementType element;
  std::string_view name;
  int bytes;
};

constexpr std::array<ElementInfo, 4> kElements{{{ElementType::F32, "f32", 4},
                                                {ElementType::F64, "f64", 8},
                                                {ElementType::I32, "i32", 4},
                                                {ElementType::U8, "u8", 1}}};

const ElementInfo& info(ElementType element) {
  const auto found = std::find_if(kElements.begin(), kElements.end(), [&](const ElementInfo& e) { return e.element == element; });
  CNNC_CHECK(found != kElements.end(), "an element type that is not in the table");
  return *found;
}

}  // namespace

std::string_view element_name(ElementType element) { return info(element).name; }

std::optional<ElementType> find_element(std::string_view name) {
  for (const ElementInfo& element : kElements) {
    if (element.name == name) return element.element;
  }
  return std::nullopt;
}

int element_bytes(ElementType element) { return info(element).bytes; }

std::string to_string(const Dims& dims) { return fmt::format("[{}]", fmt::join(dims, ", ")); }

int64_t element_count(const Dims& dims) {
  int64_t count = 1;
  for (const int64_t extent : dims) count *= extent;
  return count;
}

std::string to_string(const TensorType& type) {
  const std::string_view batch = !type.batched ? "" : type.dims.empty() ? "N" : "N, ";
  return fmt::format("{}[{}{}]", element_name(type.element), batch, fmt::join(type.dims, ", "));
}

TensorType absent_type() { return {ElementType::F32, false, {0}}; }

bool is_absent(const TensorType& type) { return type == absent_type(); }

std::string shape_text(const Dims& dims) {
  return dims.empty() ? "a single number" : fmt::format("{}", fmt::join(dims, "x"));
}

std::optional<Dims> broadcast(const Dims& a, const Dims& b) {
  Dims result = a.size() >= b.size() ? a : b;
  const Dims& shorter = a.size() >= b.size() ? b : a;
  const size_t shift = result.size() - shorter.size();
  for (size_t i = 0; i < shorter.size(); ++i) {
    int64_t& extent = result[shift + i];
    if (extent == shorter[i] || shorter[i] == 1) continue;
    if (extent != 1) return std::nullopt;
    extent = shorter[i];
  }
  return result;
}

}  // namespace cnnc
