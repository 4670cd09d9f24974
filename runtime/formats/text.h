// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Names from files are data: they are escaped before they enter a message, a JSON text, a CSV file or a terminal, so that none
// can end a string, start a field, move the cursor, or reverse the line. Bytes in, text out; bytes that are not UTF-8 included.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace cnnc::formats {

/// For a terminal and for messages: control characters, marks that change the direction of text, line separators and invisible
/// format characters become \u{HEX}; bytes that are not UTF-8 become \xHH; everything else, backslashes too, stays.
std::string escape_terminal(std::string_view text);

/// A JSON string without its quotes: what JSON demands is escaped, and control and direction marks as well; bytes that are not
/// UTF-8 become U+FFFD.
std::string escape_json(std::string_view text);

/// `"…"`, escape_json within quotes.
std::string quote_json(std::string_view text);

/// One CSV field: escape_terminal, then quoted if it holds a comma, a quote or a space at an end; a field that a spreadsheet
/// would take as a formula (first character = + - @) gets an apostrophe before it. For text only, not for numbers.
std::string escape_csv(std::string_view text);

/// `backquoted`, for messages: escape_terminal within backticks, shortened in the middle beyond 200 bytes.
std::string quote_name(std::string_view text);

/// The code point that starts at `position`, which moves behind it; nothing (and no move) where the bytes are not strict UTF-8:
/// no overlong forms, no surrogates, nothing above U+10FFFF.
std::optional<char32_t> decode_utf8(std::string_view text, std::size_t& position);

/// Appends a code point in UTF-8.
void append_utf8(std::string& text, char32_t code_point);

}  // namespace cnnc::formats
