// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// AST → graph: names, hyperparameters, blocks, shapes, names of weights, recipes. The result has the functions `network` and
// `RECIPE.loss` (ir/functions.md). Reports every error that it finds; what depends on an erroneous value is skipped silently.
// Tests: test/sema.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ir/graph.h"
#include "support/diagnostic.h"
#include "syntax/ast.h"

namespace cnnc {

struct AnalyseOptions {
  std::string network = {};                                       // empty: the last one of the file
  std::vector<std::pair<std::string, std::string>> overrides = {};  // -D name=value
  ElementType float_type = ElementType::F32;
  std::string library_path = {};                                  // the folder of `import name`; empty: there is none
  bool all_networks = false;                                      // report errors of the networks that are not built too
};

/// The module of one network of the file; nothing when errors were reported. `sources` gets the texts of imported files.
std::optional<Module> analyse(const ast::File& file, const AnalyseOptions& options, SourceManager& sources,
                              Diagnostics& diagnostics);

}  // namespace cnnc
