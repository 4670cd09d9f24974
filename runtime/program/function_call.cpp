// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sizes and buffers of compiled functions.
#include "runtime/program/function_call.h"

namespace cnnc::runtime {

uint64_t element_bytes(int32_t element) {
  switch (element) {
    case CNN_F64: return 8;
    case CNN_U8: return 1;
    default: return 4;
  }
}

int64_t round_up(int64_t count, int64_t group) { return (count + group - 1) / group * group; }

uint64_t workspace_bytes(const cnn_function& function, int64_t batch) {
  const int64_t groups = round_up(batch, function.group) / function.group;
  return saturating_size(static_cast<uint64_t>(function.workspace_per_group), static_cast<uint64_t>(groups),
                         static_cast<uint64_t>(function.workspace_fixed));
}

std::string shape_text(std::span<const int64_t> dims) {
  if (dims.empty()) return "1";
  std::string out;
  for (int64_t extent : dims) out += (out.empty() ? "" : "x") + std::to_string(extent);
  return out;
}

std::string shape_text(const cnn_column& column) { return shape_text({column.dims, static_cast<size_t>(column.rank)}); }

FunctionCall::FunctionCall(const cnn_function& function)
    : function_(&function), buffers_(static_cast<size_t>(CNN_COLUMNS + function.column_count), nullptr) {}

uint64_t FunctionCall::column_bytes(const cnn_function& function, const cnn_column& column, int64_t batch) {
  const uint64_t one = saturating_size(static_cast<uint64_t>(column.elements), element_bytes(column.element));
  return saturating_size(one, static_cast<uint64_t>(round_up(batch, function.group)));
}

void FunctionCall::reserve(Arena& arena, int64_t batch) {
  for (int32_t i = 0; i < function_->column_count; ++i)
    if (function_->columns[i].role != CNN_PARAMETERS)
      arena.reserve(MemoryUse::Columns, &buffers_[static_cast<size_t>(CNN_COLUMNS + i)], column_bytes(*function_, function_->columns[i], batch));
  constexpr uint64_t kScalarCell = 8;
  if (function_->scalar_count > 0) arena.reserve(MemoryUse::Columns, &buffers_[CNN_SCALARS], kScalarCell * static_cast<uint64_t>(function_->scalar_count));
}

int32_t FunctionCall::find_column(cnn_role role, std::string_view name) const {
  for (int32_t i = 0; i < function_->column_count; ++i)
    if (function_->columns[i].role == role && (name.empty() || function_->columns[i].name == name)) return i;
  return -1;
}

bool FunctionCall::set_scalar(std::string_view name, double value) {
  for (int32_t i = 0; i < function_->scalar_count; ++i) {
    if (function_->scalars[i].name != name) continue;
    char* cell = static_cast<char*>(buffers_[CNN_SCALARS]) + 8 * i;
    switch (function_->scalars[i].element) {
      case CNN_F64: *reinterpret_cast<double*>(cell) = value; break;
      // Integers wrap: a seed is 32 bits of whatever number was given.
      case CNN_I32: *reinterpret_cast<uint32_t*>(cell) = static_cast<uint32_t>(static_cast<int64_t>(value)); break;
      default: *reinterpret_cast<float*>(cell) = static_cast<float>(value); break;
    }
    return true;
  }
  return false;
}

double FunctionCall::value(int32_t column, int64_t i) const {
  const void* data = this->column(column);
  return function_->columns[column].element == CNN_F64 ? static_cast<const double*>(data)[i] : static_cast<const float*>(data)[i];
}

}  // namespace cnnc::runtime
