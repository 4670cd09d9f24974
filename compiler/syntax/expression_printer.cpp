// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Expressions of all kinds but pipes (pipe_printer.cpp), in canonical form.
#include "syntax/expression_printer.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/check.h"
#include "syntax/spelling.h"

namespace cnnc {
namespace {

// How tight an expression binds, as in grammar/cnn.y.
enum Precedence { kAny, kOr, kAnd, kNot, kComparison, kSum, kTerm, kSigned, kPower, kPostfix };

int precedence(ast::BinaryOperator op) {
  switch (op) {
    case ast::BinaryOperator::Or: return kOr;
    case ast::BinaryOperator::And: return kAnd;
    case ast::BinaryOperator::Add:
    case ast::BinaryOperator::Subtract: return kSum;
    case ast::BinaryOperator::Multiply:
    case ast::BinaryOperator::Divide:
    case ast::BinaryOperator::Modulo: return kTerm;
    case ast::BinaryOperator::Power: return kPower;
  }
  CNNC_CHECK(false, "an operator without a precedence");
}

int precedence(const ast::Expr& expression) {
  if (std::holds_alternative<ast::Pipe>(expression.kind)) return kAny;
  if (const auto* binary = std::get_if<ast::Binary>(&expression.kind)) return precedence(binary->op);
  if (const auto* unary = std::get_if<ast::Unary>(&expression.kind)) return unary->op == ast::UnaryOperator::Not ? kNot : kSigned;
  return std::holds_alternative<ast::Comparison>(expression.kind) ? kComparison : kPostfix;
}

SourceRange argument_range(const ast::Argument& argument) {
  return argument.name ? cover(argument.name->range, argument.value->range) : argument.value->range;
}

}  // namespace

std::string ExpressionPrinter::on_one_line(const std::function<void(ExpressionPrinter&)>& print) {
  LineWriter out(nullptr, nullptr);
  ExpressionPrinter printer(out);
  print(printer);
  std::string text = out.finish();
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

void ExpressionPrinter::print(const ast::Expr& expression, std::optional<size_t> continuation) {
  if (!expression.parenthesized) return print_kind(expression, continuation);
  out_.write("(");
  print_kind(expression, {});
  out_.write(")");
}

void ExpressionPrinter::print_at(const ast::Expr& expression, int minimum) {
  const bool needs_brackets = !expression.parenthesized && precedence(expression) < minimum;
  if (needs_brackets) out_.write("(");
  print(expression);
  if (needs_brackets) out_.write(")");
}

void ExpressionPrinter::print_string(std::string_view value) {
  out_.write(spell_string(value));
}

void ExpressionPrinter::blank_or_line(uint32_t end, uint32_t begin, size_t indentation) {
  if (out_.same_line(end, begin)) {
    out_.write(" ");
  } else {
    out_.next_line(begin, indentation);
  }
}

void ExpressionPrinter::print_kind(const ast::Expr& expression, std::optional<size_t> continuation) {
  struct Visitor {
    ExpressionPrinter& self;
    LineWriter& out;
    const ast::Expr& expression;
    std::optional<size_t> continuation;

    void operator()(const ast::Error&) { out.write("<error>"); }
    void operator()(const ast::Number& e) { out.write(e.text.empty() ? fmt::format("{}", e.value) : e.text); }
    void operator()(const ast::Quantity& e) {
      out.write(e.number_text.empty() ? fmt::format("{}", e.value) : e.number_text);
      if (e.unit != ast::Unit::Times) out.write(" ");
      out.write(spell_unit(e.unit, e.value));
    }
    void operator()(const ast::String& e) { self.print_string(e.value); }
    void operator()(const ast::Boolean& e) { out.write(e.value ? "true" : "false"); }
    void operator()(const ast::Reference& e) { out.write(e.name); }
    void operator()(const ast::List& e) {
      if (self.print_table(e, expression.range)) return;
      std::vector<Item> items;
      for (const ast::ExprPtr& item : e.items) {
        items.push_back({item->range, [&item](ExpressionPrinter& p) { p.print(*item); }});
      }
      self.print_items("[", items, "]", expression.range.begin, expression.range.end, true);
    }
    void operator()(const ast::Call& e) {
      self.print_at(*e.callee, kPostfix);
      self.print_arguments(e.arguments, e.callee->range.end, expression.range.end);
    }
    void operator()(const ast::Index& e) {
      self.print_at(*e.base, kPostfix);
      std::vector<Item> items;
      for (const ast::ExprPtr& index : e.indices) {
        const bool last = &index == &e.indices.back();
        items.push_back({index->range, [&index, &e, last](ExpressionPrinter& p) {
                           p.print(*index);
                           if (!last || !e.outside) return;
                           p.out_.write(" else ");
                           p.print(*e.outside);
                         }});
      }
      self.print_items("[", items, "]", e.base->range.end, expression.range.end, false);
    }
    void operator()(const ast::Member& e) {
      self.print_at(*e.base, kPostfix);
      out.write("." + e.name.text);
    }
    void operator()(const ast::Unary& e) {
      out.write(e.op == ast::UnaryOperator::Negate ? "-" : "not ");
      self.print_at(*e.operand, e.op == ast::UnaryOperator::Negate ? kSigned : kNot);
    }
    void operator()(const ast::Binary& e) { self.print_binary(e); }
    void operator()(const ast::Comparison& e) { self.print_comparison(e); }
    void operator()(const ast::If& e) { self.print_conditional(e); }
    void operator()(const ast::Pipe& e) { self.print_pipe(e, continuation); }
  };
  std::visit(Visitor{*this, out_, expression, continuation}, expression.kind);
}

void ExpressionPrinter::print_items(const char* open, const std::vector<Item>& items, const char* close, uint32_t begin, uint32_t end,
                                    bool may_break) {
  const size_t line_indentation = out_.indentation();
  out_.write(open);
  if (items.empty()) return out_.write(close);
  const bool hanging = !out_.same_line(begin, items.front().range.begin);
  const size_t indentation = hanging ? line_indentation + kIndentation : out_.column();
  for (size_t i = 0; i < items.size(); ++i) {
    const uint32_t start = items[i].range.begin;
    if (i == 0) {
      if (hanging) out_.next_line(start, indentation);
    } else {
      out_.write(",");
      const bool too_long = may_break && out_.sources() && out_.column() + 2 + text_width(on_one_line(items[i].print)) > kMaximumColumns;
      if (too_long || !out_.same_line(items[i - 1].range.end, start)) {
        out_.next_line(start, indentation);
      } else {
        out_.write(" ");
      }
    }
    items[i].print(*this);
  }
  if (hanging) {
    if (may_break) out_.write(",");
    out_.next_line(end - 1, line_indentation, indentation);
  }
  out_.write(close);
}

void ExpressionPrinter::print_arguments(const std::vector<ast::Argument>& arguments, uint32_t begin, uint32_t end) {
  std::vector<Item> items;
  for (const ast::Argument& argument : arguments) {
    items.push_back({argument_range(argument), [&argument](ExpressionPrinter& p) {
                       if (argument.name) p.out_.write(argument.name->text + ": ");
                       p.print(*argument.value);
                     }});
  }
  print_items("(", items, ")", begin, end, true);
}

void ExpressionPrinter::print_shape(const ast::Shape& shape) {
  std::vector<Item> items;
  for (const ast::Dimension& dimension : shape.dimensions) {
    const SourceRange range = dimension.name ? cover(dimension.name->range, dimension.value->range) : dimension.value->range;
    items.push_back({range, [&dimension](ExpressionPrinter& p) {
                       if (dimension.name) p.out_.write(dimension.name->text + " = ");
                       p.print(*dimension.value);
                     }});
  }
  print_items("[", items, "]", shape.range.begin, shape.range.end, true);
}

void ExpressionPrinter::print_parameters(const ast::Name& name, const std::vector<ast::Parameter>& parameters, uint32_t end) {
  std::vector<Item> items;
  for (const ast::Parameter& parameter : parameters) {
    items.push_back({parameter.range, [&parameter](ExpressionPrinter& p) {
                       p.out_.write(parameter.name.text);
                       if (parameter.shape) {
                         p.out_.write(": ");
                         p.print_shape(*parameter.shape);
                       } else if (parameter.default_value) {
                         p.out_.write(" = ");
                         p.print(*parameter.default_value);
                       }
                     }});
  }
  print_items("(", items, ")", name.range.end, end, true);
}

/// A list of rows of equal length, one on each line: their columns are aligned, numbers to the right.
bool ExpressionPrinter::print_table(const ast::List& list, SourceRange range) {
  if (!out_.sources() || list.items.size() < 2) return false;
  std::vector<std::vector<std::string>> rows;
  std::vector<size_t> widths;
  std::vector<bool> numeric;
  for (const ast::ExprPtr& item : list.items) {
    const auto* row = std::get_if<ast::List>(&item->kind);
    const bool first = rows.empty();
    if (!row || item->parenthesized || row->items.empty() || (!first && row->items.size() != widths.size())) return false;
    if (!out_.same_line(item->range.begin, item->range.end) || (!first && out_.same_line(list.items[rows.size() - 1]->range.end, item->range.begin))) {
      return false;
    }
    if (first) {
      widths.assign(row->items.size(), 0);
      numeric.assign(row->items.size(), true);
    }
    std::vector<std::string>& cells = rows.emplace_back();
    for (size_t i = 0; i < row->items.size(); ++i) {
      const ast::Expr& cell = *row->items[i];
      cells.push_back(on_one_line([&](ExpressionPrinter& p) { p.print(cell); }));
      widths[i] = std::max(widths[i], text_width(cells.back()));
      const auto* unary = std::get_if<ast::Unary>(&cell.kind);
      const ast::Expr& inner = unary ? *unary->operand : cell;
      if (!std::holds_alternative<ast::Number>(inner.kind)) numeric[i] = false;
    }
  }
  size_t total = 2 * widths.size();
  for (const size_t width : widths) total += width;
  if (total > kMaximumColumns / 2) return false;
  std::vector<Item> items;
  for (size_t r = 0; r < rows.size(); ++r) {
    items.push_back({list.items[r]->range, [&, r](ExpressionPrinter& p) {
                       p.out_.write("[");
                       for (size_t i = 0; i < widths.size(); ++i) {
                         const std::string padding(widths[i] - text_width(rows[r][i]), ' ');
                         const bool last = i + 1 == widths.size();
                         if (numeric[i]) p.out_.write(padding);
                         p.out_.write(rows[r][i]);
                         p.out_.write(last ? "" : ", ");
                         if (!numeric[i] && !last) p.out_.write(padding);
                       }
                       p.out_.write("]");
                     }});
  }
  print_items("[", items, "]", range.begin, range.end, true);
  return true;
}

void ExpressionPrinter::print_binary(const ast::Binary& binary) {
  const size_t start = out_.column();
  const int level = precedence(binary.op);
  const bool is_power = binary.op == ast::BinaryOperator::Power;
  print_at(*binary.left, is_power ? kPostfix : level);
  blank_or_line(binary.left->range.end, binary.right->range.begin, start);
  out_.write(spell_operator(binary.op));
  out_.write(" ");
  print_at(*binary.right, is_power ? kSigned : level + 1);
}

void ExpressionPrinter::print_comparison(const ast::Comparison& comparison) {
  const size_t start = out_.column();
  print_at(*comparison.operands.front(), kSum);
  for (size_t i = 0; i < comparison.relations.size(); ++i) {
    blank_or_line(comparison.operands[i]->range.end, comparison.operands[i + 1]->range.begin, start);
    out_.write(spell_relation(comparison.relations[i]));
    out_.write(" ");
    print_at(*comparison.operands[i + 1], kSum);
  }
}

void ExpressionPrinter::print_conditional(const ast::If& conditional) {
  const size_t start = out_.column();
  out_.write("if ");
  print(*conditional.condition);
  out_.write(" ");
  print_body(*conditional.then_body);
  blank_or_line(conditional.then_body->range.end, conditional.else_body->range.begin, start);
  out_.write("else ");
  if (!conditional.else_if) return print_body(*conditional.else_body);
  const auto& inner = std::get<ast::ExpressionStatement>(conditional.else_body->statements.front().kind);
  print(*inner.value);
}

}  // namespace cnnc
