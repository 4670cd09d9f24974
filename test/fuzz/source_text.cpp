// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as a .cnn file, down to verified IR: refused at a place inside the text, or a module that holds every invariant. A file
// without syntax errors also prints in canonical form, which reads back as the same tree. Imports find nothing.
#include "ir/print.h"
#include "ir/verify.h"
#include "report.h"
#include "sema/sema.h"
#include "syntax/parser.h"
#include "syntax/printer.h"
#include "target.h"

namespace cnnc::fuzz {
namespace {

/// The canonical form of a file holds the same tree, and is its own canonical form.
void check_printing(const ast::File& file, const SourceManager& sources) {
  const std::string once = format_file(file, sources);
  SourceManager again;
  Diagnostics diagnostics(again);
  const ast::File reread = parse_file(again, again.add("f.cnn", once), diagnostics);
  require(!refused(diagnostics), "the canonical form is right");
  require(dump_file(reread) == dump_file(file), "the canonical form holds the same tree");
  require(format_file(reread, again) == once, "the canonical form is its own canonical form");
}

}  // namespace

bool source_text(Bytes bytes) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const int32_t source = sources.add("/nowhere/f.cnn", std::string(text_of(bytes)));
  const ast::File file = parse_file(sources, source, diagnostics);
  if (refused(diagnostics)) return false;
  check_printing(file, sources);
  const AnalyseOptions options{.all_networks = true};
  const std::optional<Module> module = analyse(file, options, sources, diagnostics);
  if (refused(diagnostics)) return false;
  if (module) verify(*module, "sema");
  return true;
}

}  // namespace cnnc::fuzz
