// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Collects diagnostics and renders them: place, message, the source line with the range underlined, notes and helps.
#include "support/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/check.h"
#include "support/source_excerpt.h"
#include "support/text.h"

namespace cnnc {
namespace {

std::string_view severity_text(Severity severity) {
  switch (severity) {
    case Severity::Error: return "error";
    case Severity::Warning: return "warning";
    case Severity::Note: return "note";
    case Severity::Help: return "help";
  }
  CNNC_CHECK(false, "a severity without a text");
}

std::string_view severity_colour(Severity severity) {
  switch (severity) {
    case Severity::Error: return "\033[1;31m";
    case Severity::Warning: return "\033[1;35m";
    case Severity::Note: return "\033[1;36m";
    case Severity::Help: return "\033[1;32m";
  }
  CNNC_CHECK(false, "a severity without a colour");
}

/// One message with its place and its source line. `suffix` is the kind in brackets.
std::string render_message(const SourceManager& sources, Severity severity, const std::string& message,
                           const std::string& suffix, SourceRange range, bool colour) {
  const std::string begin(colour ? severity_colour(severity) : "");
  const std::string end(colour ? "\033[0m" : "");
  std::string result;
  if (range.valid()) {
    const LineColumn place = sources.position(range.file, range.begin);
    result += fmt::format("{}:{}:{}: ", escape_control(sources.file(range.file).path), place.line, place.column);
  }
  result += fmt::format("{}{}:{} {}{}\n", begin, severity_text(severity), end, escape_control(message), suffix);
  if (range.valid()) result += source_excerpt(sources, range, begin, end);
  return result;
}

/// Diagnostics print in the order of the text, those without a place last.
bool stands_before(const Diagnostic& a, const Diagnostic& b) {
  if (a.range.valid() != b.range.valid()) return a.range.valid();
  if (a.range.file != b.range.file) return a.range.file < b.range.file;
  return a.range.begin < b.range.begin;
}

}  // namespace

std::string_view kind_text(DiagnosticKind kind) {
  switch (kind) {
#define DIAGNOSTIC(id, text) \
  case DiagnosticKind::id: return text;
#include "support/diagnostic_kinds.inc"
#undef DIAGNOSTIC
  }
  CNNC_CHECK(false, "a kind of diagnostic without a text");
}

Diagnostic& Diagnostic::note(std::string text, SourceRange at) {
  attachments.push_back({Severity::Note, std::move(text), at});
  return *this;
}

Diagnostic& Diagnostic::help(std::string text, SourceRange at) {
  attachments.push_back({Severity::Help, std::move(text), at});
  return *this;
}

Diagnostic& Diagnostics::error(DiagnosticKind kind, SourceRange range, std::string message) {
  ++errors_;
  Diagnostic diagnostic{Severity::Error, kind, std::move(message), range, {}};
  if (errors_ > kMaximum) return overflow_ = std::move(diagnostic);
  return list_.emplace_back(std::move(diagnostic));
}

Diagnostic& Diagnostics::warning(DiagnosticKind kind, SourceRange range, std::string message) {
  if (warnings_are_errors_) return error(kind, range, std::move(message));
  Diagnostic diagnostic{Severity::Warning, kind, std::move(message), range, {}};
  const auto warnings = std::count_if(list_.begin(), list_.end(),
                                      [](const Diagnostic& d) { return d.severity == Severity::Warning; });
  if (warnings >= kMaximum) return overflow_ = std::move(diagnostic);
  return list_.emplace_back(std::move(diagnostic));
}

std::string Diagnostics::render(bool colour) const {
  std::vector<const Diagnostic*> ordered;
  for (const Diagnostic& diagnostic : list_) ordered.push_back(&diagnostic);
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const Diagnostic* a, const Diagnostic* b) { return stands_before(*a, *b); });
  std::string result;
  for (const Diagnostic* d : ordered) {
    result += render_message(*sources_, d->severity, d->message, fmt::format(" [{}]", kind_text(d->kind)), d->range, colour);
    for (const Attachment& a : d->attachments) {
      result += render_message(*sources_, a.severity, a.message, "", a.range, colour);
    }
  }
  if (errors_ > kMaximum) {
    result += fmt::format("{} not shown\n", count_of(static_cast<size_t>(errors_ - kMaximum), "further error"));
  }
  return result;
}

}  // namespace cnnc
