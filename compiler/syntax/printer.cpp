// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A file in canonical form: its items, the settings of `train`, the checks of `test`. Expressions and bodies:
// expression_printer.h; comments and lines: line_writer.h.
#include "syntax/printer.h"

#include <fmt/format.h>

#include <algorithm>

#include "syntax/expression_printer.h"
#include "syntax/spelling.h"

namespace cnnc {
namespace {

class FilePrinter {
 public:
  FilePrinter(const ast::File& file, const SourceManager& sources) : file_(file), out_(&file, &sources), expressions_(out_) {}

  std::string run() {
    std::vector<const ast::Name*> names;
    std::vector<SourceRange> ranges;
    for (const ast::Item& item : file_.items) {
      const auto* constant = std::get_if<ast::Constant>(&item.kind);
      names.push_back(constant ? &constant->name : nullptr);
      ranges.push_back(item.range);
    }
    constant_widths_ = ExpressionPrinter::binding_widths(names, ranges, out_);
    for (size_t i = 0; i < file_.items.size(); ++i) {
      const ast::Item& item = file_.items[i];
      index_ = i;
      out_.next_element(item.range.begin, 0, i == 0);
      std::visit([&](const auto& kind) { print_item(kind, item.range); }, item.kind);
      out_.element_written(item.range.end);
    }
    return out_.finish();
  }

 private:
  void print_item(const ast::Definition& item, SourceRange) {
    out_.write(fmt::format("{} {}", spell_definition(item.kind), item.name.text));
    expressions_.print_parameters(item.name, item.parameters, item.body.range.begin);
    out_.write(" ");
    expressions_.print_body(item.body, 0);
  }

  void print_item(const ast::Train& item, SourceRange range) {
    out_.write("train " + item.network.text);
    if (item.recipe) out_.write(" as " + item.recipe->text);
    out_.write(" ");
    const ast::Name& last = item.recipe ? *item.recipe : item.network;
    print_settings(expressions_, item.settings, {range.file, last.range.end, range.end});
  }

  void print_item(const ast::Test& item, SourceRange range) {
    out_.write("test ");
    expressions_.print_string(item.title);
    out_.write(" ");
    ExpressionPrinter::Block block{range, {}, {}};
    for (const ast::Check& check : item.checks) block.elements.push_back(check.range);
    block.print = [&](ExpressionPrinter& printer, size_t i, bool) { print_check(printer, item.checks[i]); };
    expressions_.print_block(block);
  }

  void print_item(const ast::Constant& item, SourceRange) {
    const size_t width = std::max(constant_widths_[index_], item.name.text.size());
    out_.write(fmt::format("const {:<{}} = ", item.name.text, width));
    expressions_.print(*item.value, ExpressionPrinter::kIndentation);
  }

  void print_item(const ast::Import& item, SourceRange) {
    out_.write("import ");
    out_.write(item.is_path ? spell_string(item.target.text) : item.target.text);
  }

  void print_item(const ast::Language& item, SourceRange) { out_.write(fmt::format("language {}", item.version)); }

  static void print_check(ExpressionPrinter& printer, const ast::Check& check) {
    if (check.name) printer.write(check.name->text + " = ");
    printer.print(*check.left);
    if (!check.right) return;
    printer.write(" ~ ");
    printer.print(*check.right);
  }

  /// What stands left of `=`, or before the brace of a section: neighbours with the same kind are padded to one width.
  static std::string head_of(const ast::Setting& setting) {
    if (const auto* assignment = std::get_if<ast::Assignment>(&setting.kind)) return assignment->name.text;
    const auto& section = std::get<ast::Section>(setting.kind);
    const std::string& argument = section.argument.text;
    return fmt::format("{} {}", section.keyword.text, section.argument_is_string ? spell_string(argument) : argument);
  }

  /// Whether a section stands on one line and has room there for the padding of its head.
  bool stays_on_one_line(const ast::Setting& setting) const {
    if (!out_.same_line(setting.range.begin, setting.range.end)) return false;
    LineWriter flat(nullptr, nullptr);
    ExpressionPrinter printer(flat);
    print_setting(printer, setting, 0);
    return flat.column() + ExpressionPrinter::kIndentation + kMaximumPadding <= ExpressionPrinter::kMaximumColumns;
  }

  bool are_neighbours(const ast::Setting& a, const ast::Setting& b) const {
    if (a.kind.index() != b.kind.index() || out_.line_of(b.range.begin) > out_.line_of(a.range.end) + 1) return false;
    if (std::holds_alternative<ast::Assignment>(a.kind)) return true;
    if (std::get<ast::Section>(a.kind).keyword.text != std::get<ast::Section>(b.kind).keyword.text) return false;
    return stays_on_one_line(a) && stays_on_one_line(b);
  }

  std::vector<size_t> head_widths(const std::vector<ast::Setting>& settings) const {
    std::vector<size_t> widths(settings.size(), 0);
    for (size_t first = 0, last = 0; first < settings.size(); first = last) {
      size_t width = 0, narrow = SIZE_MAX;
      for (last = first; last < settings.size(); ++last) {
        if (last > first && !are_neighbours(settings[last - 1], settings[last])) break;
        width = std::max(width, text_width(head_of(settings[last])));
        narrow = std::min(narrow, text_width(head_of(settings[last])));
      }
      if (width - narrow > kMaximumPadding) continue;
      for (size_t i = first; i < last; ++i) widths[i] = width;
    }
    return widths;
  }

  void print_settings(ExpressionPrinter& printer, const std::vector<ast::Setting>& settings, SourceRange range) const {
    ExpressionPrinter::Block block{range, {}, {}};
    for (const ast::Setting& setting : settings) block.elements.push_back(setting.range);
    const std::vector<size_t> widths = head_widths(settings);
    block.print = [&](ExpressionPrinter& inner, size_t i, bool on_one_line) { print_setting(inner, settings[i], on_one_line ? 0 : widths[i]); };
    printer.print_block(block);
  }

  void print_setting(ExpressionPrinter& printer, const ast::Setting& setting, size_t width) const {
    const std::string head = head_of(setting);
    printer.write(head);
    printer.write(std::string(width - std::min(width, text_width(head)), ' '));
    if (const auto* assignment = std::get_if<ast::Assignment>(&setting.kind)) {
      printer.write(" = ");
      printer.print(*assignment->value, 2 * ExpressionPrinter::kIndentation);
      return;
    }
    const auto& section = std::get<ast::Section>(setting.kind);
    printer.write(" ");
    print_settings(printer, section.settings, {setting.range.file, section.argument.range.end, setting.range.end});
  }

  static constexpr size_t kMaximumPadding = 12;

  const ast::File& file_;
  LineWriter out_;
  ExpressionPrinter expressions_;
  std::vector<size_t> constant_widths_;
  size_t index_ = 0;
};

}  // namespace

std::string format_file(const ast::File& file, const SourceManager& sources) { return FilePrinter(file, sources).run(); }

std::string format_expression(const ast::Expr& expr) {
  LineWriter out(nullptr, nullptr);
  ExpressionPrinter(out).print(expr);
  std::string text = out.finish();
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace cnnc
