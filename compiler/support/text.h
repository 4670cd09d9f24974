// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Helpers for the text of messages. Tests: test/support.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cnnc {

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate that `word` was probably meant to be ("did you mean"), or none if all are too far away. Capitals and
/// underscores hardly count: `batchNorm` is near `batchnorm`. The first of equally near ones wins.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

/// `1 error`, `2 errors`; `plural` where it is not the word with an s.
std::string count_of(size_t count, std::string_view singular, std::string_view plural = {});

/// `a`, `a or b`, `a, b or c`.
std::string join_choices(const std::vector<std::string>& choices, std::string_view conjunction = "or");

/// One character of UTF-8 at the begin of `text` (not empty). Of bytes that are not UTF-8, the first is returned as invalid.
struct Utf8Character {
  uint32_t code = 0;
  size_t bytes = 1;
  bool valid = false;
};
Utf8Character decode_utf8(std::string_view text);

/// Control characters, bidirectional marks and bytes that are not UTF-8 as visible escapes (`\x1b`, `\u{202e}`), so that
/// no input steers a terminal or shows a text in another order than it has. Line ends are escaped too.
std::string escape_control(std::string_view text);

/// The text of one character as `escape_control` shows it, and the columns it takes on a terminal.
struct ShownCharacter {
  std::string text;
  size_t columns = 1;
};
ShownCharacter show_character(std::string_view bytes, const Utf8Character& character);

/// Shortens to at most `limit` bytes, at a character's border, with `…` at the end.
std::string abbreviate(std::string_view text, size_t limit = 60);

}  // namespace cnnc
