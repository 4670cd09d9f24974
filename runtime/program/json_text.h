// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A JSON text, written from left to right; commas come by themselves. Numbers are shortest and exact; what is not finite is null.
#pragma once
#include <cmath>
#include <concepts>
#include <string>
#include <string_view>

#include "runtime/formats/text.h"
#include "runtime/settings/words.h"

namespace cnnc::runtime {

class JsonText {
 public:
  JsonText& open(char bracket) { return put(std::string(1, bracket), true); }
  JsonText& close(char bracket) {
    text_ += bracket;
    comma_ = true;
    return *this;
  }
  JsonText& key(std::string_view name) {
    put(formats::quote_json(name) + ": ", true);
    return *this;
  }
  JsonText& string(std::string_view value) { return put(formats::quote_json(value), false); }
  JsonText& boolean(bool value) { return put(value ? "true" : "false", false); }
  template <std::integral Integer>
  JsonText& number(Integer value) { return put(std::to_string(value), false); }
  template <std::floating_point Float>
  JsonText& number(Float value) { return put(std::isfinite(value) ? settings::number_text(value) : "null", false); }
  /// `[1, 28, 28]`
  template <typename Numbers>
  JsonText& list(const Numbers& numbers) {
    open('[');
    for (const auto each : numbers) number(each);
    return close(']');
  }
  const std::string& text() const { return text_; }

 private:
  /// `opens`: no comma follows directly.
  JsonText& put(const std::string& piece, bool opens) {
    if (comma_) text_ += ", ";
    text_ += piece;
    comma_ = !opens;
    return *this;
  }
  std::string text_;
  bool comma_ = false;
};

}  // namespace cnnc::runtime
