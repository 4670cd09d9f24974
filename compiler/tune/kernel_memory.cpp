// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Walks over the elements of values in their layouts.
#include "tune/kernel_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "support/check.h"

namespace cnnc {
namespace {

constexpr uint8_t kMark = 0xa5;

/// Images, or groups of images, of a value.
int64_t batch_extent(const Layout& layout, int64_t batch) {
  return layout.kind == LayoutKind::Lanes ? (batch + layout.vector - 1) / layout.vector : batch;
}

int64_t bytes_of(const TensorType& type, const Layout& layout, int64_t batch) {
  return step_bytes(type, layout) * (type.batched ? batch_extent(layout, batch) : 1);
}

/// Calls `visit` with the place, in elements, of each element that means something.
template <class Visit>
void for_each_element(const TensorType& type, const Layout& layout, int64_t batch, Visit visit) {
  const std::vector<StoredDim> dims = stored_dims(type, layout);
  std::vector<int64_t> extents, at(dims.size(), 0);
  for (const StoredDim& dim : dims) extents.push_back(dim.is_batch ? batch_extent(layout, batch) : dim.extent);
  const size_t channel_blocks = type.dims.size();   // behind the lanes: axes in reverse
  while (true) {
    bool means_something = true;
    if (layout.kind == LayoutKind::Lanes && type.batched) means_something = at.back() * layout.vector + at[0] < batch;
    if (layout.kind == LayoutKind::Blocked) means_something = at[channel_blocks] * layout.vector + at[0] < type.dims[0];
    if (means_something) {
      int64_t place = 0;
      for (size_t i = 0; i < dims.size(); ++i) place += (at[i] + dims[i].before) * dims[i].stride;
      visit(place);
    }
    size_t axis = 0;
    while (axis < dims.size() && ++at[axis] == extents[axis]) at[axis++] = 0;
    if (axis == dims.size()) return;
  }
}

double element_at(const uint8_t* memory, ElementType element, int64_t place) {
  const auto get = [&](auto typed) {
    std::memcpy(&typed, memory + static_cast<size_t>(place) * sizeof typed, sizeof typed);
    return static_cast<double>(typed);
  };
  switch (element) {
    case ElementType::F32: return get(float{});
    case ElementType::F64: return get(double{});
    case ElementType::I32: return get(int32_t{});
    case ElementType::U8: return get(uint8_t{});
  }
  return 0;
}

template <class Typed>
void set(uint8_t* memory, int64_t place, Typed value) {
  std::memcpy(memory + static_cast<size_t>(place) * sizeof value, &value, sizeof value);
}

/// Numbers where elements are, zeros in borders.
void fill_value(uint8_t* memory, const TensorType& type, const Layout& layout, int64_t batch, uint64_t seed, bool absolute) {
  std::memset(memory, 0, static_cast<size_t>(bytes_of(type, layout, batch)));
  const bool is_packed = layout.is_packed();
  const int64_t count = bytes_of(type, layout, batch) / element_bytes(type.element);
  std::vector<uint8_t> numbers(static_cast<size_t>(count * element_bytes(type.element)));
  fill_with_numbers(numbers.data(), type.element, count, seed);
  int64_t next = 0;
  const auto put = [&](int64_t place) {
    const double number = element_at(numbers.data(), type.element, next++);
    const double value = absolute ? std::abs(number) : number;
    switch (type.element) {
      case ElementType::F32: set(memory, place, static_cast<float>(value)); break;
      case ElementType::F64: set(memory, place, value); break;
      case ElementType::I32: set(memory, place, static_cast<int32_t>(value)); break;
      case ElementType::U8: set(memory, place, static_cast<uint8_t>(value)); break;
    }
  };
  if (is_packed) {
    for (int64_t place = 0; place < count; ++place) put(place);
  } else {
    for_each_element(type, layout, batch, put);
  }
}

}  // namespace

void GuardedBytes::Free::operator()(uint8_t* memory) const { std::free(memory); }

GuardedBytes::GuardedBytes(int64_t bytes) : size_(static_cast<size_t>(bytes)), all_(kMargin + (size_ + kMargin - 1) / kMargin * kMargin + kMargin) {
  memory_.reset(static_cast<uint8_t*>(std::aligned_alloc(kMargin, all_)));
  CNNC_CHECK(memory_ != nullptr, "not enough memory to measure a kernel");
  std::memset(memory_.get(), kMark, all_);
}

bool GuardedBytes::margins_are_whole() const {
  const auto is_mark = [](uint8_t byte) { return byte == kMark; };
  return std::all_of(memory_.get(), memory_.get() + kMargin, is_mark) && std::all_of(memory_.get() + kMargin + size_, memory_.get() + all_, is_mark);
}

void fill_with_numbers(uint8_t* memory, ElementType element, int64_t count, uint64_t seed) {
  uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const double number = static_cast<double>(state >> 33) / static_cast<double>(uint64_t{1} << 30) - 1;
    switch (element) {
      case ElementType::F32: set(memory, i, static_cast<float>(number)); break;
      case ElementType::F64: set(memory, i, number); break;
      case ElementType::I32: set(memory, i, static_cast<int32_t>(number > 0)); break;
      case ElementType::U8: set(memory, i, static_cast<uint8_t>(number > 0)); break;
    }
  }
}

KernelMemory::KernelMemory(const FunctionPlan& plan, const Kernel& kernel, int64_t batch) : plan_(plan), kernel_(kernel), batch_(batch), ids_(kernel.reads) {
  ids_.insert(ids_.end(), kernel.writes.begin(), kernel.writes.end());
  for (const ValueId id : ids_) {
    memory_.emplace_back(bytes_of(plan.function->graph.type(id), plan.layouts.at(static_cast<size_t>(id.index)), batch));
    values_.push_back(memory_.back().data());
  }
}

void KernelMemory::reset(bool absolute) {
  for (size_t i = 0; i < ids_.size(); ++i) {
    const TensorType& type = plan_.function->graph.type(ids_[i]);
    if (i < kernel_.reads.size()) {
      fill_value(memory_[i].data(), type, plan_.layouts.at(static_cast<size_t>(ids_[i].index)), batch_, i + 1, absolute);
    } else {
      std::memset(memory_[i].data(), 0xff, memory_[i].size());   // NaN
    }
  }
}

std::vector<std::vector<double>> KernelMemory::results() const {
  std::vector<std::vector<double>> lists;
  for (size_t i = kernel_.reads.size(); i < ids_.size(); ++i) {
    const TensorType& type = plan_.function->graph.type(ids_[i]);
    std::vector<double>& list = lists.emplace_back();
    for_each_element(type, plan_.layouts.at(static_cast<size_t>(ids_[i].index)), batch_,
                     [&](int64_t place) { list.push_back(element_at(memory_[i].data(), type.element, place)); });
  }
  return lists;
}

bool KernelMemory::is_floating(size_t result) const {
  const ElementType element = plan_.function->graph.type(kernel_.writes.at(result)).element;
  return element == ElementType::F32 || element == ElementType::F64;
}

bool KernelMemory::margins_are_whole() const {
  return std::all_of(memory_.begin(), memory_.end(), [](const GuardedBytes& bytes) { return bytes.margins_are_whole(); });
}

std::string compare_results(const std::vector<std::vector<double>>& right, const std::vector<std::vector<double>>& found,
                            const std::vector<std::vector<double>>& magnitude, const KernelMemory& memory, double bound) {
  if (!memory.margins_are_whole()) return "writes outside of its results";
  for (size_t value = 0; value < right.size(); ++value) {
    double scale = 1;
    for (const auto* list : {&right[value], &magnitude[value]})
      for (const double number : *list)
        if (std::isfinite(number)) scale = std::max(scale, std::abs(number));
    size_t others = 0;
    for (size_t i = 0; i < right[value].size(); ++i) {
      const double a = right[value][i], b = found[value][i];
      if (a == b || (std::isnan(a) && std::isnan(b))) continue;
      ++others;
      if (memory.is_floating(value) && !(std::abs(a - b) <= bound * scale)) return fmt::format("computes something else: {} instead of {}", b, a);
    }
    // Which of two numbers that are equal up to rounding is the largest, say, may differ.
    constexpr size_t kFew = 1000;
    if (!memory.is_floating(value) && others > right[value].size() / kFew) return fmt::format("computes something else in {} of {} places", others, right[value].size());
  }
  return {};
}

}  // namespace cnnc
