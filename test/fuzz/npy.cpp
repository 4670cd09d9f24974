// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as a .npy file: refused, or an array that converts.
#include "runtime/formats/npy.h"

#include "refusal.h"
#include "target.h"

namespace cnnc::fuzz {

bool npy(Bytes bytes) {
  return accepted([&] {
    const formats::NpyArray array = formats::parse_npy(bytes, "f");
    require(array.floats().size() == array.elements(), "as many numbers as the shape says");
  });
}

}  // namespace cnnc::fuzz
