// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// All buffers of a run in one piece of memory, taken once at the start. Buffers are reserved first (size, and where to put the
// pointer), then allocated together: what a run needs is known before it begins. Tests: test/runtime/program.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/abi/program.h"

namespace cnnc::runtime {

/// What memory is for, in the order in which `info` lists it (as `cnnc summary` does).
enum class MemoryUse : uint8_t {
  Weights,     // weights and running statistics
  Prepared,    // what kernels of inference read in their place
  Training,    // gradients, optimizer state, next statistics
  Columns,     // inputs, labels, outputs, losses, metrics, scalars
  Workspace,   // values between kernels
};
inline constexpr size_t kMemoryUses = 5;

class Arena {
 public:
  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Reserves bytes, aligned and followed by spare bytes as program.h says; `*place` gets the pointer in `allocate`.
  void reserve(MemoryUse use, void** place, uint64_t bytes);
  /// What all reserved buffers take together; saturates at 2^63.
  uint64_t bytes() const { return bytes_; }
  /// What was asked for by `reserve` for this use; the rest of `bytes` is alignment and spare bytes.
  uint64_t bytes(MemoryUse use) const { return by_use_[static_cast<size_t>(use)]; }
  /// Takes the memory (zeroed) and sets all pointers. False where the system does not give it.
  bool allocate();

 private:
  struct Request {
    void** place;
    uint64_t offset;
  };
  std::vector<Request> requests_;
  std::array<uint64_t, kMemoryUses> by_use_{};
  uint64_t bytes_ = 0;
  void* memory_ = nullptr;
};

/// left * right + more, saturating at 2^63.
uint64_t saturating_size(uint64_t left, uint64_t right, uint64_t more = 0);

/// Memory that the system can still give, by /proc/meminfo, the control group and the limit on address space.
uint64_t available_memory();

/// "12.3 MB".
std::string memory_text(uint64_t bytes);

}  // namespace cnnc::runtime
