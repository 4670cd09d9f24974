// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The items of a file and of what it imports, in one table of names. Imported files are read, parsed and owned here.
#pragma once
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sema/reporter.h"
#include "sema/sema.h"

namespace cnnc::sema {

/// A network, block or layer, or a constant: exactly one is set.
struct Symbol {
  const ast::Definition* definition = nullptr;
  const ast::Constant* constant = nullptr;
  SourceRange range;              // of its name
  SourceRange import;             // of the import in the main file that brought it; no place: the main file's own
};

class Program {
 public:
  Program(SourceManager& sources, Reporter& reporter, Diagnostics& diagnostics, std::string library_path)
      : sources_(&sources), reporter_(&reporter), diagnostics_(&diagnostics), library_path_(std::move(library_path)) {}

  /// Enters the items of the main file and of its imports.
  void load(const ast::File& file);

  const Symbol* find(const std::string& name) const;
  const std::map<std::string, Symbol>& symbols() const { return symbols_; }
  /// In the order written, the main file's only.
  const std::vector<const ast::Definition*>& networks() const { return networks_; }
  /// Of all files.
  const std::vector<const ast::Train*>& trains() const { return trains_; }

 private:
  void enter_items(const ast::File& file, SourceRange import);
  void enter_import(const ast::Import& import, const std::string& importer, SourceRange outermost);
  void declare(const ast::Name& name, Symbol symbol);

  SourceManager* sources_;
  Reporter* reporter_;
  Diagnostics* diagnostics_;
  std::string library_path_;
  std::deque<ast::File> imported_;
  std::map<std::string, Symbol> symbols_;
  std::vector<const ast::Definition*> networks_;
  std::vector<const ast::Train*> trains_;
  std::vector<std::string> open_;             // paths of the files being read, outermost first
  std::set<std::string> done_;
};

}  // namespace cnnc::sema
