// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tests of the AST: how a text is understood, which ranges its parts have.
#include <gtest/gtest.h>

#include "parsing.h"

namespace cnnc {
namespace {

/// The tree of an expression, on one line, with brackets where levels are.
std::string tree(const std::string& text) {
  Parsed parsed("const x = " + text);
  if (parsed.diagnostics.has_errors()) return parsed.errors();
  std::istringstream lines(dump_file(parsed.file));
  std::string line, result;
  size_t level = 2;
  for (int i = 0; std::getline(lines, line); ++i) {
    if (i < 2) continue;
    const size_t here = line.find_first_not_of(' ') / 2;
    for (; level < here; ++level) result += " (";
    for (; level > here; --level) result += ")";
    if (!result.empty() && !result.ends_with("(")) result += " ";
    result += line.substr(2 * here);
  }
  for (; level > 2; --level) result += ")";
  return result;
}

TEST(Parser, FollowsPrecedence) {
  EXPECT_EQ(tree("a + b * c"), "+ (name a * (name b name c))");
  EXPECT_EQ(tree("a - b - c"), "- (- (name a name b) name c)");
  EXPECT_EQ(tree("-a ^ 2"), "negate (^ (name a number 2))");
  EXPECT_EQ(tree("2 ^ -a ^ b"), "^ (number 2 negate (^ (name a name b)))");
  EXPECT_EQ(tree("not a == b and c or d"), "or (and (not (compare == (name a name b)) name c) name d)");
  EXPECT_EQ(tree("0 <= u < 7"), "compare <= < (number 0 name u number 7)");
}

TEST(Parser, KeepsPipesFlat) {
  EXPECT_EQ(tree("x -> f -> g(1)"), "pipe (name x stage f stage g (number 1))");
  EXPECT_EQ(tree("(x -> f) -> g"), tree("x -> f -> g"));
  EXPECT_EQ(tree("x -> repeat(i < 3) repeat(a, b in t) share(s) f"),
            "pipe (name x stage f shared as s (repeat (compare < (name i number 3)) repeat a b (name t)))");
}

TEST(Parser, ReadsNumbersAndUnits) {
  EXPECT_EQ(tree("10 epochs"), "quantity 10 epochs");
  EXPECT_EQ(tree("0.1x"), "quantity 0.1 x");
  EXPECT_EQ(tree("1e3x"), "quantity 1e3 x");
  EXPECT_EQ(tree("64MB"), "quantity 64 MB");
  EXPECT_EQ(tree("2.5e-3"), "number 2.5e-3");
}

TEST(Parser, TellsReductionsFromIndexing) {
  EXPECT_EQ(tree("sum[u < 2](x[u - 1 else 0])"),
            "call (index (name sum compare < (name u number 2)) index (name x - (name u number 1) else (number 0)))");
}

TEST(Parser, EndsStatementsAtLineEndsOnlyWhereTheyCan) {
  const Parsed parsed("block b(x) {\n  y = x ->\n    f(1,\n 2)\n  z = y\n    + 1\n  if a { z }\n  else { y }\n}\n");
  EXPECT_EQ(parsed.errors(), "");
  const auto& block = std::get<ast::Definition>(parsed.file.items.at(0).kind);
  EXPECT_EQ(block.body.statements.size(), 3u);
}

TEST(Parser, GivesNodesTheRangeOfTheirText) {
  const Parsed parsed("block b(x) { a + (x -> f(1)) }");
  const auto& block = std::get<ast::Definition>(parsed.file.items.at(0).kind);
  const auto text = [&](SourceRange range) { return parsed.sources.text(range); };
  EXPECT_EQ(text(block.body.range), "{ a + (x -> f(1)) }");
  const ast::Expr& sum = *std::get<ast::ExpressionStatement>(block.body.statements.at(0).kind).value;
  EXPECT_EQ(text(sum.range), "a + (x -> f(1))");
  const ast::Expr& pipe = *std::get<ast::Binary>(sum.kind).right;
  EXPECT_EQ(text(pipe.range), "(x -> f(1))");
  EXPECT_EQ(text(std::get<ast::Pipe>(pipe.kind).stages.at(0).range), "f(1)");
}

TEST(Parser, TakesCommentsAboveItemsAsDocumentation) {
  const Parsed parsed("# Not this.\n\n# One.\n#  Two.\nblock a(x) { x }\nblock b(x) { x }  # nor this\nblock c(x) { x }\n");
  EXPECT_EQ(parsed.file.items.at(0).documentation, "One.\n Two.");
  EXPECT_EQ(parsed.file.items.at(1).documentation, "");
  EXPECT_EQ(parsed.file.items.at(2).documentation, "");
}

TEST(Parser, ResolvesEscapes) {
  const Parsed parsed(R"(const s = "a \"b\" \\ \n\t ö")");
  const auto& constant = std::get<ast::Constant>(parsed.file.items.at(0).kind);
  EXPECT_EQ(std::get<ast::String>(constant.value->kind).value, "a \"b\" \\ \n\t ö");
}

TEST(Parser, GoesOnAfterErrors) {
  const Parsed parsed("block a(x) { x +* }\nblock b(x) {\n  y = ]\n  y -> f\n}\ntrain c { loss = ,; epochs = 5 }\n");
  EXPECT_EQ(parsed.diagnostics.error_count(), 3);
  EXPECT_EQ(parsed.file.items.size(), 3u);
  EXPECT_EQ(std::get<ast::Train>(parsed.file.items.at(2).kind).settings.size(), 1u);
}

TEST(ParseExpression, ReadsACommandLinesValue) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const ast::ExprPtr table = parse_expression(sources, sources.add("-D stages", "[[64, 3], [128, 4]]"), diagnostics);
  ASSERT_NE(table, nullptr);
  EXPECT_EQ(format_expression(*table), "[[64, 3], [128, 4]]");
  for (const char* wrong : {"", "1 2", "[1", "a = 3", "x; y", "block b(x) { x }"}) {
    EXPECT_EQ(parse_expression(sources, sources.add("-D a", wrong), diagnostics), nullptr) << wrong;
  }
  EXPECT_EQ(diagnostics.error_count(), 6) << diagnostics.render(false);
}

}  // namespace
}  // namespace cnnc
