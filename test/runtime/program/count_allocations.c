/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 * A library for LD_PRELOAD that counts calls of malloc, calloc and realloc, and writes the number to the file that
 * COUNT_ALLOCATIONS names when the process ends. For the test that steps allocate nothing. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long calls;
static char early[65536]; /* dlsym itself asks for memory */
static size_t early_used;

static void* resolve(const char* name) { return dlsym(RTLD_NEXT, name); }

void* malloc(size_t size) {
  static void* (*real)(size_t);
  if (!real) real = (void* (*)(size_t))resolve("malloc");
  __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
  return real(size);
}

void* calloc(size_t count, size_t size) {
  static void* (*real)(size_t, size_t);
  static int resolving;
  if (!real) {
    if (resolving) {
      void* out = early + early_used;
      early_used += (count * size + 15) / 16 * 16;
      return early_used <= sizeof early ? out : NULL;
    }
    resolving = 1;
    real = (void* (*)(size_t, size_t))resolve("calloc");
  }
  __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
  return real(count, size);
}

void* realloc(void* memory, size_t size) {
  static void* (*real)(void*, size_t);
  if (!real) real = (void* (*)(void*, size_t))resolve("realloc");
  __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
  return real(memory, size);
}

__attribute__((destructor)) static void report(void) {
  const long counted = calls;
  const char* path = getenv("COUNT_ALLOCATIONS");
  FILE* file = path ? fopen(path, "w") : NULL;
  if (!file) return;
  fprintf(file, "%ld\n", counted);
  fclose(file);
}
