// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Types of values. A type is an element type, whether the value is batched (one tensor for each image), and the dimensions
// of one image, outermost first ([channels, height, width] for a feature map). Text: f32[N, 6, 28, 28], f32[6], i32[].
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cnnc {

enum class ElementType : uint8_t { F32, F64, I32, U8 };

std::string_view element_name(ElementType element);             // "f32"
std::optional<ElementType> find_element(std::string_view name);
int element_bytes(ElementType element);

/// Extents, outermost first; each at least 1.
using Dims = std::vector<int64_t>;

std::string to_string(const Dims& dims);                        // "[6, 28, 28]"
/// The product of the extents (1 for a scalar). Dims in a graph are checked to multiply without overflow below 2^40.
int64_t element_count(const Dims& dims);

struct TensorType {
  ElementType element = ElementType::F32;
  bool batched = false;
  Dims dims;
  bool operator==(const TensorType&) const = default;
};

std::string to_string(const TensorType& type);                  // "f32[N, 6, 28, 28]"

/// What shape rules see in place of an optional operand that is absent. No value has this type.
TensorType absent_type();
bool is_absent(const TensorType& type);
/// A shape as messages for people show it: "6x28x28", "a single number".
std::string shape_text(const Dims& dims);

/// NumPy's rule on the dimensions of one image, aligned at the innermost one; empty when they do not fit.
std::optional<Dims> broadcast(const Dims& a, const Dims& b);

}  // namespace cnnc
