// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as the text of a module: refused at a place inside the text, or a module that holds every invariant and whose own text
// reads back as the same module.
#include "ir/parse.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "report.h"
#include "target.h"

namespace cnnc::fuzz {
namespace {

/// The module's own text, or nothing where the text is refused.
std::string printed(std::string_view text) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const Module module = parse_module(sources, sources.add("f.ir", std::string(text)), diagnostics);
  if (refused(diagnostics)) return {};
  verify(module, "reading");
  return to_string(module);
}

}  // namespace

bool module_text(Bytes bytes) {
  const std::string once = printed(text_of(bytes));
  if (once.empty()) return false;
  require(printed(once) == once, "a module's own text reads back");
  return true;
}

}  // namespace cnnc::fuzz
