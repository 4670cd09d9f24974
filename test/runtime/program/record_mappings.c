/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 * A library for LD_PRELOAD that appends the size of each anonymous mapping which the program itself asks for to the file that
 * RECORD_MAPPINGS names: the memory of a run is one such mapping. For the test that the planned memory is what is taken. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void* mmap(void* address, size_t bytes, int protection, int flags, int file, off_t offset) {
  const char* path = getenv("RECORD_MAPPINGS");
  FILE* out = path && (flags & MAP_ANONYMOUS) ? fopen(path, "a") : NULL;
  if (out) {
    fprintf(out, "%zu\n", bytes);
    fclose(out);
  }
  return (void*)syscall(SYS_mmap, address, bytes, protection, flags, file, offset);
}
