// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as a .npy file: refused, or an array that converts.
#include "fuzz_bytes.h"
#include "runtime/formats/npy.h"

using namespace cnnc::formats;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  allow_refusal([&] {
    const NpyArray array = parse_npy(bytes_of(data, size), "f");
    require(array.floats().size() == array.elements());
  });
  return 0;
}
