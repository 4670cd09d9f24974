// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as a picture: refused, or pixels that can be turned gray and resized.
#include "fuzz_bytes.h"
#include "runtime/formats/image.h"

using namespace cnnc::formats;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  allow_refusal([&] {
    const Image image = decode_image(bytes_of(data, size), "f");
    require(image.pixels.size() == image.height * image.width * image.channels);
    require(resize(to_gray(image), 3, 5).pixels.size() == 15);
  });
  return 0;
}
