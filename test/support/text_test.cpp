// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tests of the text helpers: edit distance, "did you mean", plural, escapes.
#include "support/text.h"

#include <gtest/gtest.h>

namespace cnnc {
namespace {

const std::vector<std::string> kLayers{"conv", "relu", "relu6", "maxpool", "avgpool", "batchnorm", "global_avgpool", "dense"};

TEST(EditDistance, CountsInsertionsDeletionsReplacementsAndSwaps) {
  EXPECT_EQ(edit_distance("relu", "relu"), 0u);
  EXPECT_EQ(edit_distance("", "relu"), 4u);
  EXPECT_EQ(edit_distance("rellu", "relu"), 1u);
  EXPECT_EQ(edit_distance("rleu", "relu"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Nearest, SuggestsWhatWasMeant) {
  EXPECT_EQ(nearest("batchNorm", kLayers), "batchnorm");
  EXPECT_EQ(nearest("batch_norm", kLayers), "batchnorm");
  EXPECT_EQ(nearest("rleu", kLayers), "relu");
  EXPECT_EQ(nearest("max_pol", kLayers), "maxpool");
}

TEST(Nearest, SuggestsNothingForWordsThatAreFarAway) {
  EXPECT_EQ(nearest("attention", kLayers), std::nullopt);
  EXPECT_EQ(nearest("x", kLayers), std::nullopt);
  EXPECT_EQ(nearest("", kLayers), std::nullopt);
  EXPECT_EQ(nearest(std::string(1 << 20, 'a'), kLayers), std::nullopt);
}

TEST(CountOf, UsesSingularAndPlural) {
  EXPECT_EQ(count_of(0, "error"), "0 errors");
  EXPECT_EQ(count_of(1, "error"), "1 error");
  EXPECT_EQ(count_of(2, "entry", "entries"), "2 entries");
}

TEST(JoinChoices, ReadsAsASentence) {
  EXPECT_EQ(join_choices({"a"}), "a");
  EXPECT_EQ(join_choices({"a", "b"}), "a or b");
  EXPECT_EQ(join_choices({"a", "b", "c"}, "and"), "a, b and c");
}

TEST(DecodeUtf8, RefusesWhatIsNoCharacter) {
  EXPECT_EQ(decode_utf8("ö").code, 0xf6u);
  EXPECT_EQ(decode_utf8("€").bytes, 3u);
  EXPECT_EQ(decode_utf8("😀").code, 0x1f600u);
  EXPECT_FALSE(decode_utf8("\xc0\xaf").valid) << "an overlong slash";
  EXPECT_FALSE(decode_utf8("\xed\xa0\x80").valid) << "a surrogate";
  EXPECT_FALSE(decode_utf8("\xf5\x80\x80\x80").valid) << "beyond Unicode";
  EXPECT_FALSE(decode_utf8("\xe2\x82").valid) << "cut off";
  EXPECT_FALSE(decode_utf8("\x80").valid) << "a continuation byte";
}

TEST(EscapeControl, ShowsWhatATerminalWouldObey) {
  EXPECT_EQ(escape_control("größe"), "größe");
  EXPECT_EQ(escape_control("a\x1b[31mb"), "a\\x1b[31mb");
  EXPECT_EQ(escape_control("a\nb"), "a\\x0ab");
  EXPECT_EQ(escape_control("a\u202eb"), "a\\u{202e}b");
  EXPECT_EQ(escape_control("a\xff"), "a\\xff");
  EXPECT_EQ(escape_control(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(Abbreviate, CutsAtACharactersBorder) {
  EXPECT_EQ(abbreviate("short", 10), "short");
  EXPECT_EQ(abbreviate("öööö", 3), "ö…");
}

}  // namespace
}  // namespace cnnc
