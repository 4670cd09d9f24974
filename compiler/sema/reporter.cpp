// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Diagnostics with the chain of uses that led to them.
#include "sema/reporter.h"

#include <fmt/format.h>

namespace cnnc::sema {
namespace {

/// Uses shown below an error inside of blocks; the outermost ones are left out first.
constexpr size_t kShownUses = 4;
/// More errors, and more warnings, than are ever printed.
constexpr size_t kKept = 2 * size_t{Diagnostics::kMaximum};

}  // namespace

std::vector<Attachment> Reporter::use_notes(SourceRange range) const {
  std::vector<Attachment> notes;
  size_t count = uses_.size();
  // The use itself is at fault: its line is shown already.
  if (count > 0 && cover(uses_.back().range, range) == uses_.back().range) --count;
  const size_t last = count > kShownUses ? count - kShownUses : 0;
  for (size_t i = count; i-- > last;)
    notes.push_back({Severity::Note, fmt::format("`{}` is used here", uses_[i].name), uses_[i].range});
  if (last > 0) notes.push_back({Severity::Note, fmt::format("and {} more uses around it", last), {}});
  return notes;
}

Diagnostic& Reporter::add(Severity severity, DiagnosticKind kind, SourceRange range, std::string message) {
  const bool repeated = range.valid() && !seen_.insert({kind, {range.file, {range.begin, range.end}}}).second;
  size_t& kept = severity == Severity::Error ? kept_errors_ : kept_warnings_;
  if (repeated || kept >= kKept) {
    dropped_ = Diagnostic{severity, kind, {}, range, {}};
    return dropped_;
  }
  ++kept;
  pending_.push_back({Diagnostic{severity, kind, std::move(message), range, {}}, use_notes(range)});
  return pending_.back().diagnostic;
}

bool Reporter::is_full() const { return kept_errors_ >= kKept; }

Diagnostic& Reporter::error(DiagnosticKind kind, SourceRange range, std::string message) {
  ++errors_;
  return add(Severity::Error, kind, range, std::move(message));
}

Diagnostic& Reporter::warning(DiagnosticKind kind, SourceRange range, std::string message) {
  return add(Severity::Warning, kind, range, std::move(message));
}

void Reporter::deliver(Diagnostics& diagnostics) {
  for (Pending& pending : pending_) {
    Diagnostic& from = pending.diagnostic;
    Diagnostic& to = from.severity == Severity::Error ? diagnostics.error(from.kind, from.range, std::move(from.message))
                                                      : diagnostics.warning(from.kind, from.range, std::move(from.message));
    to.attachments = std::move(from.attachments);
    to.attachments.insert(to.attachments.end(), pending.uses.begin(), pending.uses.end());
  }
  pending_.clear();
}

}  // namespace cnnc::sema
