// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A parallel loop: its tasks are taken from a counter by the caller and by threads that spin; it ends when no thread is inside.
#include "tune/threads.h"

#include <sched.h>

namespace cnnc {

void pin_to_a_core() {
  cpu_set_t allowed, one;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0; --cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);   // without it the numbers are only less steady
    return;
  }
}

MeasuringThreads::MeasuringThreads(int count) {
  context_.parallel_for = run;
  context_.pool = this;
  context_.threads = count;
  for (int i = 1; i < count; ++i) threads_.emplace_back([this] { work(); });
}

MeasuringThreads::~MeasuringThreads() {
  ends_ = true;
  for (std::thread& thread : threads_) thread.join();
}

void MeasuringThreads::take_tasks() {
  for (int32_t i; (i = next_.fetch_add(1)) < end_;)
    if (const int32_t status = task_(user_, i, closure_)) status_ = status;
}

void MeasuringThreads::work() {
  uint64_t seen = 0;
  while (!ends_) {
    const uint64_t loop = loop_.load(std::memory_order_acquire);
    if (loop == seen) {
      __builtin_ia32_pause();
      continue;
    }
    seen = loop;
    take_tasks();
    --busy_;
  }
}

int32_t MeasuringThreads::run(void* pool, Task task, void* user, int32_t begin, int32_t count, uint8_t* closure) {
  auto& self = *static_cast<MeasuringThreads*>(pool);
  self.task_ = task, self.user_ = user, self.closure_ = closure, self.end_ = begin + count;
  self.next_ = begin, self.status_ = 0;
  self.busy_ = static_cast<int32_t>(self.threads_.size());
  self.loop_.fetch_add(1, std::memory_order_release);
  self.take_tasks();
  while (self.busy_.load(std::memory_order_acquire) > 0) __builtin_ia32_pause();
  return self.status_;
}

}  // namespace cnnc
