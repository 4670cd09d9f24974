// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// JPEG by libjpeg-turbo, with an error manager that neither prints nor exits. What the library would repair with a warning
// (missing data filled with gray) is an error here; warnings that leave all pixels intact are ignored.
#include <cstddef>
#include <cstdio>
// jpeglib.h needs size_t and FILE first.
#include <jerror.h>
#include <jpeglib.h>

#include <csetjmp>
#include <functional>

#include "runtime/formats/error.h"
#include "runtime/formats/image_codecs.h"
#include "runtime/formats/limits.h"
#include "runtime/formats/text.h"

namespace cnnc::formats {
namespace {

/// The library's error manager, and where to go from an error. The base comes first: the library hands its address back.
struct ErrorManager {
  jpeg_error_mgr base;
  std::jmp_buf jump;
  char text[JMSG_LENGTH_MAX] = "";
};

struct Reading {
  std::span<const std::byte> content;
  jpeg_decompress_struct decoder = {};
  ErrorManager error = {};
  jpeg_progress_mgr progress = {};

  Reading() = default;
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() { jpeg_destroy_decompress(&decoder); }
};

[[noreturn]] void leave(j_common_ptr common) { std::longjmp(reinterpret_cast<ErrorManager*>(common->err)->jump, 1); }

void on_error(j_common_ptr common) {
  common->err->format_message(common, reinterpret_cast<ErrorManager*>(common->err)->text);
  leave(common);
}

bool leaves_pixels_intact(int warning) {
  return warning == JWRN_EXTRANEOUS_DATA || warning == JWRN_ADOBE_XFORM || warning == JWRN_JFIF_MAJOR;
}

/// Level -1 is a warning, all others are traces.
void on_message(j_common_ptr common, int level) {
  if (level == -1 && !leaves_pixels_intact(common->err->msg_code)) on_error(common);
}

void on_output(j_common_ptr) {}

void on_progress(j_common_ptr common) {
  if (!common->is_decompressor) return;
  if (reinterpret_cast<j_decompress_ptr>(common)->input_scan_number <= kMaxJpegScans) return;
  auto* error = reinterpret_cast<ErrorManager*>(common->err);
  std::snprintf(error->text, sizeof error->text, "more than %d scans", kMaxJpegScans);
  leave(common);
}

/// Reads up to the first scan and chooses the colours of the output. False: the library's message is in `reading.error`.
bool read_header(Reading& reading) {
  reading.decoder.err = jpeg_std_error(&reading.error.base);
  reading.error.base.error_exit = on_error;
  reading.error.base.emit_message = on_message;
  reading.error.base.output_message = on_output;
  if (setjmp(reading.error.jump) != 0) return false;
  jpeg_create_decompress(&reading.decoder);
  reading.progress.progress_monitor = on_progress;
  reading.decoder.progress = &reading.progress;
  jpeg_mem_src(&reading.decoder, reinterpret_cast<const unsigned char*>(reading.content.data()),
               static_cast<unsigned long>(reading.content.size()));
  jpeg_read_header(&reading.decoder, TRUE);
  switch (reading.decoder.jpeg_color_space) {
    case JCS_GRAYSCALE: reading.decoder.out_color_space = JCS_GRAYSCALE; break;
    case JCS_CMYK:
    case JCS_YCCK: reading.decoder.out_color_space = JCS_CMYK; break;
    default: reading.decoder.out_color_space = JCS_RGB; break;
  }
  return true;
}

bool start(Reading& reading) {
  if (setjmp(reading.error.jump) != 0) return false;
  jpeg_start_decompress(&reading.decoder);
  return true;
}

/// Reads all rows to consecutive places. False as above.
bool read_rows(Reading& reading, std::uint8_t* pixels, std::size_t row_bytes) {
  if (setjmp(reading.error.jump) != 0) return false;
  while (reading.decoder.output_scanline < reading.decoder.output_height) {
    JSAMPROW row = pixels + reading.decoder.output_scanline * row_bytes;
    jpeg_read_scanlines(&reading.decoder, &row, 1);
  }
  jpeg_finish_decompress(&reading.decoder);
  return true;
}

[[noreturn]] void fail_damaged(const Reading& reading, const std::string& file) {
  // At the end of the file the library reads from a buffer of its own.
  const jpeg_source_mgr* source = reading.decoder.src;
  const auto* begin = reinterpret_cast<const JOCTET*>(reading.content.data());
  const JOCTET* end = begin + reading.content.size();
  const JOCTET* next = source == nullptr ? begin : source->next_input_byte;
  const bool inside = !std::less<>()(next, begin) && !std::less<>()(end, next);
  fail(ErrorKind::kDamaged, file,
       "is a damaged JPEG: " + escape_terminal(reading.error.text) + " (near byte " + std::to_string((inside ? next : end) - begin) +
           " of " + std::to_string(reading.content.size()) + ")");
}

/// left * right / 255, rounded, as Pillow does it.
unsigned multiply_fraction(unsigned left, unsigned right) {
  const unsigned product = left * right + 128;
  return ((product >> 8) + product) >> 8;
}

/// Four-colour JPEGs store inverted inks, by Adobe's convention: 255 is none.
std::vector<std::uint8_t> rgb_from_inverted_cmyk(const std::vector<std::uint8_t>& pixels) {
  std::vector<std::uint8_t> rgb;
  rgb.reserve(pixels.size() / 4 * 3);
  for (std::size_t start = 0; start < pixels.size(); start += 4) {
    const unsigned light = pixels[start + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      rgb.push_back(static_cast<std::uint8_t>(light - multiply_fraction(255u - pixels[start + c], light)));
    }
  }
  return rgb;
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> content, const std::string& file, bool header_only) {
  Reading reading;
  reading.content = content;
  if (!read_header(reading)) fail_damaged(reading, file);
  Image image;
  image.height = reading.decoder.image_height;
  image.width = reading.decoder.image_width;
  check_image_size(image.height, image.width, content.size(), file);
  image.channels = reading.decoder.out_color_space == JCS_GRAYSCALE ? 1 : 3;
  if (header_only) return image;

  if (!start(reading)) fail_damaged(reading, file);
  const std::size_t row_bytes = image.width * static_cast<std::size_t>(reading.decoder.output_components);
  image.pixels.resize(row_bytes * image.height);
  if (!read_rows(reading, image.pixels.data(), row_bytes)) fail_damaged(reading, file);
  if (reading.decoder.out_color_space == JCS_CMYK) image.pixels = rgb_from_inverted_cmyk(image.pixels);
  return image;
}

}  // namespace cnnc::formats
