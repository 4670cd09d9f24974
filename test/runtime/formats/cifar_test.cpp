// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// CIFAR-10's binary files are read in order; files that are no whole number of records are refused.
#include "runtime/formats/cifar.h"

#include "helpers.h"

namespace cnnc::formats {
namespace {

std::string record(char label, char pixel) { return std::string(1, label) + std::string(kCifarImageBytes, pixel); }

TEST(Cifar, joins_files_in_order) {
  const TemporaryFolder folder;
  write_file(folder.file("a"), record(3, 'a') + record(9, 'b'));
  write_file(folder.file("b"), record(0, 'c'));
  const std::vector<std::string> paths = {folder.file("a"), folder.file("b")};
  const CifarPart part = read_cifar(paths);
  EXPECT_EQ(part.labels, (std::vector<std::uint8_t>{3, 9, 0}));
  EXPECT_EQ(part.ends, (std::vector<std::size_t>{2, 3}));
  ASSERT_EQ(part.pixels.size(), 3 * 3072u);
  EXPECT_EQ(part.pixels[0], 'a');
  EXPECT_EQ(part.pixels[3072], 'b');
  EXPECT_EQ(part.pixels[3 * 3072 - 1], 'c');
}

TEST(Cifar, broken_files_are_named) {
  const auto refuse = [](const std::string& content) {
    CifarPart part;
    const Refusal refusal = refusal_of([&] { append_cifar(bytes_of(content), "f", part); });
    EXPECT_TRUE(part.labels.empty() && part.pixels.empty());
    return refusal;
  };
  EXPECT_EQ(refuse((record(0, 'a') + record(1, 'b')).substr(0, 5000)),
            (Refusal{ErrorKind::kDamaged,
                     "f: has 5000 bytes, expected a multiple of 3073; after 1 records 1927 bytes are left"}));
  EXPECT_EQ(refuse(""), (Refusal{ErrorKind::kDamaged,
                                 "f: has 0 bytes, expected a multiple of 3073; after 0 records 0 bytes are left"}));
}

TEST(CifarFolder, finds_batches_and_lists_missing_ones) {
  const TemporaryFolder folder;
  EXPECT_EQ(refusal_of([&] { find_cifar_files(folder.path()); }),
            (Refusal{ErrorKind::kMissing, folder.path() + ": this folder lacks data_batch_1.bin, test_batch.bin"}));
  write_file(folder.file("data_batch_1.bin"), "x");
  write_file(folder.file("data_batch_3.bin"), "x");
  write_file(folder.file("test_batch.bin"), "x");
  EXPECT_EQ(refusal_of([&] { find_cifar_files(folder.path()); }),
            (Refusal{ErrorKind::kMissing, folder.path() + ": this folder lacks data_batch_2.bin"}));
  write_file(folder.file("data_batch_2.bin"), "x");
  const CifarFolder found = find_cifar_files(folder.path());
  EXPECT_EQ(found.train, (std::vector<std::string>{folder.file("data_batch_1.bin"), folder.file("data_batch_2.bin"),
                                                   folder.file("data_batch_3.bin")}));
  EXPECT_EQ(found.test, folder.file("test_batch.bin"));
  write_file(folder.file("data_batch_5.bin"), "x");      // the last one that there is
  EXPECT_EQ(refusal_of([&] { find_cifar_files(folder.path()); }).message, folder.path() + ": this folder lacks data_batch_4.bin");
}

TEST(CifarFolder, looks_into_the_unpacked_archive) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.file("cifar-10-batches-bin"));
  write_file(folder.file("cifar-10-batches-bin/data_batch_1.bin"), "x");
  write_file(folder.file("cifar-10-batches-bin/test_batch.bin"), "x");
  EXPECT_EQ(find_cifar_files(folder.path()).test, folder.file("cifar-10-batches-bin/test_batch.bin"));
}

}  // namespace
}  // namespace cnnc::formats
