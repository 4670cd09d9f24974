// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The digits that the repository ships are what their README says.
#include <algorithm>

#include "helpers.h"
#include "runtime/formats/idx.h"

namespace cnnc::formats {
namespace {

TEST(Digits, parts_sizes_and_values) {
  const IdxFolder files = find_idx_files(CNNC_DIGITS);
  const IdxPart train = read_idx_part(files.train_images, files.train_labels);
  const IdxPart test = read_idx_part(files.test_images, files.test_labels);
  EXPECT_EQ(train.images.dims, (std::vector<std::uint64_t>{1437, 8, 8}));
  EXPECT_EQ(test.images.dims, (std::vector<std::uint64_t>{360, 8, 8}));
  // The first image is a zero; its first row is 0 0 5 13 9 1 0 0 of 16.
  EXPECT_EQ(train.labels.bytes[0], 0);
  const std::vector<std::uint8_t> first_row(train.images.bytes.begin(), train.images.bytes.begin() + 8);
  EXPECT_EQ(first_row, (std::vector<std::uint8_t>{0, 0, 80, 207, 143, 16, 0, 0}));
  EXPECT_EQ(*std::max_element(train.images.bytes.begin(), train.images.bytes.end()), 255);
}

TEST(Digits, classes_as_the_source_counts_them) {
  const IdxFolder files = find_idx_files(CNNC_DIGITS);
  std::vector<int> counts(10, 0);
  for (const std::string& path : {files.train_labels, files.test_labels}) {
    for (const std::uint8_t label : read_idx(path).bytes) ++counts.at(label);
  }
  EXPECT_EQ(counts, (std::vector<int>{178, 182, 177, 183, 181, 182, 181, 179, 174, 180}));
}

}  // namespace
}  // namespace cnnc::formats
