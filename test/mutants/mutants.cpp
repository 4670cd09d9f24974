// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reads CNNC_MUTANT before any other code runs. With CNNC_MUTANTS_REACHED=FILE the marks of what was evaluated lie in FILE, which
// all processes that a test starts share: a byte for each number, then a byte for each number whose types forbid the mutant.
#include "mutants.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "mutants_table.inc"

namespace mutants {

namespace {

constexpr size_t kPage = 4096, kBytes = (kCount + kPage) / kPage * kPage;

}  // namespace

int chosen = 0;
alignas(kPage) unsigned char reached[kBytes] = {};
alignas(kPage) unsigned char void_[kBytes] = {};

namespace {

/// Puts the file's memory into the place of the arrays.
void share_marks(const char* path) {
  const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0 || ftruncate(file, 2 * kBytes) != 0) std::abort();
  for (unsigned char* marks : {reached, void_}) {
    const off_t offset = marks == reached ? 0 : kBytes;
    if (mmap(marks, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, offset) == MAP_FAILED) std::abort();
  }
  close(file);
}

[[gnu::constructor(101)]] void choose() {
  if (const char* text = std::getenv("CNNC_MUTANT")) chosen = std::atoi(text);
  if (const char* path = std::getenv("CNNC_MUTANTS_REACHED")) share_marks(path);
}

}  // namespace

const char* table_text(const char* original) {
  const char* result = original;
  for (const TableText& row : kTableTexts)
    if (std::strcmp(row.original, original) == 0 && on(row.number)) result = row.mutated;
  return result;
}

}  // namespace mutants
