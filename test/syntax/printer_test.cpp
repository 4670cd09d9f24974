// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tests of the canonical form: printing what was printed changes nothing, the tree stays the same, no comment is lost.
#include <gtest/gtest.h>

#include <algorithm>

#include "parsing.h"

namespace cnnc {
namespace {

size_t comment_count(const ast::File& file) { return file.comments.size(); }

class CanonicalForm : public testing::TestWithParam<const char*> {};

TEST_P(CanonicalForm, KeepsTheTreeAndTheComments) {
  const Parsed original(read_input(GetParam()));
  ASSERT_EQ(original.errors(), "");
  ASSERT_FALSE(original.file.items.empty());
  const Parsed printed(original.formatted());
  ASSERT_EQ(printed.errors(), "");
  EXPECT_EQ(dump_file(printed.file), dump_file(original.file));
  ASSERT_EQ(comment_count(printed.file), comment_count(original.file));
  for (size_t i = 0; i < original.file.comments.size(); ++i) {
    EXPECT_EQ(printed.file.comments[i].text, original.file.comments[i].text);
  }
}

TEST_P(CanonicalForm, ChangesNothingWhenPrintedAgain) {
  const Parsed original(read_input(GetParam()));
  const std::string once = original.formatted();
  EXPECT_EQ(Parsed(once).formatted(), once);
}

TEST_P(CanonicalForm, IsTheSameForLineEndsOfWindows) {
  const Parsed original(read_input(GetParam()));
  std::string windows = original.formatted();
  for (size_t i = 0; (i = windows.find('\n', i)) != std::string::npos; i += 2) windows.insert(i, 1, '\r');
  EXPECT_EQ(Parsed(windows).formatted(), original.formatted());
}

INSTANTIATE_TEST_SUITE_P(Inputs, CanonicalForm,
                         testing::Values("messy.cnn", "messy.formatted.cnn", "networks.cnn", "training.cnn", "own_layers.cnn", "comments.cnn"));

/// A text, parsed and printed.
std::string formatted(const std::string& text) {
  const Parsed parsed(text);
  return parsed.errors() + parsed.formatted();
}

TEST(Format, HasAKnownFormForEverything) { EXPECT_EQ(formatted(read_input("messy.cnn")), read_input("messy.formatted.cnn")); }

TEST(Format, LeavesAnEmptyFileEmpty) {
  EXPECT_EQ(formatted(""), "");
  EXPECT_EQ(formatted("\n\n\n"), "");
  EXPECT_EQ(formatted("\n\n# only this\n\n\n"), "# only this\n");
}

TEST(Format, BreaksPipesThatAreTooLong) {
  std::string text = "block b(x) { x";
  for (int i = 0; i < 40; ++i) text += " -> layer" + std::to_string(i);
  const std::string once = formatted(text + " }");
  EXPECT_EQ(formatted(once), once);
  std::istringstream lines(once);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 110u) << line;
}

TEST(Format, BracketsAValueThatWouldStartALineWithAMinus) {
  EXPECT_EQ(formatted("block b(x) {\n y = x; -y }"), "block b(x) {\n    y = x\n    (-y)\n}\n");
}

TEST(FormatExpression, PutsBracketsWhereTheTreeNeedsThem) {
  // Trees that no text gave: the printer itself has to add brackets.
  const auto name = [](const char* text) {
    auto e = std::make_unique<ast::Expr>();
    e->kind = ast::Reference{text};
    return e;
  };
  auto sum = std::make_unique<ast::Expr>();
  sum->kind = ast::Binary{ast::BinaryOperator::Add, name("a"), name("b")};
  auto difference = std::make_unique<ast::Expr>();
  difference->kind = ast::Binary{ast::BinaryOperator::Subtract, name("c"), std::move(sum)};
  EXPECT_EQ(format_expression(*difference), "c - (a + b)");
  ast::Pipe pipe;
  pipe.input = std::move(difference);
  pipe.stages.push_back({{}, std::nullopt, {"relu", {}}, false, {}, {}});
  ast::Expr piped;
  piped.kind = std::move(pipe);
  EXPECT_EQ(format_expression(piped), "(c - (a + b)) -> relu");
}

TEST(FormatExpression, IsOneLine) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const ast::ExprPtr e = parse_expression(sources, sources.add("e", "x -> f(a,\n  b: 2) -> g(if c {\n  y = 1\n y } else { 0.1x })"), diagnostics);
  ASSERT_NE(e, nullptr);
  EXPECT_EQ(format_expression(*e), "x -> f(a, b: 2) -> g(if c { y = 1; y } else { 0.1x })");
}

TEST(Dump, ShowsOneNodeALine) {
  const Parsed parsed("network n(image: [1, 28, 28], k = 3) { image -> conv(6, kernel: k) -> relu }");
  EXPECT_EQ(dump_file(parsed.file),
            "file\n"
            "  network n\n"
            "    parameter image\n"
            "      shape\n"
            "        number 1\n"
            "        number 28\n"
            "        number 28\n"
            "    parameter k\n"
            "      number 3\n"
            "    body\n"
            "      value\n"
            "        pipe\n"
            "          name image\n"
            "          stage conv\n"
            "            number 6\n"
            "            argument kernel\n"
            "              name k\n"
            "          stage relu\n");
}

}  // namespace
}  // namespace cnnc
