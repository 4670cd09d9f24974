// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The threads of a program: cnn_context.parallel_for. Of each loop a thread takes the same share of the tasks first, so that what it
// wrote in the loop before lies in its own cache, then what is left of the others'. Threads stay awake for a millisecond after a
// task, then sleep. A task inside a task runs serially. Which thread runs a task never changes a result: tasks of kernels write disjoint memory.
// Tests: test/runtime/program.
#pragma once
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "runtime/abi/program.h"

namespace cnnc::runtime {

/// Sets flush-to-zero and denormals-are-zero of this thread while it lives: tiny numbers are slow and mean nothing here.
class FlushToZero {
 public:
  FlushToZero();
  ~FlushToZero();
  FlushToZero(const FlushToZero&) = delete;
  FlushToZero& operator=(const FlushToZero&) = delete;

 private:
  unsigned before_;
};

class ThreadPool {
 public:
  /// `threads` counts the calling thread. Where the system gives fewer, these do: see threads().
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  using Task = int32_t (*)(void* user, int32_t i, uint8_t* closure);

  /// As cnn_context.parallel_for says. Called by the thread that made the pool, or from inside a task.
  int32_t run(Task task, void* user, int32_t begin, int32_t count, uint8_t* closure);

  /// Runs body(i) for i in [0, count).
  template <typename Body>
  void for_each(int64_t count, const Body& body) {
    const auto task = [](void*, int32_t i, uint8_t* closure) -> int32_t {
      (*reinterpret_cast<const Body*>(closure))(i);
      return 0;
    };
    run(task, nullptr, 0, static_cast<int32_t>(count), reinterpret_cast<uint8_t*>(const_cast<Body*>(&body)));
  }

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// For cnn_context.
  static int32_t parallel_for(void* pool, Task task, void* user, int32_t begin, int32_t count, uint8_t* closure);

 private:
  /// The tasks that a thread takes first.
  struct alignas(64) Share {
    std::atomic<uint64_t> ticket{0};               // generation << 32 | next task
  };

  void work(size_t thread);
  void stay_awake(int32_t seen) const;
  void take_tasks(uint32_t generation, size_t thread);
  bool take_task(uint32_t generation, size_t share);
  /// The first task of a share of so many ones.
  uint64_t first_of_share(size_t share, uint32_t count) const { return count * static_cast<uint64_t>(share) / shares_.size(); }

  // A job. Written by the owner only between jobs, when no ticket of the job before can be drawn any more.
  std::atomic<Task> task_{nullptr};
  std::atomic<void*> user_{nullptr};
  std::atomic<uint8_t*> closure_{nullptr};
  std::atomic<int32_t> begin_{0};
  std::atomic<uint32_t> count_{0};
  std::atomic<int32_t> result_{0};
  std::vector<Share> shares_;                      // by thread, 0 is the owner
  alignas(64) std::atomic<uint32_t> done_{0};
  alignas(64) std::atomic<int32_t> generation_{0};  // what workers sleep on
  std::atomic<bool> leave_{false};
  std::vector<std::thread> workers_;
};

/// Threads to use when nothing is said: the processors this process may run on.
int default_threads();

}  // namespace cnnc::runtime
