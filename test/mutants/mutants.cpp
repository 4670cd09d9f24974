// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reads CNNC_MUTANT before any other code runs. With CNNC_MUTANTS_REACHED=FILE appends to FILE, when the process ends, the
// numbers of the mutants whose places it evaluated, and with a minus those that the types there forbid.
#include "mutants.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "mutants_table.inc"

namespace mutants {

int chosen = 0;
unsigned char reached[kCount + 1] = {};
unsigned char void_[kCount + 1] = {};

namespace {

[[gnu::destructor]] void write_reached() {
  const char* path = std::getenv("CNNC_MUTANTS_REACHED");
  if (path == nullptr) return;
  std::string numbers;
  for (int number = 1; number <= kCount; ++number) {
    if (void_[number]) numbers += "-" + std::to_string(number) + "\n";
    else if (reached[number]) numbers += std::to_string(number) + "\n";
  }
  // One write: several processes may append to the file.
  const int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0 || write(file, numbers.data(), numbers.size()) != static_cast<ssize_t>(numbers.size())) std::abort();
  close(file);
}

[[gnu::constructor(101)]] void choose() {
  if (const char* text = std::getenv("CNNC_MUTANT")) chosen = std::atoi(text);
}

}  // namespace

const char* table_text(const char* original) {
  const char* result = original;
  for (const TableText& row : kTableTexts)
    if (std::strcmp(row.original, original) == 0 && on(row.number)) result = row.mutated;
  return result;
}

}  // namespace mutants
