// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The two decoders behind decode_image. Private to image*.cpp. Both libraries report errors by longjmp: the functions that
// call setjmp hold no object with a destructor, all state lies in a struct of their caller.
#pragma once
#include <cstddef>
#include <span>
#include <string>

#include "runtime/formats/image.h"

namespace cnnc::formats {

/// With `header_only` the pixels stay empty.
Image decode_png(std::span<const std::byte> content, const std::string& file, bool header_only);
Image decode_jpeg(std::span<const std::byte> content, const std::string& file, bool header_only);

/// Refuses sizes beyond limits.h, and more pixels than so short a file can hold.
void check_image_size(std::uint64_t height, std::uint64_t width, std::size_t file_bytes, const std::string& file);

}  // namespace cnnc::formats
