// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The memory of one kernel: what it reads, filled with numbers; what it writes, filled with NaN; and comparison of results within the
// bound of docs/promises.md. Tests: test/tune/machine.cpp
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "schedule/plan.h"

namespace cnnc {

/// Bytes at a page's start with a margin on both sides that nobody may write.
class GuardedBytes {
 public:
  explicit GuardedBytes(int64_t bytes);
  uint8_t* data() const { return memory_.get() + kMargin; }
  size_t size() const { return size_; }
  bool margins_are_whole() const;

 private:
  static constexpr size_t kMargin = 4096;
  struct Free {
    void operator()(uint8_t* memory) const;
  };
  size_t size_, all_;
  std::unique_ptr<uint8_t, Free> memory_;
};

/// Pseudo-random floats in [-1, 1], integers 0 and 1; the same for the same seed.
void fill_with_numbers(uint8_t* memory, ElementType element, int64_t count, uint64_t seed);

class KernelMemory {
 public:
  /// `plan` and `kernel` outlive it.
  KernelMemory(const FunctionPlan& plan, const Kernel& kernel, int64_t batch);

  /// Numbers in what is read (`absolute`: their absolute values), NaN in what is written.
  void reset(bool absolute);
  /// What KernelEntry takes.
  void* const* values() const { return values_.data(); }
  int64_t batch() const { return batch_; }

  /// The results as doubles, one list a value; lanes and channels that hold nothing left out.
  std::vector<std::vector<double>> results() const;
  bool is_floating(size_t result) const;
  bool margins_are_whole() const;

 private:
  const FunctionPlan& plan_;
  const Kernel& kernel_;
  int64_t batch_;
  std::vector<ValueId> ids_;
  std::vector<GuardedBytes> memory_;
  std::vector<void*> values_;
};

/// Why `found` is not what `right` is, up to rounding; empty: it is. `magnitude` are the results on absolute values.
std::string compare_results(const std::vector<std::vector<double>>& right, const std::vector<std::vector<double>>& found,
                            const std::vector<std::vector<double>>& magnitude, const KernelMemory& memory, double bound);

}  // namespace cnnc
