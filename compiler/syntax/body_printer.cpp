// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bodies in canonical form: on one line if the source had them so and they fit, else a line for each statement.
#include <algorithm>

#include "syntax/expression_printer.h"

namespace cnnc {
namespace {

/// Whether the text of an expression begins with a minus sign; a line must not.
bool begins_with_minus(const ast::Expr& expression) {
  const ast::Expr* leftmost = &expression;
  while (!leftmost->parenthesized) {
    if (const auto* unary = std::get_if<ast::Unary>(&leftmost->kind)) return unary->op == ast::UnaryOperator::Negate;
    if (const auto* binary = std::get_if<ast::Binary>(&leftmost->kind)) {
      leftmost = binary->left.get();
    } else if (const auto* comparison = std::get_if<ast::Comparison>(&leftmost->kind)) {
      leftmost = comparison->operands.front().get();
    } else {
      return false;
    }
  }
  return false;
}

}  // namespace

void ExpressionPrinter::print_block(const Block& block) {
  if (block.elements.empty() && !out_.has_comment(block.range)) return out_.write("{ }");
  const auto print_flat = [&](ExpressionPrinter& printer) {
    printer.out_.write("{ ");
    for (size_t i = 0; i < block.elements.size(); ++i) {
      if (i > 0) printer.out_.write("; ");
      block.print(printer, i, true);
    }
    printer.out_.write(" }");
  };
  if (!out_.sources()) return print_flat(*this);
  if (out_.same_line(block.range.begin, block.range.end) && !out_.has_comment(block.range)) {
    const std::string flat = on_one_line(print_flat);
    if (out_.column() + text_width(flat) <= kMaximumColumns) return out_.write(flat);
  }
  const size_t indentation = block.indentation.value_or(out_.indentation());
  out_.write("{");
  for (size_t i = 0; i < block.elements.size(); ++i) {
    out_.next_element(block.elements[i].begin, indentation + kIndentation, i == 0);
    block.print(*this, i, false);
    out_.element_written(block.elements[i].end);
  }
  // Comments before the closing brace belong to the body; the brace itself has no empty line before it.
  out_.close_block(block.range.end - 1, indentation, block.elements.empty());
  out_.write("}");
}

std::vector<size_t> ExpressionPrinter::binding_widths(const std::vector<const ast::Name*>& names, const std::vector<SourceRange>& ranges,
                                                      const LineWriter& out) {
  std::vector<size_t> widths(names.size(), 0);
  if (!out.sources()) return widths;
  const SourceFile& source = out.sources()->file(out.source());
  const auto equals_column = [&](size_t i) -> std::optional<uint32_t> {
    if (!names[i]) return std::nullopt;
    const size_t equals = source.text.find('=', names[i]->range.end);
    return out.sources()->position(out.source(), static_cast<uint32_t>(equals)).column;
  };
  for (size_t first = 0, last = 0; first < names.size(); first = last) {
    const std::optional<uint32_t> column = equals_column(first);
    bool padded = false;
    size_t width = 0;
    for (last = first; last < names.size(); ++last) {
      if (last > first && (equals_column(last) != column || out.line_of(ranges[last].begin) != out.line_of(ranges[last - 1].end) + 1)) break;
      if (!column) continue;
      padded = padded || (source.text[names[last]->range.end] == ' ' && source.text[names[last]->range.end + 1] == ' ');
      width = std::max(width, names[last]->text.size());
    }
    if (!column || !padded || last - first < 2) continue;
    for (size_t i = first; i < last; ++i) widths[i] = width;
  }
  return widths;
}

void ExpressionPrinter::print_body(const ast::Body& body, std::optional<size_t> indentation) {
  Block block{body.range, {}, {}, indentation};
  std::vector<const ast::Name*> names;
  for (const ast::Statement& statement : body.statements) {
    block.elements.push_back(statement.range);
    const auto* bind = std::get_if<ast::Bind>(&statement.kind);
    names.push_back(bind ? &bind->name : nullptr);
  }
  const std::vector<size_t> widths = binding_widths(names, block.elements, out_);
  block.print = [&](ExpressionPrinter& printer, size_t i, bool on_one_line) {
    printer.print_statement(body.statements[i], on_one_line ? 0 : widths[i], i == 0 || on_one_line);
  };
  print_block(block);
}

void ExpressionPrinter::print_statement(const ast::Statement& statement, size_t name_width, bool first) {
  const size_t continuation = out_.indentation() + kIndentation;
  struct Visitor {
    ExpressionPrinter& self;
    LineWriter& out;
    size_t name_width, continuation;
    bool first;

    void operator()(const ast::Bind& s) {
      out.write(s.name.text);
      out.write(std::string(name_width - std::min(name_width, s.name.text.size()), ' '));
      value(s.value);
    }
    void operator()(const ast::Equation& s) {
      self.print(*s.target);
      value(s.value);
    }
    void operator()(const ast::WeightDeclaration& s) {
      out.write(s.is_state ? "state " : "weight ");
      out.write(s.name.text + ": ");
      self.print_shape(s.shape);
      value(s.initial);
    }
    void operator()(const ast::Update& s) {
      out.write("update ");
      self.print(*s.target);
      value(s.value);
    }
    void operator()(const ast::Return& s) {
      out.write("return ");
      const size_t start = out.column();
      for (size_t i = 0; i < s.results.size(); ++i) {
        const ast::Result& result = s.results[i];
        if (i > 0) {
          out.write(",");
          self.blank_or_line(s.results[i - 1].value->range.end, result.name.range.begin, start);
        }
        out.write(result.name.text + ": ");
        self.print(*result.value);
      }
    }
    void operator()(const ast::ExpressionStatement& s) {
      const bool brackets = !first && begins_with_minus(*s.value);
      if (brackets) out.write("(");
      self.print(*s.value);
      if (brackets) out.write(")");
    }
    void value(const ast::ExprPtr& expression) {
      out.write(" = ");
      self.print(*expression, continuation);
    }
  };
  std::visit(Visitor{*this, out_, name_width, continuation, first}, statement.kind);
}

}  // namespace cnnc
