/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 * Uses maps.o, which takes a batch through a chain of kernels in parts: serially, in parallel, with more tasks at a time than the
 * context tells, kernel by kernel, and stopped in the middle. */
#define _POSIX_C_SOURCE 200112L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maps.h"

enum { kImages = 61, kElements = 3 * 32 * 32, kOutputs = 5, kMostTasks = 256 };

typedef int32_t (*task_function)(void*, int32_t, uint8_t*);
typedef struct task {
  task_function run;
  void* user;
  int32_t index, result;
  uint8_t* closure;
} task;

static volatile int32_t stop;
static int loops, largest_loop, kernels, stop_at = -1;

static void* run_task(void* argument) {
  task* t = (task*)argument;
  if (t->index == stop_at) stop = 1;
  t->result = t->run(t->user, t->index, t->closure);
  return NULL;
}

/* Every task in a thread of its own. */
static int32_t all_at_once(void* pool, task_function run, void* user, int32_t begin, int32_t count, uint8_t* closure) {
  static pthread_t threads[kMostTasks];
  static task tasks[kMostTasks];
  int32_t i, result = 0;
  (void)pool;
  if (count > kMostTasks) exit(2);
  ++loops;
  if (count > largest_loop) largest_loop = count;
  for (i = 0; i < count; ++i) {
    task* t = &tasks[i];
    t->run = run, t->user = user, t->index = begin + i, t->result = 0, t->closure = closure;
    if (pthread_create(&threads[i], NULL, run_task, t) != 0) exit(2);
  }
  for (i = 0; i < count; ++i) {
    pthread_join(threads[i], NULL);
    if (tasks[i].result != 0) result = tasks[i].result;
  }
  return result;
}

static void count_kernel(void* profile, int32_t kernel) {
  (void)profile, (void)kernel;
  ++kernels;
}

static void* aligned(size_t bytes) {
  void* memory = NULL;
  if (posix_memalign(&memory, 64, bytes + 64) != 0) exit(2);
  memset(memory, 0xff, bytes + 64);
  return memory;
}

static float *input, *output, *expected;

static const char* infer(const maps_context* context) {
  const size_t bytes = maps_workspace_bytes(kImages);
  void* workspace = aligned(bytes);
  const void* inputs[1];
  void* outputs[1];
  maps_status status;
  inputs[0] = input, outputs[0] = output;
  memset(output, 0xff, kImages * kOutputs * sizeof(float));
  loops = largest_loop = kernels = 0;
  status = maps_infer(maps_embedded(), inputs, outputs, kImages, workspace, bytes, context);
  free(workspace);
  return maps_status_text(status);
}

static const char* verdict(void) { return memcmp(output, expected, kImages * kOutputs * sizeof(float)) == 0 ? "the same" : "different"; }

int main(void) {
  maps_context context;
  int i, parts;
  memset(&context, 0, sizeof context);
  input = (float*)aligned(kImages * kElements * sizeof(float));
  output = (float*)aligned((kImages + 64) * kOutputs * sizeof(float));
  expected = (float*)aligned((kImages + 64) * kOutputs * sizeof(float));
  for (i = 0; i < kImages * kElements; ++i) input[i] = (float)(i * 7919 % 1000) / 1000;
  printf("serial: %s\n", infer(NULL));
  memcpy(expected, output, kImages * kOutputs * sizeof(float));

  context.parallel_for = all_at_once;
  context.stop = &stop;
  context.threads = 4;
  printf("parts at a time: %s, ", infer(&context));
  printf("%s\n", verdict());
  parts = largest_loop;
  printf("parallel over parts: %s\n", parts > 8 ? "yes" : "no");

  context.threads = 0;
  printf("threads not known: %s, ", infer(&context));
  printf("%s\n", verdict());

  context.threads = 4;
  context.kernel_done = count_kernel;
  printf("kernel by kernel: %s, ", infer(&context));
  printf("%s, %s\n", verdict(), kernels > parts ? "each part's kernels reported" : "kernels not reported");

  context.kernel_done = NULL;
  stop_at = parts / 2;
  printf("stopped in a part: %s\n", infer(&context));
  stop = 0, stop_at = -1;
  printf("again: %s, ", infer(&context));
  printf("%s\n", verdict());
  return 0;
}
