// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One target (CNNC_FUZZ_TARGET) as libFuzzer calls it.
#include <cstdint>

#include "target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cnnc::fuzz::CNNC_FUZZ_TARGET(std::as_bytes(std::span(data, size)));
  return 0;
}
