// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// CNNC_TEST_FAULT → an exception, a signal, exhausted memory, or an endless wait.
#include "support/injected_fault.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

namespace cnnc {
namespace {

/// Allocates until nothing is left, of an address space that is made small first.
void exhaust_memory() {
  constexpr rlim_t kBytes = rlim_t{1} << 20;
  const rlimit small{kBytes, kBytes};
  setrlimit(RLIMIT_AS, &small);
  std::vector<std::string> pieces;
  while (true) pieces.emplace_back(kBytes, 'x');
}

}  // namespace

void inject_fault(std::string_view place) {
  const char* text = std::getenv("CNNC_TEST_FAULT");
  if (!text) return;
  const std::string_view wanted = text;
  const size_t colon = wanted.find(':');
  if (colon == std::string_view::npos || wanted.substr(0, colon) != place) return;
  const std::string_view kind = wanted.substr(colon + 1);
  if (kind == "throw") throw std::runtime_error("a fault that CNNC_TEST_FAULT asks for");
  if (kind == "abort") std::abort();
  if (kind == "fault") raise(SIGSEGV);
  if (kind == "memory") exhaust_memory();
  while (kind == "hang") pause();
}

}  // namespace cnnc
