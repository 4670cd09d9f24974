// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// No name from a file can end a string, start a field, move the cursor or turn the line around.
#include "runtime/formats/text.h"

#include <gtest/gtest.h>

namespace cnnc::formats {
namespace {

TEST(EscapeTerminal, plain_text_stays) {
  const std::string text = "conv1.weight häß 数字 \\ \"";
  EXPECT_EQ(escape_terminal(text), text);
}

TEST(EscapeTerminal, control_characters_are_spelled_out) {
  EXPECT_EQ(escape_terminal("a\x1b[31mb\nc\x7f"), "a\\u{1b}[31mb\\u{a}c\\u{7f}");
  EXPECT_EQ(escape_terminal("\xc2\x9b"), "\\u{9b}");
  EXPECT_EQ(escape_terminal(std::string_view("\0", 1)), "\\u{0}");
}

TEST(EscapeTerminal, direction_and_invisible_marks_are_spelled_out) {
  EXPECT_EQ(escape_terminal("a\u202eb\u2066c\u200f\ufeff\u2028"), "a\\u{202e}b\\u{2066}c\\u{200f}\\u{feff}\\u{2028}");
}

TEST(EscapeTerminal, bytes_that_are_not_utf8_are_spelled_out) {
  EXPECT_EQ(escape_terminal("a\xff\xc3"), "a\\xff\\xc3");
  EXPECT_EQ(escape_terminal("\xc0\x9b"), "\\xc0\\x9b");              // Overlong.
  EXPECT_EQ(escape_terminal("\xed\xa0\x80"), "\\xed\\xa0\\x80");    // Half a surrogate pair.
  EXPECT_EQ(escape_terminal("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // Above U+10FFFF.
}

TEST(EscapeJson, quotes_controls_marks_and_bad_bytes) {
  EXPECT_EQ(quote_json("a\"b\\c\n\t\x01 ä"), "\"a\\\"b\\\\c\\n\\t\\u0001 ä\"");
  EXPECT_EQ(escape_json("\u202e\U000e0041"), "\\u202e\\udb40\\udc41");
  EXPECT_EQ(escape_json("\xff"), "\ufffd");
}

TEST(EscapeCsv, quotes_only_what_needs_it) {
  EXPECT_EQ(escape_csv("ankle boot"), "ankle boot");
  EXPECT_EQ(escape_csv(""), "");
  EXPECT_EQ(escape_csv("a,b"), "\"a,b\"");
  EXPECT_EQ(escape_csv("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(escape_csv("a\nb"), "a\\u{a}b");
  EXPECT_EQ(escape_csv(" a"), "\" a\"");
}

TEST(EscapeCsv, formulas_are_disarmed) {
  EXPECT_EQ(escape_csv("=1+1"), "'=1+1");
  EXPECT_EQ(escape_csv("@x,y"), "\"'@x,y\"");
}

TEST(QuoteName, long_names_are_shortened_in_the_middle) {
  EXPECT_EQ(quote_name("a\x1b"), "`a\\u{1b}`");
  const std::string long_name = std::string(150, 'a') + std::string(150, 'b');
  EXPECT_EQ(quote_name(long_name), "`" + std::string(100, 'a') + "…" + std::string(100, 'b') + "`");
}

}  // namespace
}  // namespace cnnc::formats
