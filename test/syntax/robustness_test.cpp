// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// No text crashes the parser, exhausts its stack or takes it long: deep nesting, long lists, big tokens, bytes of all kinds.
#include <gtest/gtest.h>

#include <ctime>
#include <random>

#include "parsing.h"
#include "support/limits.h"

namespace cnnc {
namespace {

std::string repeated(const std::string& part, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += part;
  return result;
}

/// Parses and prints. The canonical form of a text without errors has none, the same tree, and is its own canonical form.
void survive(const std::string& text) {
  const Parsed parsed(text);
  parsed.errors();
  if (parsed.diagnostics.has_errors()) return;
  const std::string once = parsed.formatted();
  const Parsed again(once);
  ASSERT_EQ(again.errors(), "") << text;
  ASSERT_EQ(dump_file(again.file), dump_file(parsed.file)) << text;
  ASSERT_EQ(again.formatted(), once) << text;
}

struct Nesting {
  const char* name;
  std::string head, open, middle, close, tail;
};

class Nested : public testing::TestWithParam<Nesting> {};

TEST_P(Nested, WorksWhereItIsModest) {
  const Nesting& n = GetParam();
  const Parsed parsed(n.head + repeated(n.open, 100) + n.middle + repeated(n.close, 100) + n.tail);
  EXPECT_EQ(parsed.errors(), "");
  EXPECT_EQ(Parsed(parsed.formatted()).errors(), "");
}

TEST_P(Nested, IsRefusedWhereItIsExtreme) {
  const Nesting& n = GetParam();
  for (const int depth : {1000, 100'000}) {
    const Parsed parsed(n.head + repeated(n.open, depth) + n.middle + repeated(n.close, depth) + n.tail);
    EXPECT_NE(parsed.errors().find("[limit-exceeded]"), std::string::npos) << depth;
    EXPECT_EQ(parsed.diagnostics.error_count(), 1) << parsed.errors();
  }
}

TEST_P(Nested, IsRefusedWithoutItsEnd) {
  const Nesting& n = GetParam();
  const Parsed parsed(n.head + repeated(n.open, 100'000));
  EXPECT_TRUE(parsed.diagnostics.has_errors());
}

INSTANTIATE_TEST_SUITE_P(
    Syntax, Nested,
    testing::Values(Nesting{"Parentheses", "const a = ", "f(", "x", ")", ""}, Nesting{"Lists", "const a = ", "[", "1", "]", ""},
                    Nesting{"Indices", "const a = ", "x[", "1", "]", ""}, Nesting{"Conditionals", "const a = ", "if c { ", "1", " } else { 2 }", ""},
                    Nesting{"ElseIf", "const a = ", "if c { 1 } else ", "{ 2 }", "", ""}, Nesting{"Minus", "const a = ", "- ", "x", "", ""},
                    Nesting{"Not", "const a = ", "not ", "x", "", ""}, Nesting{"Sum", "const a = ", "x + ", "x", "", ""},
                    Nesting{"Power", "const a = ", "x ^ ", "x", "", ""}, Nesting{"Members", "const a = x", ".y", "", "", ""},
                    Nesting{"Indexing", "const a = x", "[0]", "", "", ""}, Nesting{"PipesInArguments", "const a = ", "x -> f(", "y", ")", ""},
                    Nesting{"Repeats", "const a = ", "x -> repeat(", "2", ") f", ""}),
    [](const auto& test) { return test.param.name; });

/// Time of the processor, so that a busy machine changes nothing.
double seconds_since(std::clock_t start) { return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC; }

/// Fails when parsing and printing take long; generous, for slow machines and sanitizers.
void expect_fast(const std::string& text) {
  const std::clock_t start = std::clock();
  const Parsed parsed(text);
  EXPECT_EQ(parsed.errors(), "");
  EXPECT_FALSE(parsed.formatted().empty());
  EXPECT_LT(seconds_since(start), 20);
}

TEST(LongFiles, PipeOfTenThousandStages) { expect_fast("block b(x) { x" + repeated(" -> relu", 10'000) + " }"); }
TEST(LongFiles, PipeOfTenThousandLines) { expect_fast("block b(x) { x" + repeated("\n-> conv(8, kernel: 3)", 10'000) + " }"); }
TEST(LongFiles, TenThousandStatements) { expect_fast("block b(x) {\n" + repeated("x = x -> relu\n", 10'000) + "x }"); }
TEST(LongFiles, TenThousandItems) { expect_fast(repeated("# A block.\nblock b(x) { x }\n", 10'000)); }
TEST(LongFiles, ListOfAHundredThousandNumbers) { expect_fast("const a = [" + repeated("1, ", 100'000) + "]"); }
TEST(LongFiles, TableOfTenThousandRows) { expect_fast("const a = [\n" + repeated("[1, 22, x],\n", 10'000) + "]"); }

/// Texts in which everything is wrong take no longer.
TEST(LongFiles, ErrorsWithoutEnd) {
  const std::clock_t start = std::clock();
  for (const char* part : {"a b;", "a b\n", "]", "}", "(}", "{)", "- -a\n", "x y.z(\n", "nn.a b;", "# c\n'", "\"a\n", "if c { x }\n", "f (x)\n", "def f\n"}) {
    survive(repeated(part, 30'000));
    survive("block b(x) {\n" + repeated(part, 30'000));
  }
  EXPECT_LT(seconds_since(start), 60);
}

TEST(BigTokens, OfOneMegabyte) {
  const int size = 1 << 20;
  survive("const " + repeated("a", size) + " = 1");
  survive("const a = " + repeated("1", size));
  survive("const a = \"" + repeated("x", size) + "\"");
  survive("const a = \"" + repeated("x", size));
  survive("# " + repeated("c", size));
  survive(repeated("*", size));
  survive(repeated(";", size));
  survive(repeated(" ", size));
  survive(repeated("\xff", size));
  survive(std::string(size, '\0'));
  survive("\"" + std::string(size, '\0') + "\"");
  survive("/*" + repeated("* ", size));
  survive("'" + repeated("x", size));
}

TEST(BigTokens, FileBeyondTheLimitIsRefused) {
  const Parsed parsed(std::string(limits::kMaximumSourceBytes + 1, ' '));
  EXPECT_NE(parsed.errors().find("a source file has at most 16 MB [limit-exceeded]"), std::string::npos);
}

TEST(Bytes, LineEndsOfWindowsAndMissingOnes) {
  const Parsed unix_lines("block b(x) {\n  y = x # c\n  y\n}\n");
  const Parsed windows_lines("\xEF\xBB\xBF" "block b(x) {\r\n  y = x # c\r\n  y\r\n}");
  EXPECT_EQ(windows_lines.errors(), "");
  EXPECT_EQ(windows_lines.formatted(), unix_lines.formatted());
}

TEST(Bytes, TextThatIsNotUtf8IsAnError) {
  const Parsed parsed("# caf\xe9\nblock b(x) { x }\n");
  EXPECT_NE(parsed.errors().find("test.cnn:1:6: error: the file is not UTF-8 text [bad-character]"), std::string::npos) << parsed.errors();
}

TEST(Bytes, NulIsAnError) {
  const Parsed parsed(std::string("block b(x) { x\0 }", 18));
  EXPECT_TRUE(parsed.diagnostics.has_errors());
  EXPECT_EQ(parsed.errors().find('\0'), std::string::npos);
}

TEST(Bytes, RandomOnesAreSurvived) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (int i = 0; i < 200; ++i) text += static_cast<char>(random() % (round % 2 ? 256 : 128));
    survive(text);
  }
}

TEST(Mutations, OfARealFileAreSurvived) {
  const std::string original = read_input("messy.cnn");
  std::mt19937 random(2);
  const std::string signs = "(){}[],:;=->+-*/^.#\"'\n x1";
  for (int round = 0; round < 1500; ++round) {
    std::string text = original;
    for (unsigned edits = 1 + random() % 4; edits > 0; --edits) {
      const size_t place = random() % text.size();
      switch (random() % 4) {
        case 0: text.erase(place, 1 + random() % 20); break;
        case 1: text.insert(place, 1, signs[random() % signs.size()]); break;
        case 2: text[place] = signs[random() % signs.size()]; break;
        default: text.resize(place + 1); break;
      }
    }
    survive(text);
  }
}

}  // namespace
}  // namespace cnnc
