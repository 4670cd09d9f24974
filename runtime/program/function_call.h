// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A compiled function with its buffers, ready to be called: sizes from the descriptor, columns from the arena.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/abi/program.h"
#include "runtime/program/arena.h"

namespace cnnc::runtime {

/// Bytes of one element: 4, 8, 4, 1.
uint64_t element_bytes(int32_t element);
/// `count` rounded up to a multiple of `group`.
int64_t round_up(int64_t count, int64_t group);
/// Bytes of workspace for a batch.
uint64_t workspace_bytes(const cnn_function& function, int64_t batch);
/// "16x10x10"; "1" for a single number.
std::string shape_text(std::span<const int64_t> dims);
std::string shape_text(const cnn_column& column);
inline std::span<const int64_t> dims_of(const cnn_column& column) { return {column.dims, static_cast<size_t>(column.rank)}; }

/// Calls body(T{}) with T = float or double, the element of the program.
template <typename Body>
decltype(auto) with_float(int32_t element, const Body& body) {
  if (element == CNN_F64) return body(double{});
  return body(float{});
}

class FunctionCall {
 public:
  explicit FunctionCall(const cnn_function& function);

  /// Reserves columns (all but those of role CNN_PARAMETERS) and scalars for batches up to `batch`.
  void reserve(Arena& arena, int64_t batch);
  /// Bytes that `reserve` will ask for, without padding.
  static uint64_t column_bytes(const cnn_function& function, const cnn_column& column, int64_t batch);

  void set_buffer(cnn_buffer place, void* buffer) { buffers_[place] = buffer; }
  void set_column(int32_t column, void* buffer) { buffers_[static_cast<size_t>(CNN_COLUMNS + column)] = buffer; }
  void* column(int32_t column) const { return buffers_[static_cast<size_t>(CNN_COLUMNS + column)]; }
  /// The index of the column of that role and name (any name where it is empty), or -1.
  int32_t find_column(cnn_role role, std::string_view name = {}) const;
  std::span<const cnn_column> columns() const { return {function_->columns, static_cast<size_t>(function_->column_count)}; }
  /// Sets a scalar; false where the function has none of that name.
  bool set_scalar(std::string_view name, double value);
  const cnn_function& function() const { return *function_; }

  int32_t call(int64_t batch, void* workspace, const cnn_context& context) const {
    return function_->call(buffers_.data(), batch, workspace, &context);
  }

  /// Value i of a float column, as a double.
  double value(int32_t column, int64_t i) const;

 private:
  const cnn_function* function_;
  std::vector<void*> buffers_;
};

}  // namespace cnnc::runtime
