// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tokens of IR text: a cursor with one error state. After the first error everything it is asked for fails quietly, until
// the caller resumes at the next line that begins with a letter. Private to compiler/ir.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "ir/attributes.h"
#include "support/diagnostic.h"

namespace cnnc {

class TextReader {
 public:
  TextReader(const SourceManager& sources, int32_t file, Diagnostics& diagnostics)
      : text_(sources.file(file).text), file_(file), diagnostics_(diagnostics) {}

  bool ok() const { return ok_; }
  bool at_end();
  /// After an error: goes on at the next line that begins with a letter, but always behind `begin`, where the text that failed
  /// began.
  void resume(uint32_t begin);

  /// Reports and enters the error state; the reference is for notes and helps.
  Diagnostic& fail(DiagnosticKind kind, SourceRange range, std::string message);
  /// "expected …, but found …" at the next token.
  void fail_expected(std::string_view expected);

  /// Skips blanks and comments; the place of the next token.
  uint32_t place();
  /// From `begin` to the end of the last token taken.
  SourceRange range_from(uint32_t begin) const { return {file_, begin, end_of_last_}; }
  /// The next token, without taking it.
  SourceRange next_range();

  bool peek(std::string_view symbol);
  bool take(std::string_view symbol);         // punctuation
  bool take_word(std::string_view word);      // a whole word
  void expect(std::string_view symbol);

  /// A word of letters, digits, `_` and `.`; empty (and the error state) when there is none.
  std::string word(std::string_view what);
  /// A word or a text in quotes.
  std::string name(std::string_view what);
  std::string quoted_text(std::string_view what);
  /// `%name`, `%12`, `%"odd name"`, `%name#role`, as written without the `%`; the name alone goes to `name`.
  std::string value_name(std::string& name);
  int64_t integer(std::string_view what);
  double number(std::string_view what);
  Dims dims();
  TensorType type();
  /// Any attribute, its kind told by its form. An integer stands for a number where one is `expected`.
  Attribute attribute(const Attribute& expected);

 private:
  std::string_view peek_word();
  std::string_view peek_number();
  Numbers numbers();

  std::string_view text_;
  int32_t file_;
  Diagnostics& diagnostics_;
  Diagnostic discarded_;
  uint32_t place_ = 0;
  uint32_t end_of_last_ = 0;
  bool ok_ = true;
};

/// Refuses what no value may have: an extent below 1, too many dimensions or elements. Empty when the dimensions are legal.
std::string dims_problem(const Dims& dims);

}  // namespace cnnc
