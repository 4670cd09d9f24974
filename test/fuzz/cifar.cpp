// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as a CIFAR-10 file: refused, or as many labels as images.
#include "runtime/formats/cifar.h"

#include "refusal.h"
#include "target.h"

namespace cnnc::fuzz {

bool cifar(Bytes bytes) {
  return accepted([&] {
    formats::CifarPart part;
    formats::append_cifar(bytes, "f", part);
    require(part.pixels.size() == part.labels.size() * formats::kCifarImageBytes, "a label for each image");
    require(part.labels.size() * formats::kCifarRecordBytes == bytes.size(), "every byte is read");
  });
}

}  // namespace cnnc::fuzz
