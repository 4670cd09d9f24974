/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 * Is the network `guest` (guest.h) a good guest? Each buffer lies between pages that nobody may touch, against the first and then
 * against the last of them; what is only read is read-only, and all else starts as NaN. What a caller may do wrong is a status, and
 * nothing is written. Eight threads, each with buffers of its own, give the same bits a thousand times. C99 and C++. */
#define _DEFAULT_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"

enum { kImages = 7, kThreads = 8, kCalls = 1000, kMost = 4 };

static const guest_tensor kInputs[] = GUEST_INPUTS;
static const guest_tensor kOutputs[] = GUEST_OUTPUTS;

static int failures;

static void expect(int holds, const char* what) {
  if (holds) return;
  printf("not so: %s\n", what);
  ++failures;
}

/* ---- buffers between pages without access */

typedef struct buffer {
  char* pages;        /* with access, between two without */
  size_t page_bytes;
  char* data;         /* the buffer itself, aligned to 64 bytes */
  size_t bytes;
} buffer;

static buffer make_buffer(size_t bytes, int at_end) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  buffer made;
  made.bytes = bytes;
  made.page_bytes = (bytes + page - 1) / page * page;
  made.pages = (char*)mmap(NULL, made.page_bytes + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (made.pages == MAP_FAILED) exit(2);
  made.pages += page;
  if (made.page_bytes && mprotect(made.pages, made.page_bytes, PROT_READ | PROT_WRITE) != 0) exit(2);
  memset(made.pages, 0xff, made.page_bytes); /* NaN everywhere */
  made.data = made.pages + (at_end ? (made.page_bytes - bytes) / 64 * 64 : 0);
  return made;
}

static void protect(const buffer* made, int protection) {
  if (made->page_bytes && mprotect(made->pages, made->page_bytes, protection) != 0) exit(2);
}

static void free_buffer(const buffer* made) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  munmap(made->pages - page, made->page_bytes + 2 * page);
}

/* The bytes of the pages that are not the buffer's are as they were. */
static int surroundings_are_untouched(const buffer* made) {
  size_t i;
  for (i = 0; i < made->page_bytes; ++i) {
    const char* at = made->pages + i;
    if ((at < made->data || at >= made->data + made->bytes) && (unsigned char)*at != 0xff) return 0;
  }
  return 1;
}

/* ---- an instance: everything that a call needs */

typedef struct instance {
  buffer weights, prepared, workspace;
  buffer inputs[kMost], outputs[kMost];
  const void* input_table[kMost];
  void* output_table[kMost];
} instance;

static size_t elements(const guest_tensor* tensor) {
  size_t count = 1;
  int i;
  for (i = 0; i < tensor->rank; ++i) count *= (size_t)tensor->dims[i];
  return count;
}

static size_t output_bytes(int i, size_t images) { return elements(&kOutputs[i]) * images * sizeof(guest_number); }

/* Numbers from 0.25 to 1.25, the same each time. */
static void fill(buffer* made, unsigned seed) {
  guest_number* numbers = (guest_number*)made->data;
  size_t i;
  for (i = 0; i < made->bytes / sizeof *numbers; ++i) {
    seed = seed * 1664525u + 1013904223u;
    numbers[i] = (guest_number)(seed >> 8) / (guest_number)(1 << 24) + (guest_number)0.25;
  }
}

static instance make_instance(int64_t images, int at_end) {
  const size_t rounded = (size_t)(images + GUEST_BATCH_MULTIPLE - 1) / GUEST_BATCH_MULTIPLE * GUEST_BATCH_MULTIPLE;
  instance made;
  int i;
  made.weights = make_buffer(GUEST_WEIGHT_ELEMENTS * sizeof(guest_number), at_end);
  fill(&made.weights, 1);
  protect(&made.weights, PROT_READ);
  made.prepared = make_buffer(guest_prepared_bytes(), at_end);
  expect(guest_prepare((const guest_number*)made.weights.data, made.prepared.data) == GUEST_OK, "weights are prepared");
  expect(surroundings_are_untouched(&made.prepared), "`prepare` stays within its buffer");
  protect(&made.prepared, PROT_READ);
  made.workspace = make_buffer(guest_workspace_bytes(images), at_end);
  for (i = 0; i < GUEST_INPUTS_COUNT; ++i) {
    made.inputs[i] = make_buffer(elements(&kInputs[i]) * (size_t)images * sizeof(guest_number), at_end);
    fill(&made.inputs[i], 2 + (unsigned)i);
    protect(&made.inputs[i], PROT_READ);
    made.input_table[i] = made.inputs[i].data;
  }
  for (i = 0; i < GUEST_OUTPUTS_COUNT; ++i) {
    made.outputs[i] = make_buffer(output_bytes(i, rounded), at_end);
    made.output_table[i] = made.outputs[i].data;
  }
  return made;
}

static void free_instance(const instance* made) {
  int i;
  free_buffer(&made->weights);
  free_buffer(&made->prepared);
  free_buffer(&made->workspace);
  for (i = 0; i < GUEST_INPUTS_COUNT; ++i) free_buffer(&made->inputs[i]);
  for (i = 0; i < GUEST_OUTPUTS_COUNT; ++i) free_buffer(&made->outputs[i]);
}

static guest_status infer(instance* made, int64_t images, const guest_context* context) {
  return guest_infer(made->prepared.data, made->input_table, made->output_table, images, made->workspace.data, made->workspace.bytes, context);
}

/* ---- calls that are right */

static instance expected; /* of kImages */

/* Image i has numbers of its own, so the first images of a smaller batch are those of a larger one; neighbours change nothing. */
static void check_batch(int64_t images, int at_end) {
  instance made = make_instance(images, at_end);
  int i;
  expect(infer(&made, images, NULL) == GUEST_OK, "a right call is done");
  expect(surroundings_are_untouched(&made.workspace), "the workspace's surroundings are untouched");
  for (i = 0; i < GUEST_OUTPUTS_COUNT; ++i) {
    expect(surroundings_are_untouched(&made.outputs[i]), "the outputs' surroundings are untouched");
    expect(memcmp(made.outputs[i].data, expected.outputs[i].data, output_bytes(i, (size_t)(images < kImages ? images : (int64_t)kImages))) == 0,
           "an image's outputs depend neither on the batch nor on where buffers lie");
  }
  free_instance(&made);
}

static int32_t backwards(void* pool, int32_t (*task)(void* user, int32_t i, uint8_t* closure), void* user, int32_t begin, int32_t count,
                         uint8_t* closure) {
  int32_t i;
  ++*(int*)pool;
  for (i = begin + count - 1; i >= begin; --i) {
    const int32_t status = task(user, i, closure);
    if (status != 0) return status;
  }
  return 0;
}

static void check_order_of_tasks(void) {
  instance made = make_instance(kImages, 1);
  int jobs = 0, i;
  guest_context context;
  memset(&context, 0, sizeof context);
  context.parallel_for = backwards;
  context.pool = &jobs;
  expect(infer(&made, kImages, &context) == GUEST_OK && jobs > 0, "the caller's threads are used");
  for (i = 0; i < GUEST_OUTPUTS_COUNT; ++i)
    expect(memcmp(made.outputs[i].data, expected.outputs[i].data, output_bytes(i, kImages)) == 0, "tasks run in any order");
  free_instance(&made);
}

/* ---- calls that are wrong: nothing is writable meanwhile, so that a write would end the process */

static instance wrong;

static void expect_status(guest_status wanted, guest_status got, const char* what) {
  if (wanted == got) return;
  printf("%s: %s\n", what, guest_status_text(got));
  ++failures;
}

static guest_status call_with_tables(const void* prepared, const void* const* inputs, void* const* outputs) {
  return guest_infer(prepared, inputs, outputs, kImages, wrong.workspace.data, wrong.workspace.bytes, NULL);
}

static guest_status call_with(int64_t batch, void* workspace, size_t bytes) {
  return guest_infer(wrong.prepared.data, wrong.input_table, wrong.output_table, batch, workspace, bytes, NULL);
}

/* `output` in place of entry i of the table. */
static guest_status call_with_output(int i, void* output) {
  void* before = wrong.output_table[i];
  guest_status status;
  wrong.output_table[i] = output;
  status = infer(&wrong, kImages, NULL);
  wrong.output_table[i] = before;
  return status;
}

static guest_status call_with_input(int i, const void* input) {
  const void* before = wrong.input_table[i];
  guest_status status;
  wrong.input_table[i] = input;
  status = infer(&wrong, kImages, NULL);
  wrong.input_table[i] = before;
  return status;
}

static void check_wrong_pointers(void) {
  char* const workspace = wrong.workspace.data;
  const size_t bytes = wrong.workspace.bytes;
  int i;
  expect_status(GUEST_NULL_POINTER, call_with_tables(NULL, wrong.input_table, wrong.output_table), "prepared null");
  expect_status(GUEST_NULL_POINTER, call_with_tables(wrong.prepared.data, NULL, wrong.output_table), "inputs null");
  expect_status(GUEST_NULL_POINTER, call_with_tables(wrong.prepared.data, wrong.input_table, NULL), "outputs null");
  expect_status(GUEST_NULL_POINTER, call_with(kImages, NULL, bytes), "workspace null");
  expect_status(GUEST_MISALIGNED, call_with_tables(wrong.prepared.data + 32, wrong.input_table, wrong.output_table), "prepared misaligned");
  expect_status(GUEST_MISALIGNED, call_with(kImages, workspace + 4, bytes), "workspace misaligned");
  for (i = 0; i < GUEST_INPUTS_COUNT; ++i) {
    expect_status(GUEST_NULL_POINTER, call_with_input(i, NULL), "input null");
    expect_status(GUEST_MISALIGNED, call_with_input(i, wrong.inputs[i].data + 1), "input misaligned");
  }
  for (i = 0; i < GUEST_OUTPUTS_COUNT; ++i) {
    expect_status(GUEST_NULL_POINTER, call_with_output(i, NULL), "output null");
    expect_status(GUEST_MISALIGNED, call_with_output(i, wrong.outputs[i].data + 63), "output misaligned");
  }
  expect_status(GUEST_NULL_POINTER, guest_prepare(NULL, wrong.prepared.data), "weights null");
  expect_status(GUEST_NULL_POINTER, guest_prepare((const guest_number*)wrong.weights.data, NULL), "prepare into null");
  expect_status(GUEST_MISALIGNED, guest_prepare((const guest_number*)(wrong.weights.data + 4), wrong.prepared.data), "weights misaligned");
  expect_status(GUEST_MISALIGNED, guest_prepare((const guest_number*)wrong.weights.data, wrong.prepared.data + 4), "prepare into misaligned");
}

static void check_wrong_sizes(void) {
  static const int64_t kBatches[] = {0, -1, INT64_MIN, (int64_t)GUEST_LARGEST_BATCH + 1, INT64_MAX, (int64_t)1 << 32};
  char* const workspace = wrong.workspace.data;
  size_t i;
  for (i = 0; i < sizeof kBatches / sizeof *kBatches; ++i) {
    expect_status(GUEST_BATCH, call_with(kBatches[i], workspace, SIZE_MAX), "wrong batch");
    expect(guest_workspace_bytes(kBatches[i]) == 0, "a batch that is not possible needs no workspace");
  }
  expect_status(GUEST_WORKSPACE, call_with(kImages, workspace, wrong.workspace.bytes - 1), "small workspace");
  expect_status(GUEST_WORKSPACE, call_with(kImages, workspace, 0), "no workspace");
  expect_status(GUEST_WORKSPACE, call_with(GUEST_LARGEST_BATCH, workspace, wrong.workspace.bytes), "small workspace for the largest batch");
}

static void check_overlaps(void) {
  const size_t last = wrong.workspace.bytes - 1 - (wrong.workspace.bytes - 1) % 64;
  int i, k;
  for (i = 0; i < GUEST_OUTPUTS_COUNT; ++i) {
    expect_status(GUEST_OVERLAP, call_with_output(i, wrong.workspace.data), "output is workspace");
    expect_status(GUEST_OVERLAP, call_with_output(i, wrong.workspace.data + last), "output begins in the workspace");
    expect_status(GUEST_OVERLAP, call_with_output(i, wrong.workspace.data - 64), "output ends in the workspace");
    expect_status(GUEST_OVERLAP, call_with_output(i, wrong.prepared.data), "output is the prepared weights");
    for (k = 0; k < GUEST_INPUTS_COUNT; ++k) expect_status(GUEST_OVERLAP, call_with_output(i, wrong.inputs[k].data), "output is input");
    for (k = 0; k < GUEST_OUTPUTS_COUNT; ++k)
      if (k != i) expect_status(GUEST_OVERLAP, call_with_output(i, wrong.outputs[k].data), "two outputs are one");
  }
  for (i = 0; i < GUEST_INPUTS_COUNT; ++i)
    expect_status(GUEST_OVERLAP, call_with_input(i, wrong.workspace.data), "input is workspace");
  expect_status(GUEST_OVERLAP, call_with(kImages, wrong.prepared.data, wrong.workspace.bytes),
                "workspace is the prepared weights");
  expect_status(GUEST_OVERLAP, guest_prepare((const guest_number*)wrong.weights.data, wrong.weights.data), "weights are prepared in place");
}

static void check_wrong_calls(void) {
  int i;
  wrong = make_instance(kImages, 0);
  protect(&wrong.workspace, PROT_NONE);
  for (i = 0; i < GUEST_OUTPUTS_COUNT; ++i) protect(&wrong.outputs[i], PROT_NONE);
  check_wrong_pointers();
  check_wrong_sizes();
  check_overlaps();
  for (i = -1; i < 100; ++i) expect(guest_status_text((guest_status)i)[0] != 0, "every status has a text");
  free_instance(&wrong);
}

static void check_stop(void) {
  instance made = make_instance(kImages, 1);
  volatile int32_t stop = 1;
  guest_context context;
  memset(&context, 0, sizeof context);
  context.stop = &stop;
  expect_status(GUEST_STOPPED, infer(&made, kImages, &context), "stopped");
  free_instance(&made);
}

/* ---- many threads */

static void* call_often(void* differs) {
  instance made = make_instance(kImages, 1);
  int call, i;
  for (call = 0; call < kCalls; ++call) {
    memset(made.workspace.data, 0xff, made.workspace.bytes);
    if (infer(&made, 1 + call % kImages, NULL) != GUEST_OK) return differs;
    for (i = 0; i < GUEST_OUTPUTS_COUNT; ++i)
      if (memcmp(made.outputs[i].data, expected.outputs[i].data, output_bytes(i, (size_t)(1 + call % kImages))) != 0) return differs;
  }
  free_instance(&made);
  return NULL;
}

static void check_threads(void) {
  pthread_t threads[kThreads];
  void* result;
  int i;
  for (i = 0; i < kThreads; ++i)
    if (pthread_create(&threads[i], NULL, call_often, &failures) != 0) exit(2);
  for (i = 0; i < kThreads; ++i) {
    pthread_join(threads[i], &result);
    expect(result == NULL, "eight threads give the same bits, a thousand times each");
  }
}

int main(void) {
  static const int64_t kBatches[] = {1, 2, 3, kImages, 16, 33};
  size_t i;
  expected = make_instance(kImages, 0);
  expect(infer(&expected, kImages, NULL) == GUEST_OK, "the first call is done");
  for (i = 0; i < sizeof kBatches / sizeof *kBatches; ++i) {
    check_batch(kBatches[i], 0);
    check_batch(kBatches[i], 1);
  }
  check_order_of_tasks();
  check_stop();
  check_wrong_calls();
  check_threads();
  if (failures == 0) printf("a good guest, in batches of a multiple of %d\n", GUEST_BATCH_MULTIPLE);
  return failures != 0;
}
