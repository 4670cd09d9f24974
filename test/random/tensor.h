// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Plain arrays of the tests' own evaluator: row-major, one image after the other if batched.
#pragma once
#include <vector>

#include "ir/types.h"
#include "test/random/bounded.h"

namespace cnnc::random_programs {

struct Tensor {
  TensorType type;
  std::vector<Bounded> at;

  int64_t count() const { return element_count(type.dims); }
  /// The place of element `flat` of an image; a value that is not batched is the same for all images.
  size_t place(int64_t image, int64_t flat) const { return static_cast<size_t>(type.batched ? image * count() + flat : flat); }
};

/// A tensor of zeros for a batch of `images`.
inline Tensor zeros(const TensorType& type, int64_t images) {
  Tensor tensor{type, {}};
  tensor.at.resize(static_cast<size_t>(tensor.count() * (type.batched ? images : 1)));
  return tensor;
}

/// By element of `to`, which element of `from` broadcasts to it (NumPy's rule, aligned at the innermost dimension).
std::vector<int64_t> broadcast_places(const Dims& from, const Dims& to);

}  // namespace cnnc::random_programs
