// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as a .safetensors file: refused, or tensors that cover the data and convert.
#include "fuzz_bytes.h"
#include "runtime/formats/safetensors.h"

using namespace cnnc::formats;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  allow_refusal([&] {
    const auto bytes = bytes_of(data, size);
    const Safetensors file = parse_safetensors({bytes.begin(), bytes.end()}, "f");
    std::size_t covered = 0;
    for (const Tensor& tensor : file.tensors) {
      require(file.doubles(tensor).size() == tensor.elements());
      covered += file.bytes(tensor).size();
    }
    require(covered == file.data().size());
    verify_checksum(file);
  });
  return 0;
}
