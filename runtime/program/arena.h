// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// All buffers of a run in one piece of memory, taken once at the start. Buffers are reserved first (size, and where to put the
// pointer), then allocated together: what a run needs is known before it begins. Tests: test/runtime/program.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace cnnc::runtime {

class Arena {
 public:
  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Reserves bytes, aligned to 64 and followed by kSlack spare bytes; `*place` gets the pointer in `allocate`.
  void reserve(void** place, uint64_t bytes);
  /// What all reserved buffers take together; saturates at 2^63.
  uint64_t bytes() const { return bytes_; }
  /// Takes the memory (zeroed) and sets all pointers. False where the system does not give it.
  bool allocate();

  static constexpr uint64_t kAlignment = 64;
  /// Vector code may read a little beyond the end.
  static constexpr uint64_t kSlack = 64;

 private:
  struct Request {
    void** place;
    uint64_t offset;
  };
  std::vector<Request> requests_;
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
