// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// .safetensors round trips, reads what the reference library writes, and writes the same bytes always.
#include "runtime/formats/safetensors.h"

#include "helpers.h"

namespace cnnc::formats {
namespace {

const std::vector<float> kWeights = {1, -2, 3.5f, 0, 5, 6};
const std::vector<double> kMoments = {0.1, 0.2};

TEST(Safetensors, round_trip) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.safetensors");
  const std::vector<TensorView> views = {
      view_of("conv1.weight", {2, 3}, kWeights), view_of("moments", {2}, kMoments),
      view_of("loss", {}, std::span(kWeights).first(1)), view_of("empty", {0, 7}, std::span<const float>())};
  write_safetensors(path, views, {{"step", "12"}, {"name \"quoted\" \n\u202e", "ä\\"}});
  const Safetensors file = read_safetensors(path);
  ASSERT_EQ(file.tensors.size(), 4u);
  EXPECT_EQ(file.metadata, (Metadata{{"step", "12"}, {"name \"quoted\" \n\u202e", "ä\\"}}));
  const Tensor* weight = file.find("conv1.weight");
  ASSERT_NE(weight, nullptr);
  EXPECT_EQ(weight->shape, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(file.floats(*weight), kWeights);
  EXPECT_EQ(file.doubles(*file.find("moments")), kMoments);
  EXPECT_TRUE(file.find("loss")->shape.empty());
  EXPECT_EQ(file.floats(*file.find("loss")), std::vector<float>{1});
  EXPECT_EQ(file.find("empty")->elements(), 0u);
  EXPECT_EQ(file.find("none"), nullptr);
}

TEST(Safetensors, exact_bytes) {
  const TemporaryFolder folder;
  const std::vector<float> one = {1};
  const std::vector<TensorView> views = {view_of("a", {1}, one)};
  write_safetensors(folder.file("a"), views, {});
  const std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  EXPECT_EQ(read_text(folder.file("a")), std::string("\x38\0\0\0\0\0\0\0", 8) + header + "  " + std::string("\0\0\x80\x3f", 4));
}

TEST(Safetensors, order_of_tensors_does_not_change_the_bytes) {
  const TemporaryFolder folder;
  const TensorView first = view_of("b", {6}, kWeights);
  const TensorView second = view_of("a", {6}, kWeights);
  const TensorView third = view_of("c", {2}, kMoments);
  write_safetensors(folder.file("one"), std::vector{first, second, third}, {{"k", "v"}});
  write_safetensors(folder.file("two"), std::vector{third, second, first}, {{"k", "v"}});
  EXPECT_EQ(read_text(folder.file("one")), read_text(folder.file("two")));
  EXPECT_EQ(read_safetensors(folder.file("one")).tensors[0].name, "c");  // The largest elements come first.
}

TEST(Safetensors, reads_what_the_reference_library_writes) {
  const Safetensors file = read_safetensors(data_file("official.safetensors"));
  EXPECT_EQ(file.metadata, (Metadata{{"made", "by the reference library"}}));
  EXPECT_EQ(file.floats(*file.find("conv1.weight")), (std::vector<float>{0, 0.25f, 0.5f, 0.75f, 1, 1.25f}));
  EXPECT_EQ(file.floats(*file.find("half")), (std::vector<float>{0.5f, -2, 65504, 0x1p-24f}));
  EXPECT_EQ(file.doubles(*file.find("brain")), (std::vector<double>{1, -3, 2.5}));
  EXPECT_EQ(file.doubles(*file.find("double")), std::vector<double>{0.1});
  EXPECT_EQ(file.find("num_batches_tracked")->type, ElementType::I64);
  EXPECT_EQ(file.doubles(*file.find("num_batches_tracked")), std::vector<double>{7});
  EXPECT_EQ(file.find("empty")->shape, (std::vector<std::uint64_t>{0, 4}));
}

TEST(Safetensors, reads_every_escape_of_json) {
  const std::string header = R"({"__metadata__":{"k":"\"\\\/\b\f\n\r\t\u00e4\ud83d\ude00\udbff\udfff\uABCD\uEEFF\uffff"}})";
  std::string content(8, '\0');
  content[0] = static_cast<char>(header.size());
  const Safetensors file = parse_safetensors(bytes_of(content + header), "f");
  EXPECT_EQ(file.metadata.at("k"), "\"\\/\b\f\n\r\tä😀\U0010ffff\uABCD\uEEFF\uffff");
}

TEST(Safetensors, bytes_stay_valid_when_the_file_moves) {
  Safetensors file = read_safetensors(data_file("official.safetensors"));
  const Safetensors moved = std::move(file);
  EXPECT_EQ(moved.floats(*moved.find("brain")), (std::vector<float>{1, -3, 2.5f}));
}

TEST(Safetensors, refuses_to_write_what_it_would_not_read) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  const auto write = [&](std::vector<TensorView> views, const Metadata& metadata = {}) {
    return refusal_of([&] { write_safetensors(path, views, metadata); });
  };
  EXPECT_EQ(write({view_of("a", {6}, kWeights), view_of("a", {2, 3}, kWeights)}),
            (Refusal{ErrorKind::kDamaged, path + ": tensor `a` is to be written twice"}));
  EXPECT_EQ(write({view_of("a", {5}, kWeights)}),
            (Refusal{ErrorKind::kDamaged, path + ": tensor `a` of shape [5] is to be written from 24 bytes"}));
  EXPECT_EQ(write({view_of("__metadata__", {6}, kWeights)}),
            (Refusal{ErrorKind::kDamaged, path + ": tensor `__metadata__` has the name of the metadata"}));
  EXPECT_EQ(write({}, {{"k", "\xff"}}),
            (Refusal{ErrorKind::kDamaged, path + ": cannot hold the name or value `\\xff`: not UTF-8"}));
  EXPECT_EQ(write({}, {{"\xff", "v"}}),
            (Refusal{ErrorKind::kDamaged, path + ": cannot hold the name or value `\\xff`: not UTF-8"}));
  std::vector<std::uint64_t> many(33, 1);
  many[0] = 6;
  EXPECT_EQ(write({view_of("a", many, kWeights)}),
            (Refusal{ErrorKind::kLimit, path + ": tensor `a` has more than 32 dimensions"}));
  EXPECT_TRUE(folder.names().empty());
}

TEST(Safetensors, reads_the_largest_header_that_it_writes) {
  const TemporaryFolder folder;
  const std::size_t around = std::string(R"({"__metadata__":{"k":""}})").size(), room = kMaxSafetensorsHeaderBytes - around;
  std::string value(room % 4, 'v');      // the rest in characters of four bytes, which are looked at four times as fast
  value.reserve(room + 1);
  while (value.size() < room) value += "😀";
  Metadata metadata;
  metadata["k"] = std::move(value);
  write_safetensors(folder.file("largest"), {}, metadata);
  EXPECT_TRUE(read_safetensors(folder.file("largest")).metadata == metadata);      // without printing 100 MB when it is not
  metadata["k"] += 'v';      // a header is filled up to a multiple of 8
  const std::string path = folder.file("larger");
  EXPECT_EQ(refusal_of([&] { write_safetensors(path, {}, metadata); }),
            (Refusal{ErrorKind::kLimit, path + ": would need a header of 100000008 bytes, more than the limit"}));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"largest"});
}

TEST(Safetensors, checksum_is_verified) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  const std::vector<float> no_values;
  const std::vector<double> no_doubles;
  // Empty tensors share their offset with others: their order in the file must not matter.
  const std::vector<TensorView> views = {view_of("w", {6}, kWeights), view_of("z", {0}, no_doubles),
                                         view_of("b", {0}, no_values)};
  write_safetensors(path, views, {{"step", "3"}}, {.rotation = Rotation::kReplace, .checksum = true});
  const Safetensors file = read_safetensors(path);
  EXPECT_EQ(file.metadata.at("step"), "3");
  EXPECT_EQ(file.metadata.at("checksum").size(), std::string("crc32:01234567").size());
  verify_checksum(file);
  EXPECT_EQ(refusal_of([] { verify_checksum(read_safetensors(data_file("official.safetensors"))); }),
            (Refusal{ErrorKind::kDamaged, data_file("official.safetensors") + ": carries no checksum"}));
}

TEST(Safetensors, checksum_of_known_bytes) {
  EXPECT_EQ(checksum(bytes_of("123456789")), 0xcbf43926u);
  EXPECT_EQ(checksum(bytes_of("6789"), checksum(bytes_of("12345"))), 0xcbf43926u);
  EXPECT_EQ(checksum({}, 17), 17u);
}

TEST(Safetensors, rotation_keeps_the_checkpoint_before) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  const SafetensorsOptions options = {.rotation = Rotation::kKeepPrevious, .checksum = true};
  const std::vector<TensorView> views = {view_of("w", {6}, kWeights)};
  write_safetensors(path, views, {{"step", "1"}}, options);
  write_safetensors(path, views, {{"step", "2"}}, options);
  EXPECT_EQ(read_safetensors(path).metadata.at("step"), "2");
  EXPECT_EQ(read_safetensors(previous_path(path)).metadata.at("step"), "1");
}

}  // namespace
}  // namespace cnnc::formats
