// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Diagnostics: what a user did wrong, collected and never thrown. Phases report as many as they can; the driver stops
// between phases. Wording: lower case, no full stop, code in backticks; the message says what was observed, a note says
// where it comes from, a help says what to write. Kinds stand in diagnostic_kinds.inc; each has a test of its text.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "support/source.h"

namespace cnnc {

/// One kind of error or warning; printed in brackets, `[shape-mismatch]`.
enum class DiagnosticKind {
#define DIAGNOSTIC(id, text) id,
#include "support/diagnostic_kinds.inc"
#undef DIAGNOSTIC
};
std::string_view kind_text(DiagnosticKind kind);

enum class Severity { Error, Warning, Note, Help };

/// A note or help below a diagnostic; without a place it prints as one line.
struct Attachment {
  Severity severity = Severity::Note;
  std::string message;
  SourceRange range;
};

struct Diagnostic {
  Severity severity = Severity::Error;
  DiagnosticKind kind{};
  std::string message;
  SourceRange range;
  std::vector<Attachment> attachments;

  Diagnostic& note(std::string text, SourceRange at = {});
  Diagnostic& help(std::string text, SourceRange at = {});
};

/// Collects diagnostics. After `kMaximum` errors further ones are counted, not kept.
class Diagnostics {
 public:
  explicit Diagnostics(const SourceManager& sources) : sources_(&sources) {}
  /// The reference stays valid until the next report: chain `.note(…)` and `.help(…)` at once.
  Diagnostic& error(DiagnosticKind kind, SourceRange range, std::string message);
  Diagnostic& warning(DiagnosticKind kind, SourceRange range, std::string message);
  /// With -Werror, warnings reported from now on count and print as errors.
  void make_warnings_errors() { warnings_are_errors_ = true; }
  bool has_errors() const { return errors_ > 0; }
  int error_count() const { return errors_; }
  const std::vector<Diagnostic>& all() const { return list_; }
  const SourceManager& sources() const { return *sources_; }
  /// The text of all diagnostics, in the form that docs/language.md shows; control characters of names are escaped.
  std::string render(bool colour) const;

  static constexpr int kMaximum = 100;

 private:
  const SourceManager* sources_;
  std::vector<Diagnostic> list_;
  Diagnostic overflow_;
  int errors_ = 0;
  bool warnings_are_errors_ = false;
};

}  // namespace cnnc
