// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Expressions and bodies in canonical form. Line breaks of the source are kept where a line may break: before `->`, before
// an operator, between the items in brackets, before `else`, and in bodies; further ones are made where a line gets too long.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "syntax/ast.h"
#include "syntax/line_writer.h"

namespace cnnc {

class ExpressionPrinter {
 public:
  explicit ExpressionPrinter(LineWriter& out) : out_(out) {}

  static constexpr size_t kIndentation = 4;
  static constexpr size_t kMaximumColumns = 110;

  /// An expression where any may stand. A pipe whose first stage is on a new line goes on at `continuation`, if given.
  void print(const ast::Expr& expression, std::optional<size_t> continuation = {});
  /// A body; its lines are indented from `indentation`, or from the line that its brace stands on.
  void print_body(const ast::Body& body, std::optional<size_t> indentation = {});
  void print_shape(const ast::Shape& shape);
  void print_parameters(const ast::Name& name, const std::vector<ast::Parameter>& parameters, uint32_t end);
  void print_string(std::string_view value);
  void write(std::string_view text) { out_.write(text); }

  /// `{ a; b }` on one line, or one element a line. `range` reaches from the opening brace, or something on its line, to the
  /// closing one.
  struct Block {
    SourceRange range;
    std::vector<SourceRange> elements;
    std::function<void(ExpressionPrinter&, size_t index, bool on_one_line)> print;
    std::optional<size_t> indentation{};  // of the closing brace; that of the line if not given
  };
  void print_block(const Block& block);
  /// Widths to which the names of the bindings are padded, so that `=` stands where it was aligned in the source.
  static std::vector<size_t> binding_widths(const std::vector<const ast::Name*>& names, const std::vector<SourceRange>& ranges, const LineWriter& out);

 private:
  /// A part in brackets: where it stands, and how it is printed.
  struct Item {
    SourceRange range;
    std::function<void(ExpressionPrinter&)> print;
  };
  void print_at(const ast::Expr& expression, int minimum);
  void print_kind(const ast::Expr& expression, std::optional<size_t> continuation);
  /// Items between brackets whose text reaches from `begin` to `end`. Indices do not break where the source has no break.
  void print_items(const char* open, const std::vector<Item>& items, const char* close, uint32_t begin, uint32_t end, bool may_break);
  void print_arguments(const std::vector<ast::Argument>& arguments, uint32_t begin, uint32_t end);
  bool print_table(const ast::List& list, SourceRange range);
  void print_binary(const ast::Binary& binary);
  void print_comparison(const ast::Comparison& comparison);
  void print_conditional(const ast::If& conditional);
  void print_pipe(const ast::Pipe& pipe, std::optional<size_t> continuation);
  void print_stage(const ast::Stage& stage);
  void print_statement(const ast::Statement& statement, size_t name_width, bool first);
  /// A line break if the source has one between the offsets, else a blank.
  void blank_or_line(uint32_t end, uint32_t begin, size_t indentation);
  std::vector<size_t> stage_widths(const ast::Pipe& pipe) const;

  static std::string on_one_line(const std::function<void(ExpressionPrinter&)>& print);

  LineWriter& out_;
};

}  // namespace cnnc
