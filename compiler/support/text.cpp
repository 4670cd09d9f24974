// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Helpers for the text of messages: edit distance, plural, UTF-8, escapes.
#include "support/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace cnnc {
namespace {

struct CodeRange {
  uint32_t first, last;
};

template <size_t N>
bool within(const std::array<CodeRange, N>& ranges, uint32_t code) {
  return std::any_of(ranges.begin(), ranges.end(), [&](CodeRange r) { return r.first <= code && code <= r.last; });
}

/// Characters that steer a terminal or the direction of text, or that nobody sees.
constexpr std::array<CodeRange, 9> kHidden{{{0x00, 0x1f}, {0x7f, 0x9f}, {0xad, 0xad}, {0x061c, 0x061c}, {0x200b, 0x200f},
                                            {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xe0000, 0xe007f}}};
constexpr std::array<CodeRange, 4> kCombining{{{0x0300, 0x036f}, {0x1ab0, 0x1aff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}}};
constexpr std::array<CodeRange, 7> kWide{{{0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
                                          {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0x1f300, 0x1faff}}};

std::string simplified(std::string_view word) {
  std::string result;
  for (const char c : word) {
    if (c == '_' || c == '-') continue;
    result += (c >= 'A' && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return result;
}

}  // namespace

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), row(b.size() + 1), next(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) next[j] = std::min(next[j], before[j - 2] + 1);
    }
    std::swap(before, row);
    std::swap(row, next);
  }
  return row[b.size()];
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr size_t kLongest = 64;
  const std::string wanted = simplified(word);
  if (wanted.empty() || wanted.size() > kLongest) return std::nullopt;
  // A third of the letters may differ: one of `relu`, three of `max_pooling`; of one or two letters none.
  const size_t allowed = wanted.size() < 3 ? 0 : std::min<size_t>(3, (wanted.size() + 1) / 3);
  std::optional<std::string> best;
  size_t best_distance = allowed + 1;
  for (const std::string& candidate : candidates) {
    const std::string other = simplified(candidate);
    if (other.size() > wanted.size() + allowed || wanted.size() > other.size() + allowed) continue;
    const size_t distance = edit_distance(wanted, other);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string count_of(size_t count, std::string_view singular, std::string_view plural) {
  if (count == 1) return fmt::format("1 {}", singular);
  return plural.empty() ? fmt::format("{} {}s", count, singular) : fmt::format("{} {}", count, plural);
}

std::string join_choices(const std::vector<std::string>& choices, std::string_view conjunction) {
  std::string result;
  for (size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) result += i + 1 == choices.size() ? fmt::format(" {} ", conjunction) : ", ";
    result += choices[i];
  }
  return result;
}

Utf8Character decode_utf8(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const Utf8Character invalid{first, 1, false};
  if (first < 0xc2 || first > 0xf4 || text.size() < bytes) return invalid;
  uint32_t code = first & (0xffu >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return invalid;
    code = (code << 6) | (byte(i) & 0x3fu);
  }
  constexpr std::array<uint32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kSmallest[bytes] || code > 0x10ffff || surrogate) return invalid;
  return {code, bytes, true};
}

ShownCharacter show_character(std::string_view bytes, const Utf8Character& character) {
  std::string shown;
  if (!character.valid) {
    shown = fmt::format("\\x{:02x}", character.code);
  } else if (within(kHidden, character.code)) {
    shown = character.code < 0x80 ? fmt::format("\\x{:02x}", character.code) : fmt::format("\\u{{{:x}}}", character.code);
  } else {
    const size_t columns = within(kCombining, character.code) ? 0 : within(kWide, character.code) ? 2 : 1;
    return {std::string(bytes.substr(0, character.bytes)), columns};
  }
  const size_t columns = shown.size();
  return {std::move(shown), columns};
}

std::string escape_control(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const Utf8Character character = decode_utf8(text);
    result += show_character(text, character).text;
    text.remove_prefix(character.bytes);
  }
  return result;
}

std::string abbreviate(std::string_view text, size_t limit) {
  if (text.size() <= limit) return std::string(text);
  size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace cnnc
