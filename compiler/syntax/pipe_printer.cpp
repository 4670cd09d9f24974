// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pipes in canonical form: the arrows of lines that go on stand under the first arrow of the first line, or, if that has
// none, indented. Where the source aligned the second arrows of neighbouring lines, they stay aligned.
#include <algorithm>

#include "syntax/expression_printer.h"

namespace cnnc {
namespace {

/// Where a stage begins in the source, as near as the tree tells: its `repeat`, `share` or name.
uint32_t stage_begin(const ast::Stage& stage) {
  if (!stage.repeats.empty()) return stage.repeats.front().range.begin;
  return stage.share ? stage.share->range.begin : stage.range.begin;
}

}  // namespace

void ExpressionPrinter::print_stage(const ast::Stage& stage) {
  for (const ast::Loop& loop : stage.repeats) {
    out_.write("repeat(");
    for (const ast::Name& name : loop.names) {
      out_.write(name.text);
      out_.write(&name == &loop.names.back() ? " in " : ", ");
    }
    print(*loop.value);
    out_.write(") ");
  }
  if (stage.share) out_.write("share(" + stage.share->text + ") ");
  out_.write(stage.callee.text);
  if (stage.has_arguments) print_arguments(stage.arguments, stage.callee.range.end, stage.range.end);
}

/// For each stage the width to which it is padded; 0 for those that are not.
std::vector<size_t> ExpressionPrinter::stage_widths(const ast::Pipe& pipe) const {
  const std::vector<ast::Stage>& stages = pipe.stages;
  std::vector<size_t> widths(stages.size(), 0);
  if (!out_.sources()) return widths;
  const SourceFile& source = out_.sources()->file(out_.source());
  // The stages that begin a line and have another after them on it, with the source's column of the arrow between.
  struct Head {
    size_t stage;
    uint32_t line, column;
    bool padded;
  };
  std::vector<Head> heads;
  for (size_t i = 0; i + 1 < stages.size(); ++i) {
    const uint32_t before = i == 0 ? pipe.input->range.end : stages[i - 1].range.end;
    const bool begins_line = i == 0 || !out_.same_line(before, stage_begin(stages[i]));
    const uint32_t end = stages[i].range.end;
    if (!begins_line || !out_.same_line(stage_begin(stages[i]), end) || !out_.same_line(end, stage_begin(stages[i + 1]))) continue;
    const size_t arrow = source.text.find("->", end);
    const LineColumn place = out_.sources()->position(out_.source(), static_cast<uint32_t>(arrow));
    heads.push_back({i, place.line, place.column, arrow > end + 1});
  }
  for (size_t first = 0, last = 0; first < heads.size(); first = last) {
    bool padded = false;
    size_t width = 0;
    for (last = first; last < heads.size(); ++last) {
      if (last > first && (heads[last].column != heads[first].column || heads[last].line != heads[last - 1].line + 1)) break;
      padded = padded || heads[last].padded;
      width = std::max(width, text_width(on_one_line([&](ExpressionPrinter& p) { p.print_stage(stages[heads[last].stage]); })));
    }
    if (!padded || last - first < 2) continue;
    for (size_t i = first; i < last; ++i) widths[heads[i].stage] = width;
  }
  return widths;
}

void ExpressionPrinter::print_pipe(const ast::Pipe& pipe, std::optional<size_t> continuation) {
  const size_t start = out_.column();
  const bool is_pipe = std::holds_alternative<ast::Pipe>(pipe.input->kind);
  const bool needs_brackets = !pipe.input->parenthesized && (is_pipe || std::holds_alternative<ast::Binary>(pipe.input->kind) ||
                                                             std::holds_alternative<ast::Unary>(pipe.input->kind) ||
                                                             std::holds_alternative<ast::Comparison>(pipe.input->kind));
  if (needs_brackets) out_.write("(");
  print(*pipe.input);
  if (needs_brackets) out_.write(")");
  const std::vector<size_t> widths = stage_widths(pipe);
  std::optional<size_t> arrow_column;
  uint32_t end = pipe.input->range.end;
  for (size_t i = 0; i < pipe.stages.size(); ++i) {
    const ast::Stage& stage = pipe.stages[i];
    const uint32_t begin = stage_begin(stage);
    bool breaks = !out_.same_line(end, begin);
    if (!breaks && out_.sources()) {
      const size_t width = text_width(on_one_line([&](ExpressionPrinter& p) { p.print_stage(stage); }));
      breaks = out_.column() + width + 4 > kMaximumColumns;
    }
    if (breaks) {
      out_.next_line(begin, arrow_column.value_or(continuation.value_or(start)));
    } else {
      out_.write(" ");
    }
    if (!arrow_column) arrow_column = out_.column();
    out_.write("-> ");
    const size_t stage_start = out_.column();
    print_stage(stage);
    const size_t written = out_.column() - std::min(out_.column(), stage_start);
    if (widths[i] > written) out_.write(std::string(widths[i] - written, ' '));
    end = stage.range.end;
  }
}

}  // namespace cnnc
