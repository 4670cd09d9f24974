// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One mapping for all buffers; checked sizes.
#include "runtime/program/arena.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "runtime/program/system_file.h"

namespace cnnc::runtime {
namespace {

constexpr uint64_t kLargest = uint64_t{1} << 63;
// Left to the C library: buffers of files, small vectors.
constexpr uint64_t kReserve = uint64_t{1} << 20;

uint64_t saturating_add(uint64_t left, uint64_t right) {
  uint64_t sum = 0;
  if (__builtin_add_overflow(left, right, &sum)) return kLargest;
  return std::min(sum, kLargest);
}

/// A number at the begin of a text; kLargest where there is none ("max").
uint64_t number_of(const std::string& text) {
  char* end = nullptr;
  const uint64_t number = std::strtoull(text.c_str(), &end, 10);
  return end == text.c_str() ? kLargest : number;
}

/// The number after `key` in a file of /proc, in bytes.
uint64_t memory_information(const char* path, const std::string& key) {
  const uint64_t kilobytes = number_of(line_after(read_system_file(path), key));
  return kilobytes == kLargest ? kLargest : kilobytes * 1024;
}

uint64_t number_in(const char* path) { return number_of(read_system_file(path)); }

}  // namespace

uint64_t saturating_size(uint64_t left, uint64_t right, uint64_t more) {
  uint64_t product = 0;
  if (__builtin_mul_overflow(left, right, &product)) return kLargest;
  return saturating_add(product, more);
}

Arena::~Arena() {
  if (memory_) munmap(memory_, bytes_);
}

void Arena::reserve(MemoryUse use, void** place, uint64_t bytes) {
  requests_.push_back({place, bytes_});
  uint64_t& used = by_use_[static_cast<size_t>(use)];
  used = saturating_add(used, bytes);
  const uint64_t padded = saturating_add(bytes, CNN_SPARE + CNN_ALIGNMENT - 1) / CNN_ALIGNMENT * CNN_ALIGNMENT;
  bytes_ = saturating_add(bytes_, padded);
}

bool Arena::allocate() {
  if (bytes_ == 0) return true;
  if (bytes_ >= kLargest || bytes_ > available_memory()) return false;
  void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  memory_ = memory;
  // Kernels walk through feature maps channel by channel, a page or more apart: with small pages many of the steps wait for an
  // address. A hint: what the system makes of it changes no result. Small networks start sooner without.
  constexpr uint64_t kLarge = uint64_t{4} << 20;
  if (bytes_ >= kLarge) madvise(memory, bytes_, MADV_HUGEPAGE);
  for (const Request& request : requests_) *request.place = static_cast<char*>(memory) + request.offset;
  return true;
}

uint64_t available_memory() {
  uint64_t available = memory_information("/proc/meminfo", "MemAvailable:");
  const uint64_t group_limit = number_in("/sys/fs/cgroup/memory.max"), group_used = number_in("/sys/fs/cgroup/memory.current");
  if (group_limit < kLargest && group_used < group_limit) available = std::min(available, group_limit - group_used);
  rlimit address_space = {};
  if (getrlimit(RLIMIT_AS, &address_space) == 0 && address_space.rlim_cur != RLIM_INFINITY) {
    const uint64_t taken = saturating_add(memory_information("/proc/self/status", "VmSize:"), kReserve);
    available = std::min<uint64_t>(available, address_space.rlim_cur > taken ? address_space.rlim_cur - taken : 0);
  }
  return available;
}

std::string memory_text(uint64_t bytes) {
  constexpr double kMegabyte = 1e6;
  char text[64];
  const double megabytes = static_cast<double>(bytes) / kMegabyte;
  if (megabytes >= 1000) std::snprintf(text, sizeof text, "%.1f GB", megabytes / 1000);
  else std::snprintf(text, sizeof text, "%.1f MB", megabytes);
  return text;
}

}  // namespace cnnc::runtime
