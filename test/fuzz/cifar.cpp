// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as a CIFAR-10 file: refused, or as many labels as images.
#include "fuzz_bytes.h"
#include "runtime/formats/cifar.h"

using namespace cnnc::formats;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  allow_refusal([&] {
    CifarPart part;
    append_cifar(bytes_of(data, size), "f", part);
    require(part.pixels.size() == part.labels.size() * kCifarImageBytes && part.labels.size() * kCifarRecordBytes == size);
  });
  return 0;
}
