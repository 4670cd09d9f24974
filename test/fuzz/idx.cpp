// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as an IDX file, plain or gzip: refused, or sizes that account for the bytes.
#include "runtime/formats/idx.h"

#include "refusal.h"
#include "target.h"

namespace cnnc::fuzz {

bool idx(Bytes bytes) {
  return accepted([&] {
    const formats::IdxArray array = formats::parse_idx(bytes, "f");
    std::uint64_t count = 1;
    for (const std::uint64_t extent : array.dims) count *= extent;
    require(count == array.bytes.size(), "as many bytes as the sizes say");
  });
}

}  // namespace cnnc::fuzz
