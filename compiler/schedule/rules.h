// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Collects the first complaint about the parameters of one schedule, in words. Private to schedule.
#pragma once
#include <fmt/format.h>

#include <bit>
#include <optional>
#include <string>
#include <string_view>

#include "schedule/templates.h"

namespace cnnc {

class Rules {
 public:
  explicit Rules(const Schedule& schedule) : schedule_(schedule) {}

  int64_t operator[](std::string_view name) const { return schedule_.parameters.find(name)->second; }
  void at_most(std::string_view name, int64_t most, std::string_view why) {
    if ((*this)[name] > most) complain(name, fmt::format("at most {}: {}", most, why));
  }
  void divides(std::string_view name, int64_t number, std::string_view what) {
    if (number % (*this)[name] != 0) complain(name, fmt::format("a divisor of the {} {}", number, what));
  }
  void multiple(std::string_view name, int64_t number, std::string_view why) {
    if ((*this)[name] % number != 0) complain(name, fmt::format("a multiple of {}: {}", number, why));
  }
  void equals(std::string_view name, int64_t value, std::string_view why) {
    if ((*this)[name] != value) complain(name, fmt::format("{}: {}", value, why));
  }
  /// Elements of a vector that need not fill a register.
  void vector(int64_t most) {
    if (const int64_t value = (*this)["vector"]; value > most || !std::has_single_bit(static_cast<uint64_t>(value)))
      complain("vector", fmt::format("a power of two up to {}", most));
  }
  void registers(int64_t needed, int64_t there) {
    if (needed > there) complain_whole(fmt::format("its tile needs {} vector registers, the target has {}", needed, there));
  }
  void scratch(int64_t bytes, int64_t most = kLargestScratchBytes) {
    if (bytes > most) complain_whole(fmt::format("its scratch would be {} KB, at most {} KB fit the stack", bytes >> 10, most >> 10));
  }
  void complain(std::string_view name, const std::string& right) {
    if (!complaint_) complaint_ = fmt::format("`{}` of `{}` is {}, here it must be {}", name, schedule_.name, (*this)[name], right);
  }
  void complain_whole(const std::string& message) {
    if (!complaint_) complaint_ = fmt::format("`{}` cannot be used: {}", to_string(schedule_), message);
  }
  std::optional<std::string> result() const { return complaint_; }

 private:
  const Schedule& schedule_;
  std::optional<std::string> complaint_;
};

}  // namespace cnnc
