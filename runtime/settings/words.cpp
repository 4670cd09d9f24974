// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// "Did you mean", lists of choices and shortest numbers.
#include "runtime/settings/words.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace cnnc::settings {
namespace {

/// Capitals and underscores are no difference that matters.
std::string simplified(std::string_view word) {
  std::string out;
  for (char c : word)
    if (c != '_' && c != '-') out += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

/// Insertions, deletions, replacements and swaps of neighbours.
size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> distance(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) distance[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) distance[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i)
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = distance[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      distance[i][j] = std::min({replaced, distance[i - 1][j] + 1, distance[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        distance[i][j] = std::min(distance[i][j], distance[i - 2][j - 2] + 1);
    }
  return distance[a.size()][b.size()];
}

/// `1e-04` → `1e-4`, `1e+20` → `1e20`.
std::string tidy_exponent(std::string text) {
  const size_t e = text.find('e');
  if (e == std::string::npos) return text;
  size_t digits = e + 1;
  const bool negative = text[digits] == '-';
  if (text[digits] == '-' || text[digits] == '+') ++digits;
  while (digits + 1 < text.size() && text[digits] == '0') ++digits;
  return text.substr(0, e + 1) + (negative ? "-" : "") + text.substr(digits);
}

template <typename Number>
std::string shortest(Number number) {
  if (std::isnan(number)) return "nan";
  char buffer[64];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, number);
  return tidy_exponent(std::string(buffer, result.ptr));
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr size_t kLongestWord = 64;
  if (word.empty() || word.size() > kLongestWord) return {};
  const std::string simple = simplified(word);
  std::string best;
  size_t best_distance = std::max<size_t>(1, simple.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(simple, simplified(candidate));
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string join_choices(const std::vector<std::string>& choices, std::string_view conjunction) {
  std::string out;
  for (size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) out += i + 1 == choices.size() ? " " + std::string(conjunction) + " " : ", ";
    out += "`" + choices[i] + "`";
  }
  return out;
}

std::string number_text(double number) { return shortest(number); }
std::string number_text(float number) { return shortest(number); }

}  // namespace cnnc::settings
