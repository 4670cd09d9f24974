// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A pool without locks. A thread draws a ticket (generation and task number) of a share by compare-and-swap; a job is done when
// all its tasks are, whoever ran them, so a thread that sleeps never delays one.
#include "runtime/program/thread_pool.h"

#include <immintrin.h>
#include <sched.h>

#include <new>
#include <system_error>

namespace cnnc::runtime {
namespace {

// About 20 to 50 microseconds: the gap between two kernels.
constexpr int kSpins = 1000;
// How often a thread gives way to others before it sleeps: it stays awake for about a millisecond, through kernels of one task and
// from one step to the next. To wake it later costs 20 to 50 microseconds.
constexpr int kYields = 2500;
constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;
// Kernels of more tasks than this do not exist: one task is at least one row of an image.
constexpr int kTicketBits = 32;
constexpr uint64_t kClosed = 0xFFFFFFFFu;

thread_local bool inside_task = false;

}  // namespace

FlushToZero::FlushToZero() : before_(_mm_getcsr()) { _mm_setcsr(before_ | kFlushToZero | kDenormalsAreZero); }
FlushToZero::~FlushToZero() { _mm_setcsr(before_); }

ThreadPool::ThreadPool(int threads) : shares_(static_cast<size_t>(threads)) {
  workers_.reserve(static_cast<size_t>(threads));
  try {
    for (size_t i = 1; i < shares_.size(); ++i) workers_.emplace_back([this, i] { work(i); });
  } catch (const std::system_error&) {
    // Fewer threads give the same results, only later.
  } catch (const std::bad_alloc&) {
    // The same. The threads that are there must not outlive the pool, so nothing may come out of here.
  }
}

ThreadPool::~ThreadPool() {
  leave_ = true;
  generation_.fetch_add(1);
  generation_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

int32_t ThreadPool::run(Task task, void* user, int32_t begin, int32_t count, uint8_t* closure) {
  if (workers_.empty() || count <= 1 || inside_task) {
    int32_t result = 0;
    for (int32_t i = begin; i < begin + count && result == 0; ++i) result = task(user, i, closure);
    return result;
  }
  // Close the shares first: a thread that still holds the last ticket of the job before cannot draw while the job changes.
  const uint32_t generation = static_cast<uint32_t>(shares_[0].ticket.load(std::memory_order_relaxed) >> kTicketBits) + 1;
  const uint64_t opened = static_cast<uint64_t>(generation) << kTicketBits;
  for (Share& share : shares_) share.ticket.store(opened | kClosed, std::memory_order_relaxed);
  task_.store(task, std::memory_order_release);
  user_.store(user, std::memory_order_release);
  closure_.store(closure, std::memory_order_release);
  begin_.store(begin, std::memory_order_release);
  count_.store(static_cast<uint32_t>(count), std::memory_order_release);
  result_.store(0, std::memory_order_release);
  done_.store(0, std::memory_order_release);
  for (size_t i = 0; i < shares_.size(); ++i) shares_[i].ticket.store(opened | first_of_share(i, static_cast<uint32_t>(count)), std::memory_order_release);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();

  take_tasks(generation, 0);
  for (int spin = 0; done_.load(std::memory_order_acquire) < static_cast<uint32_t>(count); ++spin) {
    if (spin < kSpins) _mm_pause();
    else sched_yield();
  }
  return result_.load(std::memory_order_relaxed);
}

/// Runs tasks of this generation until none is left: first those of the thread's own share.
void ThreadPool::take_tasks(uint32_t generation, size_t thread) {
  for (size_t i = 0; i < shares_.size(); ++i)
    while (take_task(generation, (thread + i) % shares_.size())) {
    }
}

/// Draws a task and runs it; false where the share has none.
bool ThreadPool::take_task(uint32_t generation, size_t share) {
  std::atomic<uint64_t>& next = shares_[share].ticket;
  uint64_t ticket = next.load(std::memory_order_acquire);
  while (static_cast<uint32_t>(ticket >> kTicketBits) == generation) {
    // Read before the ticket is drawn: when the draw succeeds, the job was this generation's all the while.
    const Task task = task_.load(std::memory_order_acquire);
    void* user = user_.load(std::memory_order_acquire);
    uint8_t* closure = closure_.load(std::memory_order_acquire);
    const int32_t begin = begin_.load(std::memory_order_acquire);
    const uint64_t end = first_of_share(share + 1, count_.load(std::memory_order_acquire));
    const uint32_t index = static_cast<uint32_t>(ticket);
    if (index == kClosed || index >= end) return false;
    if (!next.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
    inside_task = true;
    const int32_t result = task(user, begin + static_cast<int32_t>(index), closure);
    inside_task = false;
    if (result != 0) {
      int32_t none = 0;
      result_.compare_exchange_strong(none, result);
    }
    done_.fetch_add(1, std::memory_order_acq_rel);
    return true;
  }
  return false;
}

/// Returns when the generation is another one, or after a while.
void ThreadPool::stay_awake(int32_t seen) const {
  const auto is_new = [&] { return generation_.load(std::memory_order_acquire) != seen; };
  for (int spin = 0; spin < kSpins; ++spin, _mm_pause())
    if (is_new()) return;
  for (int i = 0; i < kYields && !is_new(); ++i) sched_yield();
}

void ThreadPool::work(size_t thread) {
  FlushToZero flush;
  int32_t seen = 0;
  while (true) {
    stay_awake(seen);
    generation_.wait(seen, std::memory_order_acquire);
    seen = generation_.load(std::memory_order_acquire);
    if (leave_) return;
    take_tasks(static_cast<uint32_t>(shares_[thread].ticket.load(std::memory_order_acquire) >> kTicketBits), thread);
  }
}

int32_t ThreadPool::parallel_for(void* pool, Task task, void* user, int32_t begin, int32_t count, uint8_t* closure) {
  return static_cast<ThreadPool*>(pool)->run(task, user, begin, count, closure);
}

int default_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  const int count = CPU_COUNT(&set);
  return count < 1 ? 1 : count;
}

}  // namespace cnnc::runtime
