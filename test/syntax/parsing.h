// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the tests of syntax share: a text, parsed.
#pragma once
#include <fstream>
#include <sstream>
#include <string>

#include "syntax/parser.h"
#include "syntax/printer.h"

namespace cnnc {

struct Parsed {
  SourceManager sources;
  Diagnostics diagnostics{sources};
  ast::File file;

  explicit Parsed(std::string text) {
    const int32_t source = sources.add("test.cnn", std::move(text));
    file = parse_file(sources, source, diagnostics);
  }
  Parsed(const Parsed&) = delete;
  std::string errors() const { return diagnostics.render(false); }
  std::string formatted() const { return format_file(file, sources); }
};

inline std::string read_input(const std::string& name) {
  std::ifstream stream(std::string(INPUTS) + name, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

}  // namespace cnnc
