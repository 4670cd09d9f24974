// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tests of diagnostics: their exact text, with source lines of all kinds.
#include "support/diagnostic.h"

#include <gtest/gtest.h>

namespace cnnc {
namespace {

/// The text of one error about `range` in a file with this text.
std::string rendered(const std::string& text, uint32_t begin, uint32_t end) {
  SourceManager sources;
  const int32_t file = sources.add("a.cnn", text);
  Diagnostics diagnostics(sources);
  diagnostics.error(DiagnosticKind::SyntaxError, {file, begin, end}, "wrong");
  return diagnostics.render(false);
}

TEST(Diagnostics, ShowPlaceMessageKindAndAttachments) {
  SourceManager sources;
  const int32_t file = sources.add("lenet.cnn", "image\n    -> conv(16, kernel: 5) -> relu\n");
  Diagnostics diagnostics(sources);
  diagnostics.error(DiagnosticKind::ShapeMismatch, {file, 13, 32}, "`conv(16, kernel: 5)` needs an input of at least 5x5")
      .note("the shape comes from here", {file, 0, 5})
      .help("use `pad: same`");
  EXPECT_EQ(diagnostics.render(false),
            "lenet.cnn:2:8: error: `conv(16, kernel: 5)` needs an input of at least 5x5 [shape-mismatch]\n"
            "    2 |     -> conv(16, kernel: 5) -> relu\n"
            "      |        ^^^^^^^^^^^^^^^^^^^\n"
            "lenet.cnn:1:1: note: the shape comes from here\n"
            "    1 | image\n"
            "      | ^^^^^\n"
            "help: use `pad: same`\n");
}

TEST(Diagnostics, UnderlineBehindTabsAndUtf8) {
  EXPECT_EQ(rendered("\tx\ty", 3, 4), "a.cnn:1:4: error: wrong [syntax-error]\n    1 |     x   y\n      |         ^\n");
  EXPECT_EQ(rendered("größe ab", 8, 10), "a.cnn:1:9: error: wrong [syntax-error]\n    1 | größe ab\n      |       ^^\n");
  EXPECT_EQ(rendered("漢字 a", 7, 8), "a.cnn:1:8: error: wrong [syntax-error]\n    1 | 漢字 a\n      |      ^\n");
}

TEST(Diagnostics, EscapeWhatATerminalWouldObey) {
  EXPECT_EQ(rendered("a\x1b b", 3, 4), "a.cnn:1:4: error: wrong [syntax-error]\n    1 | a\\x1b b\n      |       ^\n");
  EXPECT_EQ(rendered("\xff b", 2, 3), "a.cnn:1:3: error: wrong [syntax-error]\n    1 | \\xff b\n      |      ^\n");
}

TEST(Diagnostics, ShowAPlaceBehindTheLine) {
  EXPECT_EQ(rendered("ab\ncd", 2, 2), "a.cnn:1:3: error: wrong [syntax-error]\n    1 | ab\n      |   ^\n");
  EXPECT_EQ(rendered("", 0, 0), "a.cnn:1:1: error: wrong [syntax-error]\n    1 | \n      | ^\n");
}

TEST(Diagnostics, UnderlineOnlyTheFirstOfSeveralLines) {
  EXPECT_EQ(rendered("a {\n b\n}", 2, 8), "a.cnn:1:3: error: wrong [syntax-error]\n    1 | a {\n      |   ^\n");
}

TEST(Diagnostics, CutLongLinesAroundTheRange) {
  const std::string text = std::string(500, 'a') + "X" + std::string(500, 'b');
  const std::string result = rendered(text, 500, 501);
  EXPECT_NE(result.find("… "), 0u);
  EXPECT_LT(result.size(), 500u);
  EXPECT_NE(result.find("aX"), std::string::npos);
  const std::string long_range = rendered(text, 0, 1001);
  EXPECT_LT(long_range.size(), 500u);
}

TEST(Diagnostics, CountErrorsBeyondTheMaximum) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  for (int i = 0; i < Diagnostics::kMaximum + 7; ++i) diagnostics.error(DiagnosticKind::SyntaxError, {}, "wrong").note("again");
  EXPECT_EQ(diagnostics.error_count(), Diagnostics::kMaximum + 7);
  EXPECT_EQ(diagnostics.all().size(), static_cast<size_t>(Diagnostics::kMaximum));
  EXPECT_TRUE(diagnostics.render(false).ends_with("\n7 further errors not shown\n"));
}

TEST(Diagnostics, PrintInTheOrderOfTheText) {
  SourceManager sources;
  const int32_t file = sources.add("a.cnn", "ab");
  Diagnostics diagnostics(sources);
  diagnostics.error(DiagnosticKind::SyntaxError, {file, 1, 2}, "second");
  diagnostics.error(DiagnosticKind::SyntaxError, {file, 0, 1}, "first");
  const std::string text = diagnostics.render(false);
  EXPECT_LT(text.find("first"), text.find("second"));
}

TEST(Diagnostics, WarningsBecomeErrorsOnlyWhenAsked) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  diagnostics.warning(DiagnosticKind::UnusedValue, {}, "odd");
  EXPECT_FALSE(diagnostics.has_errors());
  EXPECT_EQ(diagnostics.render(false), "warning: odd [unused-value]\n");
  diagnostics.make_warnings_errors();
  diagnostics.warning(DiagnosticKind::UnusedValue, {}, "odd");
  EXPECT_EQ(diagnostics.error_count(), 1);
}

TEST(Diagnostics, UseColourOnlyWhenAsked) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  diagnostics.error(DiagnosticKind::SyntaxError, {}, "wrong");
  EXPECT_EQ(diagnostics.render(false).find('\033'), std::string::npos);
  EXPECT_NE(diagnostics.render(true).find("\033[1;31merror:\033[0m"), std::string::npos);
}

}  // namespace
}  // namespace cnnc
