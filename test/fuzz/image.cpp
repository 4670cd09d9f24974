// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as a picture, PNG or JPEG: refused, or pixels that can be turned gray and resized.
#include "runtime/formats/image.h"

#include "refusal.h"
#include "target.h"

namespace cnnc::fuzz {

bool image(Bytes bytes) {
  return accepted([&] {
    const formats::Image image = formats::decode_image(bytes, "f");
    require(image.pixels.size() == image.height * image.width * image.channels, "as many bytes as the sizes say");
    require(resize(to_gray(image), 3, 5).pixels.size() == 15, "it can be resized");
  });
}

}  // namespace cnnc::fuzz
