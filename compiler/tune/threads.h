// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Threads for kernels that are measured, and the core that one of them is measured on.
#pragma once
#include <atomic>
#include <thread>
#include <vector>

#include "runtime/abi/program.h"

namespace cnnc {

/// Binds this process to the last core that it may use, where the least else runs.
void pin_to_a_core();

/// A context for kernels: serial for one thread, else with so many threads that wait awake between parallel loops.
class MeasuringThreads {
 public:
  explicit MeasuringThreads(int count);
  ~MeasuringThreads();
  MeasuringThreads(const MeasuringThreads&) = delete;
  MeasuringThreads& operator=(const MeasuringThreads&) = delete;

  const cnn_context* context() const { return threads_.empty() ? nullptr : &context_; }

 private:
  using Task = int32_t (*)(void*, int32_t, uint8_t*);
  static int32_t run(void* pool, Task task, void* user, int32_t begin, int32_t count, uint8_t* closure);
  void work();
  void take_tasks();

  cnn_context context_ = {};
  std::vector<std::thread> threads_;
  std::atomic<uint64_t> loop_{0};          // grows with each parallel loop
  std::atomic<int32_t> next_{0}, busy_{0}, status_{0};
  std::atomic<bool> ends_{false};
  Task task_ = nullptr;
  void* user_ = nullptr;
  uint8_t* closure_ = nullptr;
  int32_t end_ = 0;
};

}  // namespace cnnc
