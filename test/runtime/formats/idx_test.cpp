// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// IDX files, plain and compressed, are read; sizes that lie, truncation and missing files are named.
#include "runtime/formats/idx.h"

#include <zlib.h>

#include "helpers.h"

namespace cnnc::formats {
namespace {

const std::string kImages("\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x03" "abcdef", 22);
const std::string kLabels("\0\0\x08\x01\0\0\0\x02\x07\x09", 10);

std::string gzip(const std::string& text) {
  z_stream stream = {};
  deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string result(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

IdxArray parse(const std::string& content) { return parse_idx(bytes_of(content), "f"); }

Refusal refuse(const std::string& content) { return refusal_of([&] { parse(content); }); }

Refusal damaged(const std::string& message) { return {ErrorKind::kDamaged, "f: " + message}; }

TEST(Idx, reads_plain_and_compressed) {
  for (const std::string& content : {kImages, gzip(kImages)}) {
    const IdxArray array = parse(content);
    EXPECT_EQ(array.dims, (std::vector<std::uint64_t>{2, 1, 3}));
    EXPECT_EQ(std::string(array.bytes.begin(), array.bytes.end()), "abcdef");
  }
}

TEST(Idx, inflates_more_than_the_first_buffer) {
  const std::string header("\0\0\x08\x01\0\x04\0\0", 8);  // 2^18 values
  EXPECT_EQ(parse(gzip(header + std::string(1 << 18, 'x'))).bytes.size(), 1u << 18);
}

TEST(Idx, names_sizes_that_do_not_fit) {
  EXPECT_EQ(refuse(kImages.substr(0, 20)),
            damaged("is truncated: it declares the sizes [2, 1, 3], which take 6 bytes, but holds 4"));
  EXPECT_EQ(refuse(kImages + "gh"), damaged("is too long: it declares the sizes [2, 1, 3], which take 6 bytes, but holds 8"));
  EXPECT_EQ(refuse(kImages.substr(0, 12)), damaged("is truncated: it has 12 bytes, its header takes 16"));
  std::string large("\0\0\x08\x03", 4);
  EXPECT_EQ(refuse(large + std::string(12, '\xff')),
            damaged("declares the sizes [4294967295, 4294967295, 4294967295], which are too large for any file"));
}

TEST(Idx, refuses_other_types_by_name) {
  std::string content = kLabels;
  content[2] = 0x0d;
  EXPECT_EQ(refuse(content), (Refusal{ErrorKind::kUnsupported, "f: holds 32-bit floats, expected unsigned bytes"}));
  content[2] = 0x55;
  EXPECT_EQ(refuse(content), damaged("is not an IDX file: type 85 is unknown"));
  content[0] = 1;
  EXPECT_EQ(refuse(content), damaged("is not an IDX file: it must begin with two zero bytes"));
  EXPECT_EQ(refuse("\x01"), damaged("has 1 bytes, too few for an IDX file"));
  EXPECT_EQ(refuse(std::string("\0\0\x08\0", 4)), damaged("declares 0 dimensions, expected 1 to 32"));
}

TEST(Idx, every_truncation_is_refused) {
  for (const std::string& whole : {kImages, kLabels, gzip(kImages)}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_EQ(refuse(whole.substr(0, size)).kind, ErrorKind::kDamaged) << size;
    }
  }
}

TEST(Idx, names_damage_of_compressed_data) {
  const std::string whole = gzip(kImages);
  const std::size_t cut = whole.size() - 9;
  EXPECT_EQ(refuse(whole.substr(0, cut)),
            damaged("is truncated: the compressed data end after " + std::to_string(cut) + " bytes, 22 bytes inflated"));
  EXPECT_EQ(refuse(whole.substr(0, 2)), damaged("is truncated: the compressed data end after 2 bytes, 0 bytes inflated"));
  EXPECT_EQ(refuse(whole + "xyz"), damaged("has 3 bytes after its compressed data"));
  std::string flipped = whole;
  flipped[whole.size() - 6] ^= 1;
  EXPECT_EQ(refuse(flipped).message.substr(0, 55), "f: is damaged: the compressed data are wrong near byte ");
}

TEST(IdxFolder, prefers_plain_files_and_lists_missing_ones) {
  const TemporaryFolder folder;
  write_file(folder.file("train-images-idx3-ubyte.gz"), "x");
  write_file(folder.file("train-labels-idx1-ubyte"), "x");
  write_file(folder.file("train-labels-idx1-ubyte.gz"), "x");
  EXPECT_EQ(refusal_of([&] { find_idx_files(folder.path()); }),
            (Refusal{ErrorKind::kMissing, folder.path() + ": this folder lacks t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte "
                                                          "(each may also end in .gz)"}));
  write_file(folder.file("t10k-images-idx3-ubyte"), "x");
  write_file(folder.file("t10k-labels-idx1-ubyte"), "x");
  const IdxFolder found = find_idx_files(folder.path());
  EXPECT_EQ(found.train_images, folder.file("train-images-idx3-ubyte.gz"));
  EXPECT_EQ(found.train_labels, folder.file("train-labels-idx1-ubyte"));
}

TEST(IdxPart, counts_and_ranks_must_agree) {
  const TemporaryFolder folder;
  const std::string images = folder.file("images");
  const std::string labels = folder.file("labels");
  write_file(images, kImages);
  write_file(labels, kLabels);
  EXPECT_EQ(read_idx_part(images, labels).labels.bytes, (std::vector<std::uint8_t>{7, 9}));
  EXPECT_EQ(refusal_of([&] { read_idx_part(labels, labels); }),
            (Refusal{ErrorKind::kDamaged, labels + ": has 1 dimensions, expected 3 (images, height, width)"}));
  EXPECT_EQ(refusal_of([&] { read_idx_part(images, images); }),
            (Refusal{ErrorKind::kDamaged, images + ": has 3 dimensions, expected 1 (labels)"}));
  write_file(labels, std::string("\0\0\x08\x01\0\0\0\x03\1\2\3", 11));
  EXPECT_EQ(refusal_of([&] { read_idx_part(images, labels); }),
            (Refusal{ErrorKind::kDamaged, labels + ": holds 3 labels, but the images' file holds 2 images"}));
  write_file(images, std::string("\0\0\x08\x03\0\0\0\0\0\0\0\x01\0\0\0\x03", 16));
  write_file(labels, std::string("\0\0\x08\x01\0\0\0\0", 8));
  EXPECT_EQ(refusal_of([&] { read_idx_part(images, labels); }),
            (Refusal{ErrorKind::kDamaged, images + ": holds no pixels: its sizes are [0, 1, 3]"}));
}

}  // namespace
}  // namespace cnnc::formats
