// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The templates that lower/ knows, as data without Halide: names, what they are for, their parameters with the legal ranges.
// choose.cpp picks from them, vary.cpp draws from them, `cnnc templates` prints them. "To add a template": schedule/README.md.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "schedule/plan.h"

namespace cnnc {

struct TemplateParameter {
  std::string_view name, doc;
  int64_t least = 1, most = 1;
  /// What a stanza means that leaves it out, as those do that were written before the template had it: the number that changes
  /// nothing (one pixel, one part, no copy). Null: each stanza gives it, as no number serves every kernel.
  std::optional<int64_t> absent = 1;
};

struct Template {
  std::string_view name;
  std::string_view doc;                 // what it computes: a phrase
  std::span<const TemplateParameter> parameters;
  // Sentences for people who choose by hand.
  std::string_view fits;                // which kernels it computes, and where it is good
  std::string_view loop;                // its inner loops, in words
  std::string_view limits = {};         // what else bounds the parameters (legal.cpp, legal_conv.cpp); empty where there are none or nothing does
};

std::span<const Template> all_templates();
const Template* find_template(std::string_view name);

/// "1 to 32", "at least 1": what the parameter may be for any kernel.
std::string legal_range(const TemplateParameter& parameter);

/// "1", or "none": what the parameter is where a schedule file leaves it out.
std::string default_text(const TemplateParameter& parameter);

/// What is wrong with a schedule: an unknown template, a parameter that is missing, unknown or out of range.
std::optional<std::string> check_schedule(const Schedule& schedule);

/// Vector registers that a register tile of `columns` by `channels` sums needs: the sums, a vector for each column, and one
/// for the broadcast. A tile that needs more than the target has is illegal: one spilled sum costs a factor of three.
constexpr int64_t tile_registers(int64_t columns, int64_t channels) { return columns * channels + columns + 1; }

}  // namespace cnnc
