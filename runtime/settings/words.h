// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Words for messages: "did you mean", lists of choices, numbers in their shortest exact form. Tests: test/runtime/settings.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace cnnc::settings {

/// The candidate that `word` was probably meant to be, or empty. Capitals and underscores hardly count.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// `a`, `a or b`, `a, b or c`, each in backticks.
std::string join_choices(const std::vector<std::string>& choices, std::string_view conjunction = "or");

/// The shortest decimal that reads back as the same number: `0.05`, `1e-4`, `64`.
std::string number_text(double number);

/// The same for an f32: 0.1f is `0.1`.
std::string number_text(float number);

}  // namespace cnnc::settings
