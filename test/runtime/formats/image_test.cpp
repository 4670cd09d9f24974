// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pictures decode, turn gray and resize as Pillow does it (files and expectations: make_data.py); damage is refused.
#include "runtime/formats/image.h"

#include <algorithm>
#include <cstdlib>

#include "helpers.h"
#include "runtime/formats/image_codecs.h"

namespace cnnc::formats {
namespace {

int largest_difference(const std::vector<std::uint8_t>& left, const std::vector<std::uint8_t>& right) {
  if (left.size() != right.size()) return 256;
  int largest = 0;
  for (std::size_t i = 0; i < left.size(); ++i) largest = std::max(largest, std::abs(left[i] - right[i]));
  return largest;
}

class ImageFile : public testing::TestWithParam<const char*> {};

TEST_P(ImageFile, decodes_as_expected) {
  const std::string name = GetParam();
  const std::string path = data_file(name);
  const std::string stem = name.substr(0, name.find('.'));
  const NpyArray expected = read_npy(data_file(stem + ".expected.npy"));
  const Image image = read_image(path);
  ASSERT_EQ((std::vector<std::uint64_t>{image.height, image.width, image.channels}), expected.shape);
  EXPECT_EQ(largest_difference(image.pixels, expected_pixels(stem)), 0);
  const Image header = decode_image_header(read_file(path, kMaxImageFileBytes), path);
  EXPECT_EQ((std::vector<std::uint64_t>{header.height, header.width, header.channels}), expected.shape);
  EXPECT_TRUE(header.pixels.empty());
}

/// A truncated picture is never filled up: only what follows the last pixel (the end marks) may not be missing either.
TEST_P(ImageFile, every_truncation_is_refused) {
  const std::vector<std::byte> whole = read_file(data_file(GetParam()), kMaxImageFileBytes);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Refusal refusal = refusal_of([&] { decode_image(std::span(whole).first(size), "f"); });
    EXPECT_NE(refusal.message, "(nothing was refused)") << size;
  }
}

/// Any flipped bit gives a picture of some kind or a FormatError, nothing else.
TEST_P(ImageFile, flipped_bits_never_crash) {
  const std::vector<std::byte> whole = read_file(data_file(GetParam()), kMaxImageFileBytes);
  for (std::size_t bit = 0; bit < 8 * whole.size(); bit += 7) {
    std::vector<std::byte> flipped = whole;
    flipped[bit / 8] ^= std::byte{1} << (bit % 8);
    try {
      const Image image = decode_image(flipped, "f");
      EXPECT_EQ(image.pixels.size(), image.height * image.width * image.channels);
    } catch (const FormatError& error) {
      EXPECT_EQ(std::string(error.what()).substr(0, 3), "f: ");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Files, ImageFile,
                         testing::Values("rgb.png", "gray.png", "rgba.png", "gray_alpha.png", "one_bit.png", "palette.png",
                                         "palette_alpha.png", "rgb_16_bit.png", "gray_16_bit.png", "interlaced.png", "photo.jpg",
                                         "photo_444.jpg", "photo_progressive.jpg", "photo_gray.jpg", "photo_cmyk.jpg"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

TEST(Image, gray_is_pillows_l) {
  const Image gray = to_gray(read_image(data_file("rgb.png")));
  EXPECT_EQ(gray.channels, 1u);
  EXPECT_EQ(gray.pixels, expected_pixels("rgb_to_gray"));
  EXPECT_EQ(to_gray(gray).pixels, gray.pixels);
}

TEST(Image, gray_repeats_into_three_channels) {
  const Image rgb = to_rgb({.height = 1, .width = 2, .channels = 1, .pixels = {7, 9}});
  EXPECT_EQ(rgb.channels, 3u);
  EXPECT_EQ(rgb.pixels, (std::vector<std::uint8_t>{7, 7, 7, 9, 9, 9}));
  EXPECT_EQ(to_rgb(rgb).pixels, rgb.pixels);
}

TEST(Image, resizes_as_pillow) {
  const Image picture = read_image(data_file("resize.png"));
  const Image gray = to_gray(picture);
  struct Case {
    std::size_t height, width;
    int tolerance;
  };
  // Pillow 13 goes along columns first where the height shrinks more than the width; earlier ones, and we, always along rows.
  const Case cases[] = {{5, 7, 0}, {40, 31, 0}, {10, 40, 1}, {23, 9, 0}, {1, 1, 0}, {22, 17, 0}, {46, 34, 0}};
  for (const auto& [height, width, tolerance] : cases) {
    const std::string size = std::to_string(height) + "x" + std::to_string(width);
    const Image resized = resize(picture, height, width);
    EXPECT_EQ(resized.height, height);
    EXPECT_EQ(resized.width, width);
    EXPECT_LE(largest_difference(resized.pixels, expected_pixels("resize_" + size)), tolerance) << size;
    const Image resized_gray = resize(gray, height, width);
    EXPECT_LE(largest_difference(resized_gray.pixels, expected_pixels("resize_gray_" + size)), tolerance) << size;
  }
  EXPECT_EQ(resize(picture, picture.height, picture.width).pixels, picture.pixels);
}

TEST(Image, resize_refuses_sizes_beyond_the_limits) {
  const Image picture{.height = 1, .width = 1, .channels = 1, .pixels = {0}};
  EXPECT_EQ(refusal_of([&] { resize(picture, 0, 3); }),
            (Refusal{ErrorKind::kLimit, "resize: cannot make 1x1 pixels into 0x3"}));
  EXPECT_EQ(refusal_of([&] { resize(picture, 65'000, 65'000); }).kind, ErrorKind::kLimit);
}

TEST(Image, png_round_trip) {
  const TemporaryFolder folder;
  for (const char* name : {"rgb.png", "gray.png"}) {
    const Image image = read_image(data_file(name));
    write_png(folder.file("a.png"), image);
    const Image again = read_image(folder.file("a.png"));
    EXPECT_EQ(again.pixels, image.pixels);
    EXPECT_EQ(again.channels, image.channels);
    EXPECT_EQ(encode_png(image), encode_png(again));
  }
}

TEST(Image, png_refuses_what_it_cannot_hold) {
  EXPECT_EQ(refusal_of([] { encode_png({.height = 2, .width = 2, .channels = 2, .pixels = {0}}); }),
            (Refusal{ErrorKind::kUnsupported, "PNG: cannot hold 2x2 pixels of 2 channels in 1 bytes"}));
  EXPECT_EQ(refusal_of([] { encode_png({.height = 0, .width = 2, .channels = 1, .pixels = {}}); }).message,
            "PNG: cannot hold 0x2 pixels of 1 channels in 0 bytes");
  EXPECT_EQ(refusal_of([] { encode_png({.height = 2, .width = 0, .channels = 3, .pixels = {}}); }).message,
            "PNG: cannot hold 2x0 pixels of 3 channels in 0 bytes");
  EXPECT_EQ(refusal_of([] { encode_png({.height = 1, .width = 2, .channels = 1, .pixels = {1}}); }).message,
            "PNG: cannot hold 1x2 pixels of 1 channels in 1 bytes");
}

TEST(Image, messages_name_the_damage) {
  const auto refuse = [](const std::string& content) { return refusal_of([&] { decode_image(bytes_of(content), "f"); }); };
  EXPECT_EQ(refuse(""), (Refusal{ErrorKind::kDamaged, "f: is empty, expected a PNG or JPEG picture"}));
  EXPECT_EQ(refuse("GIF89a"), (Refusal{ErrorKind::kUnsupported, "f: is no PNG or JPEG picture (by its first bytes)"}));
  const std::string png = read_text(data_file("rgb.png"));
  EXPECT_EQ(refuse(png.substr(0, 100)),
            (Refusal{ErrorKind::kDamaged, "f: is a damaged PNG: the file ends too early (at byte 41 of 100)"}));
  std::string wrong_sum = png;
  wrong_sum[30] ^= 1;
  EXPECT_EQ(refuse(wrong_sum),
            (Refusal{ErrorKind::kDamaged,
                     "f: is a damaged PNG: IHDR: CRC error (at byte 33 of " + std::to_string(png.size()) + ")"}));
  const std::string jpeg = read_text(data_file("photo.jpg"));
  EXPECT_EQ(refuse(jpeg.substr(0, jpeg.size() - 2)),
            (Refusal{ErrorKind::kDamaged, "f: is a damaged JPEG: Premature end of JPEG file (near byte 887 of 912)"}));
}

TEST(Image, limits_of_sizes) {
  const auto refusal = [](std::uint64_t height, std::uint64_t width, std::size_t bytes) {
    return refusal_of([&] { check_image_size(height, width, bytes, "f"); });
  };
  const Refusal none = refusal(1, 1, 1);
  EXPECT_EQ(none.message, "(nothing was refused)");
  EXPECT_EQ(refusal(0, 3, 99), (Refusal{ErrorKind::kDamaged, "f: declares 0x3 pixels"}));
  EXPECT_EQ(refusal(3, 0, 99), (Refusal{ErrorKind::kDamaged, "f: declares 3x0 pixels"}));
  EXPECT_EQ(refusal(kMaxImageSide, 1, 1), none);
  EXPECT_EQ(refusal(1, kMaxImageSide, 1), none);
  EXPECT_EQ(refusal(kMaxImageSide + 1ull, 1, 1).message, "f: declares 65501x1 pixels, more than the limit of 65500 a side and 100000000 in all");
  EXPECT_EQ(refusal(1, kMaxImageSide + 1ull, 1).message, "f: declares 1x65501 pixels, more than the limit of 65500 a side and 100000000 in all");
  EXPECT_EQ(refusal(10'000, 10'000, 1'000'000), none);
  EXPECT_EQ(refusal(10'000, 10'001, 1'000'000).message,
            "f: declares 10000x10001 pixels, more than the limit of 65500 a side and 100000000 in all");
  // As many pixels as a file of any length may have, and one row more.
  EXPECT_EQ(refusal(2048, 2048, 0), none);
  EXPECT_EQ(refusal(2080, 2080, 4160), none);
  EXPECT_EQ(refusal(2080, 2080, 4159).message, "f: declares 2080x2080 pixels, far more than a file of 4159 bytes holds");
}

/// A few bytes must not claim a hundred million pixels.
TEST(Image, bombs_are_refused_before_memory_is_taken) {
  Image flat{.height = 2100, .width = 2100, .channels = 1, .pixels = {}};
  flat.pixels.resize(flat.height * flat.width);
  std::vector<std::byte> png = encode_png(flat);
  EXPECT_EQ(decode_image(png, "f").pixels.size(), flat.pixels.size());
  png.resize(60);
  EXPECT_EQ(refusal_of([&] { decode_image(png, "f"); }),
            (Refusal{ErrorKind::kLimit, "f: declares 2100x2100 pixels, far more than a file of 60 bytes holds"}));
}

/// A progressive JPEG, 8x8 and gray, of so many scans. Each says the same: the mean is 128.
std::string jpeg_of_scans(int scans) {
  const auto text = [](std::string_view bytes) { return std::string(bytes); };
  using namespace std::string_view_literals;
  std::string jpeg = text("\xff\xd8\xff\xdb\0\x43\0"sv) + std::string(64, '\1');
  jpeg += text("\xff\xc2\0\x0b\x08\0\x08\0\x08\1\1\x11\0"sv);                // 8 bits, 8x8, one component
  jpeg += text("\xff\xc4\0\x14\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"sv);      // one code: 0, no difference
  for (int i = 0; i < scans; ++i) jpeg += text("\xff\xda\0\x08\1\1\0\0\0\0\x7f"sv);
  return jpeg + text("\xff\xd9"sv);
}

/// Each scan is work over the whole picture, so that a small file could be a lot of it.
TEST(Image, limit_of_scans) {
  const Image image = decode_image(bytes_of(jpeg_of_scans(kMaxJpegScans)), "f");
  EXPECT_EQ(image.pixels, std::vector<std::uint8_t>(64, 128));
  const Refusal refusal = refusal_of([] { decode_image(bytes_of(jpeg_of_scans(kMaxJpegScans + 1)), "f"); });
  EXPECT_EQ(refusal.message.substr(0, 41), "f: is a damaged JPEG: more than 100 scans");
}

/// What libjpeg warns of, but changes no pixel.
TEST(Image, harmless_oddities_of_jpegs_are_read) {
  using namespace std::string_view_literals;
  const std::string plain = read_text(data_file("photo.jpg"));
  const std::size_t application = 2, next = application + 2 + 16;      // the segment JFIF, and what follows
  ASSERT_EQ(plain.substr(application, 9), "\xff\xe0\0\x10JFIF\0"sv);
  std::string extra_bytes = plain, newer = plain, adobe = plain;
  extra_bytes.insert(next, "xyz");
  newer[application + 9] = 2;
  adobe.replace(application, next - application, "\xff\xee\0\x0e" "Adobe\0\x64\0\0\0\0\7"sv);      // a transform that nobody knows
  for (const std::string& jpeg : {extra_bytes, newer, adobe})
    EXPECT_EQ(decode_image(bytes_of(jpeg), "f").pixels, expected_pixels("photo"));
}

}  // namespace
}  // namespace cnnc::formats
