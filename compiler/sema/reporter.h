// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Collects the diagnostics of sema: drops repetitions (a block is built many times), and adds where a block was used.
#pragma once
#include <deque>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/diagnostic.h"

namespace cnnc::sema {

/// A use of a block or network that is being built.
struct Use {
  std::string name;
  SourceRange range;
};

class Reporter {
 public:
  /// References stay valid until `deliver`. A second diagnostic of the same kind at the same place is dropped.
  Diagnostic& error(DiagnosticKind kind, SourceRange range, std::string message);
  Diagnostic& warning(DiagnosticKind kind, SourceRange range, std::string message);
  bool has_errors() const { return errors_ > 0; }
  /// Further errors would not be shown: what explains them need not be computed.
  bool is_full() const;

  void enter(Use use) { uses_.push_back(std::move(use)); }
  void leave() { uses_.pop_back(); }
  const std::vector<Use>& uses() const { return uses_; }

  /// Hands everything over, in the order reported.
  void deliver(Diagnostics& diagnostics);

 private:
  struct Pending {
    Diagnostic diagnostic;
    std::vector<Attachment> uses;
  };
  Diagnostic& add(Severity severity, DiagnosticKind kind, SourceRange range, std::string message);
  std::vector<Attachment> use_notes(SourceRange range) const;

  std::deque<Pending> pending_;
  Diagnostic dropped_;
  std::set<std::pair<DiagnosticKind, std::pair<int32_t, std::pair<uint32_t, uint32_t>>>> seen_;
  std::vector<Use> uses_;
  int errors_ = 0;
  size_t kept_errors_ = 0, kept_warnings_ = 0;
};

}  // namespace cnnc::sema
