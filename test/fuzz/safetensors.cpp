// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as a .safetensors file: refused, or tensors that cover the data and convert.
#include "runtime/formats/safetensors.h"

#include "refusal.h"
#include "target.h"

namespace cnnc::fuzz {

bool safetensors(Bytes bytes) {
  return accepted([&] {
    const formats::Safetensors file = formats::parse_safetensors({bytes.begin(), bytes.end()}, "f");
    std::size_t covered = 0;
    for (const formats::Tensor& tensor : file.tensors) {
      require(file.doubles(tensor).size() == tensor.elements(), "as many numbers as the shape says");
      covered += file.bytes(tensor).size();
    }
    require(covered == file.data().size(), "the tensors cover the data");
    // Most files carry no checksum: they are accepted all the same.
    accepted([&] { verify_checksum(file); });
  });
}

}  // namespace cnnc::fuzz
