// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as an IDX file, plain or gzip: refused, or sizes that account for the bytes.
#include "fuzz_bytes.h"
#include "runtime/formats/idx.h"

using namespace cnnc::formats;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  allow_refusal([&] {
    const IdxArray array = parse_idx(bytes_of(data, size), "f");
    std::uint64_t count = 1;
    for (const std::uint64_t extent : array.dims) count *= extent;
    require(count == array.bytes.size());
  });
  return 0;
}
