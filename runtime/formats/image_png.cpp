// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// PNG by libpng's classic interface. Only IHDR, PLTE, tRNS, IDAT and IEND are looked at; every other chunk is skipped unread.
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <new>

#include "runtime/formats/error.h"
#include "runtime/formats/image_codecs.h"
#include "runtime/formats/limits.h"
#include "runtime/formats/text.h"
#include "runtime/formats/whole_file.h"

namespace cnnc::formats {
namespace {

struct ErrorText {
  char text[160] = "";
};

void on_error(png_structp png, png_const_charp message) {
  auto* error = static_cast<ErrorText*>(png_get_error_ptr(png));
  std::snprintf(error->text, sizeof error->text, "%s", message);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

struct Reading {
  std::span<const std::byte> content;
  std::size_t position = 0;
  ErrorText error;
  png_structp png = nullptr;
  png_infop info = nullptr;

  Reading() = default;
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() { png_destroy_read_struct(&png, &info, nullptr); }
};

void on_read(png_structp png, png_bytep target, std::size_t size) {
  auto* reading = static_cast<Reading*>(png_get_io_ptr(png));
  if (size > reading->content.size() - reading->position) png_error(png, "the file ends too early");
  std::memcpy(target, reading->content.data() + reading->position, size);
  reading->position += size;
}

/// Reads all chunks before the pixels. False: libpng's message is in `reading.error`.
bool read_header(Reading& reading) {
  if (setjmp(png_jmpbuf(reading.png)) != 0) return false;
  png_set_read_fn(reading.png, &reading, on_read);
  png_set_user_limits(reading.png, kMaxImageSide, kMaxImageSide);
  png_set_chunk_malloc_max(reading.png, kMaxPngChunkBytes);
  png_set_keep_unknown_chunks(reading.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_read_info(reading.png, reading.info);
  return true;
}

/// Asks for 8 bits, with palettes and transparency spelled out. False as above.
bool set_transformations(Reading& reading) {
  if (setjmp(png_jmpbuf(reading.png)) != 0) return false;
  png_set_expand(reading.png);
  png_set_scale_16(reading.png);
  png_set_interlace_handling(reading.png);
  png_read_update_info(reading.png, reading.info);
  return true;
}

/// Reads the pixels and what follows them. False as above.
bool read_rows(Reading& reading, png_bytepp rows) {
  if (setjmp(png_jmpbuf(reading.png)) != 0) return false;
  png_read_image(reading.png, rows);
  png_read_end(reading.png, nullptr);
  return true;
}

[[noreturn]] void fail_damaged(const Reading& reading, const std::string& file) {
  fail(ErrorKind::kDamaged, file,
       "is a damaged PNG: " + escape_terminal(reading.error.text) + " (at byte " + std::to_string(reading.position) + " of " +
           std::to_string(reading.content.size()) + ")");
}

/// Lays the last of `channels` (2 or 4), which is alpha, over black.
std::vector<std::uint8_t> over_black(const std::vector<std::uint8_t>& pixels, std::size_t channels) {
  const std::size_t colors = channels - 1;
  std::vector<std::uint8_t> result;
  result.reserve(pixels.size() / channels * colors);
  for (std::size_t start = 0; start < pixels.size(); start += channels) {
    const unsigned alpha = pixels[start + colors];
    for (std::size_t c = 0; c < colors; ++c) {
      result.push_back(static_cast<std::uint8_t>((pixels[start + c] * alpha + 127) / 255));
    }
  }
  return result;
}

struct Writing {
  std::vector<std::byte> bytes;
  ErrorText error;
  png_structp png = nullptr;
  png_infop info = nullptr;

  Writing() = default;
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;
  ~Writing() { png_destroy_write_struct(&png, &info); }
};

void on_write(png_structp png, png_bytep source, std::size_t size) {
  auto* writing = static_cast<Writing*>(png_get_io_ptr(png));
  const auto* first = reinterpret_cast<const std::byte*>(source);
  bool written = true;
  try {
    writing->bytes.insert(writing->bytes.end(), first, first + size);
  } catch (const std::bad_alloc&) {
    written = false;
  }
  if (!written) png_error(png, "out of memory");
}

void on_flush(png_structp) {}

bool write_rows(Writing& writing, const Image& image) {
  if (setjmp(png_jmpbuf(writing.png)) != 0) return false;
  png_set_write_fn(writing.png, &writing, on_write, on_flush);
  const int color = image.channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB;
  png_set_IHDR(writing.png, writing.info, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height), 8, color,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(writing.png, writing.info);
  for (std::size_t y = 0; y < image.height; ++y) {
    png_write_row(writing.png, image.pixels.data() + y * image.width * image.channels);
  }
  png_write_end(writing.png, writing.info);
  return true;
}

}  // namespace

Image decode_png(std::span<const std::byte> content, const std::string& file, bool header_only) {
  Reading reading;
  reading.content = content;
  reading.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reading.error, on_error, on_warning);
  reading.info = reading.png == nullptr ? nullptr : png_create_info_struct(reading.png);
  if (reading.info == nullptr) throw std::bad_alloc();
  if (!read_header(reading)) fail_damaged(reading, file);
  Image image;
  image.height = png_get_image_height(reading.png, reading.info);
  image.width = png_get_image_width(reading.png, reading.info);
  check_image_size(image.height, image.width, content.size(), file);
  image.channels = (png_get_color_type(reading.png, reading.info) & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1;
  if (header_only) return image;

  if (!set_transformations(reading)) fail_damaged(reading, file);
  const std::size_t row_bytes = png_get_rowbytes(reading.png, reading.info);
  const std::size_t channels = png_get_channels(reading.png, reading.info);
  image.pixels.resize(row_bytes * image.height);
  std::vector<png_bytep> rows(image.height);
  for (std::size_t y = 0; y < image.height; ++y) rows[y] = image.pixels.data() + y * row_bytes;
  if (!read_rows(reading, rows.data())) fail_damaged(reading, file);
  if (channels != image.channels) image.pixels = over_black(image.pixels, channels);
  return image;
}

std::vector<std::byte> encode_png(const Image& image) {
  Writing writing;
  const bool valid = (image.channels == 1 || image.channels == 3) && image.height > 0 && image.width > 0 &&
                     image.pixels.size() == image.height * image.width * image.channels;
  if (!valid) {
    fail(ErrorKind::kUnsupported, "PNG",
         "cannot hold " + std::to_string(image.height) + "x" + std::to_string(image.width) + " pixels of " +
             std::to_string(image.channels) + " channels in " + std::to_string(image.pixels.size()) + " bytes");
  }
  writing.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &writing.error, on_error, on_warning);
  writing.info = writing.png == nullptr ? nullptr : png_create_info_struct(writing.png);
  if (writing.info == nullptr) throw std::bad_alloc();
  if (!write_rows(writing, image)) fail(ErrorKind::kUnsupported, "PNG", escape_terminal(writing.error.text));
  return std::move(writing.bytes);
}

void write_png(const std::string& path, const Image& image) { write_file(path, encode_png(image)); }

}  // namespace cnnc::formats
