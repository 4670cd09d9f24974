// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pool: every task once, results of tasks, tasks inside tasks, many short jobs.
#include "runtime/program/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace cnnc::runtime {
namespace {

TEST(ThreadPool, RunsEveryTaskOnceInManyShortJobs) {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    std::vector<std::atomic<int>> runs(64);
    for (int job = 0; job < 3000; ++job) {
      const int64_t count = 1 + job % 64;
      pool.for_each(count, [&](int64_t i) { runs[static_cast<size_t>(i)].fetch_add(1, std::memory_order_relaxed); });
    }
    int64_t all = 0;
    for (const auto& run : runs) all += run;
    int64_t wanted = 0;
    for (int job = 0; job < 3000; ++job) wanted += 1 + job % 64;
    EXPECT_EQ(all, wanted);
    EXPECT_EQ(runs[63], 46);
  }
}

TEST(ThreadPool, TasksInsideTasksRunToo) {
  ThreadPool pool(3);
  std::atomic<int> runs = 0;
  pool.for_each(8, [&](int64_t) { pool.for_each(10, [&](int64_t) { ++runs; }); });
  EXPECT_EQ(runs, 80);
}

TEST(ThreadPool, ReturnsTheResultOfATaskThatIsNotZero) {
  ThreadPool pool(2);
  const auto task = [](void* user, int32_t i, uint8_t*) -> int32_t { return i == *static_cast<int*>(user) ? 7 : 0; };
  int bad = 12, none = -1;
  EXPECT_EQ(ThreadPool::parallel_for(&pool, task, &bad, 10, 20, nullptr), 7);
  EXPECT_EQ(ThreadPool::parallel_for(&pool, task, &none, 10, 20, nullptr), 0);
  EXPECT_EQ(ThreadPool::parallel_for(&pool, task, &none, 10, 0, nullptr), 0);
}

}  // namespace
}  // namespace cnnc::runtime
