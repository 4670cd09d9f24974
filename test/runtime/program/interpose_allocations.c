/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 * A library for LD_PRELOAD that counts the calls for memory of all threads, and refuses some: FAIL_ALLOCATION=N refuses the N-th
 * call (from 1), FAIL_ALLOCATION=N+ all calls from there on. The number of calls goes to the file that COUNT_ALLOCATIONS names
 * when the process ends. For the tests that steps allocate nothing, and of what programs say when memory is refused. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);

static long calls, first = -1; /* first: the call to refuse; 0: none; -1: not read yet */
static int and_all_after;

/* From the environment's bytes themselves: nothing here may ask for memory. */
static void read_setting(void) {
  const char* text = getenv("FAIL_ALLOCATION");
  long number = 0;
  for (; text && *text >= '0' && *text <= '9'; ++text) number = number * 10 + (*text - '0');
  and_all_after = text && *text == '+';
  first = number;
}

static int refuse(void) {
  const long call = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
  if (first < 0) read_setting();
  if (first == 0 || call < first || (call > first && !and_all_after)) return 0;
  errno = ENOMEM;
  return 1;
}

void* malloc(size_t size) { return refuse() ? NULL : __libc_malloc(size); }
void* calloc(size_t count, size_t size) { return refuse() ? NULL : __libc_calloc(count, size); }
void* realloc(void* memory, size_t size) { return refuse() ? NULL : __libc_realloc(memory, size); }
void* aligned_alloc(size_t alignment, size_t size) { return refuse() ? NULL : __libc_memalign(alignment, size); }
int posix_memalign(void** memory, size_t alignment, size_t size) {
  void* got = refuse() ? NULL : __libc_memalign(alignment, size);
  if (!got) return ENOMEM;
  *memory = got;
  return 0;
}

__attribute__((destructor)) static void report(void) {
  const long counted = calls;
  const char* path = getenv("COUNT_ALLOCATIONS");
  FILE* file = path ? fopen(path, "w") : NULL;
  if (!file) return;
  fprintf(file, "%ld\n", counted);
  fclose(file);
}
