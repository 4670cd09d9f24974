// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Text → stanzas, with everything checked that can be without a network: targets, templates, parameters and their ranges.
#include "schedule/schedule_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "schedule/templates.h"
#include "schedule/weight_layouts.h"
#include "support/check.h"
#include "support/limits.h"
#include "support/text.h"

// What flex generates for a reentrant scanner with the prefix of grammar/schedule.l.
using yyscan_t = void*;
struct yy_buffer_state;
int cnnc_schedule_lex_init_extra(cnnc::ScheduleReader* reader, yyscan_t* scanner);
int cnnc_schedule_lex_destroy(yyscan_t scanner);
yy_buffer_state* cnnc_schedule__scan_bytes(const char* bytes, int length, yyscan_t scanner);
int cnnc_schedule_lex(yyscan_t scanner);

namespace cnnc {
namespace {

using Tokens = schedule_grammar::Parser::token;

template <class Range>
std::vector<std::string> names_of(const Range& range) {
  std::vector<std::string> names;
  for (const auto& item : range) names.emplace_back(item.name);
  return names;
}

/// A help for a name that does not exist: the one that was probably meant, or all of them.
void suggest(Diagnostic& diagnostic, std::string_view name, const std::vector<std::string>& names) {
  if (const auto meant = nearest(name, names)) {
    diagnostic.help(fmt::format("did you mean `{}`?", *meant));
  } else if (!names.empty()) {
    diagnostic.help(fmt::format("there are {}", fmt::join(names, ", ")));
  }
}

// Fields that say what is chosen.
constexpr std::string_view kTemplate = "template", kWeights = "weights";

/// "2026-11-25" is a day of the calendar.
bool is_date(std::string_view text) {
  unsigned year = 0, month = 0, day = 0;
  std::from_chars(text.data(), text.data() + 4, year);
  std::from_chars(text.data() + 5, text.data() + 7, month);
  std::from_chars(text.data() + 8, text.data() + 10, day);
  return std::chrono::year_month_day(std::chrono::year(static_cast<int>(year)), std::chrono::month(month), std::chrono::day(day)).ok();
}

}  // namespace

ScheduleReader::ScheduleReader(const SourceManager& sources, int32_t source, Diagnostics& diagnostics)
    : sources_(sources), source_(source), diagnostics_(diagnostics), range_{source, 0, 0} {
  CNNC_CHECK(cnnc_schedule_lex_init_extra(this, &scanner_) == 0, "the scanner has no memory");
}

ScheduleReader::~ScheduleReader() { cnnc_schedule_lex_destroy(scanner_); }

ScheduleFile ScheduleReader::run() {
  const std::string& all = sources_.file(source_).text;
  if (all.size() > limits::kMaximumSourceBytes) {
    diagnostics_.error(DiagnosticKind::LimitExceeded, {source_, 0, 0},
                       fmt::format("a schedule file has at most {} MB", limits::kMaximumSourceBytes >> 20));
    return {};
  }
  cnnc_schedule__scan_bytes(all.data(), static_cast<int>(all.size()), scanner_);
  schedule_grammar::Parser parser(*this);
  const int status = parser.parse();
  CNNC_CHECK(status == 0 || diagnostics_.has_errors(), "a schedule file that cannot be parsed was reported");
  return std::move(file_);
}

// ---- for the scanner

void ScheduleReader::advance(uint32_t bytes) {
  range_.begin = range_.end;
  range_.end += bytes;
}

int ScheduleReader::bad_string() {
  error(range_, "this text is not closed on its line").help("it stands in \"double quotes\", in ASCII");
  return Tokens::STRING;
}

void ScheduleReader::bad_character() {
  const bool goes_on = bad_until_ == range_.begin;
  bad_until_ = range_.end;
  if (!goes_on) error(range_, fmt::format("`{}` has no meaning here", escape_control(text(range_)))).help("a comment starts with `#`");
}

// ---- for the parser

int ScheduleReader::next(SourceRange& range) {
  if (diagnostics_.error_count() >= Diagnostics::kMaximum) return Tokens::END;
  const int kind = cnnc_schedule_lex(scanner_);
  range = kind == Tokens::END ? SourceRange{source_, range_.end, range_.end} : range_;
  return kind;
}

Diagnostic& ScheduleReader::error(SourceRange range, std::string message) {
  broken_ = true;
  return diagnostics_.error(DiagnosticKind::ScheduleSyntax, range, std::move(message));
}

void ScheduleReader::unexpected(SourceRange range, const std::vector<std::string>& expected) {
  const std::string_view found = text(range);
  std::string message = found.empty() ? "unexpected end of the file" : fmt::format("unexpected `{}`", abbreviate(found, 40));
  if (!expected.empty()) message += ", expected " + join_choices(expected);
  error(range, std::move(message));
}

void ScheduleReader::begin(StanzaKind kind) {
  broken_ = false;
  fields_.clear();
  stanza_ = {};
  stanza_.kind = kind;
}

void ScheduleReader::name_stanza(SourceRange words, SourceRange hash) {
  stanza_.range = cover(words, hash);
  const std::string_view quoted = text(words), digits = text(hash);
  stanza_.key.words = quoted.substr(1, quoted.size() - std::min<size_t>(quoted.size(), 2));
  std::from_chars(digits.data(), digits.data() + digits.size(), stanza_.key.hash, 16);
}

std::string_view ScheduleReader::field(SourceRange name, std::initializer_list<std::string_view> of_this_kind) {
  struct Field {
    std::string_view name, value;
  };
  const Field choice = stanza_.kind == StanzaKind::Layout ? Field{kWeights, "a layout of weights with its parameters, `winograd(blocks: 2, outputs: 4)`"}
                                                          : Field{kTemplate, "a template with its parameters, `dense.vector(rows: 8, tasks: 1, vector: 16)`"};
  const Field kFields[] = {{"target", "the name of a target"},
                           choice,
                           {"time", "a number of microseconds, `12.5 us`"},
                           {"date", "a day, `2026-11-25`"}};
  const std::string_view word = text(name);
  const auto* found = std::find_if(std::begin(kFields), std::end(kFields), [&](const Field& f) { return f.name == word; });
  if (found == std::end(kFields)) {
    suggest(error(name, fmt::format("a stanza has no `{}`", abbreviate(word))), word, names_of(kFields));
  } else if (!fields_.insert(found->name).second) {
    error(name, fmt::format("the stanza has its `{}` already", word));
  } else if (std::find(of_this_kind.begin(), of_this_kind.end(), word) == of_this_kind.end()) {
    error(name, fmt::format("`{}` is {}", word, found->value));
  } else {
    return found->name;
  }
  return {};
}

void ScheduleReader::name_field(SourceRange name, SourceRange value) {
  const std::string_view found = field(name, {"target", kTemplate, kWeights});
  if (found == "target") set_target(value);
  if (found == kTemplate || found == kWeights) set_schedule(value);
}

void ScheduleReader::choice_field(SourceRange name, SourceRange value) {
  if (!field(name, {kTemplate, kWeights}).empty()) set_schedule(value);
  parameters_.clear();
}

void ScheduleReader::time_field(SourceRange name, SourceRange number, SourceRange unit) {
  if (field(name, {"time"}).empty()) return;
  const std::string_view digits = text(number);
  std::from_chars(digits.data(), digits.data() + digits.size(), stanza_.microseconds);
  if (text(unit) != "us") error(unit, "times are written in microseconds, `us`");
  // Hundredths are what is written.
  stanza_.microseconds = std::round(stanza_.microseconds * 100) / 100;
  constexpr double kLeast = 0.01, kMost = 1e9;
  if (!(stanza_.microseconds >= kLeast && stanza_.microseconds <= kMost)) error(number, fmt::format("a time is {} to {:.0f} us", kLeast, kMost));
}

void ScheduleReader::date_field(SourceRange name, SourceRange date) {
  if (field(name, {"date"}).empty()) return;
  if (!is_date(text(date))) error(date, fmt::format("`{}` is no day of the calendar", text(date)));
  stanza_.date = text(date);
}

void ScheduleReader::parameter(SourceRange name, SourceRange value) { parameters_.push_back({name, value}); }

void ScheduleReader::set_target(SourceRange name) {
  const std::string_view word = text(name);
  stanza_.target = word;
  stanza_.target_range = name;
  if (find_target(word)) return;
  broken_ = true;
  suggest(diagnostics_.error(DiagnosticKind::BadSchedule, name, fmt::format("there is no target `{}`", abbreviate(word))), word, names_of(all_targets()));
}

void ScheduleReader::set_schedule(SourceRange name) {
  const auto refuse = [&](SourceRange range, std::string message) -> Diagnostic& {
    broken_ = true;
    return diagnostics_.error(DiagnosticKind::BadSchedule, range, std::move(message));
  };
  const std::string_view word = text(name);
  stanza_.schedule.name = word;
  stanza_.template_range = name;
  const bool is_layout = stanza_.kind == StanzaKind::Layout;
  const std::span<const Template> choices = is_layout ? all_weight_layouts() : all_templates();
  const auto found = std::find_if(choices.begin(), choices.end(), [&](const Template& t) { return t.name == word; });
  if (found == choices.end()) {
    suggest(refuse(name, fmt::format("there is no {} `{}`", is_layout ? "layout of weights" : "template", abbreviate(word))), word, names_of(choices));
    return;
  }
  for (const Parameter& parameter : parameters_) {
    const std::string_view parameter_word = text(parameter.name), digits = text(parameter.value);
    const auto known = std::find_if(found->parameters.begin(), found->parameters.end(), [&](const auto& p) { return p.name == parameter_word; });
    if (known == found->parameters.end()) {
      suggest(refuse(parameter.name, fmt::format("`{}` has no parameter `{}`", word, abbreviate(parameter_word))), parameter_word, names_of(found->parameters));
      continue;
    }
    if (!stanza_.parameter_ranges.try_emplace(std::string(parameter_word), parameter.value).second) {
      refuse(parameter.name, fmt::format("`{}` is given twice", parameter_word));
      continue;
    }
    int64_t value = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool is_number = failure == std::errc() && end == digits.data() + digits.size();
    if (!is_number || value < known->least || value > known->most)
      refuse(parameter.value, fmt::format("`{}` of `{}` is {}, it may be {}", parameter_word, word, abbreviate(digits), legal_range(*known)))
          .note(fmt::format("`{}`: {}", parameter_word, known->doc));
    stanza_.schedule.parameters[std::string(parameter_word)] = value;
  }
  for (const TemplateParameter& parameter : found->parameters) {
    if (stanza_.parameter_ranges.contains(parameter.name)) continue;
    if (parameter.absent) stanza_.schedule.parameters[std::string(parameter.name)] = *parameter.absent;
    else refuse(name, fmt::format("`{}` needs a parameter `{}`", word, parameter.name)).note(fmt::format("`{}`: {}; {}", parameter.name, parameter.doc, legal_range(parameter)));
  }
}

void ScheduleReader::end_stanza() {
  for (const std::string_view needed : {std::string_view("target"), stanza_.kind == StanzaKind::Layout ? kWeights : kTemplate})
    if (!broken_ && !fields_.contains(needed)) error(stanza_.range, fmt::format("the stanza has no `{}`", needed));
  if (broken_) return;
  if (const Stanza* earlier = file_.find(stanza_.kind, stanza_.key.hash, stanza_.target)) {
    error(stanza_.range, fmt::format("this {} has a stanza for `{}` already", stanza_.kind == StanzaKind::Layout ? "convolution" : "kernel", stanza_.target)).note("it stands here", earlier->range);
    return;
  }
  file_.add(std::move(stanza_));
}

ScheduleFile read_schedule_file(const SourceManager& sources, int32_t source, Diagnostics& diagnostics) {
  return ScheduleReader(sources, source, diagnostics).run();
}

}  // namespace cnnc
