// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the rules of grammar/schedule.l and grammar/schedule.y work on: the place in the text, the stanza that is being read, and
// the reports of what is wrong with it. Private to schedule.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/schedule_parser.h"
#include "schedule/schedule_file.h"

namespace cnnc {

class ScheduleReader {
 public:
  ScheduleReader(const SourceManager& sources, int32_t source, Diagnostics& diagnostics);
  ~ScheduleReader();
  ScheduleReader(const ScheduleReader&) = delete;
  ScheduleReader& operator=(const ScheduleReader&) = delete;

  /// Reads the whole text; once.
  ScheduleFile run();

  // For the scanner. The rule that matches next takes so many bytes.
  void advance(uint32_t bytes);
  int bad_string();
  void bad_character();

  // For the parser. The next token and its place; the end after so many errors that no more are shown.
  int next(SourceRange& range);
  void unexpected(SourceRange range, const std::vector<std::string>& expected);
  void begin(StanzaKind kind);
  void name_stanza(SourceRange words, SourceRange hash);
  void name_field(SourceRange field, SourceRange value);
  void choice_field(SourceRange field, SourceRange name);
  void time_field(SourceRange field, SourceRange number, SourceRange unit);
  void date_field(SourceRange field, SourceRange date);
  void parameter(SourceRange name, SourceRange value);
  void end_stanza();

 private:
  struct Parameter {
    SourceRange name, value;
  };

  std::string_view text(SourceRange range) const { return sources_.text(range); }
  Diagnostic& error(SourceRange range, std::string message);
  /// Which field this is; empty, and reported, where there is none of that name, or it stands twice, or has another kind of value.
  std::string_view field(SourceRange name, std::initializer_list<std::string_view> of_this_kind);
  void set_target(SourceRange name);
  void set_schedule(SourceRange name);

  const SourceManager& sources_;
  const int32_t source_;
  Diagnostics& diagnostics_;
  void* scanner_ = nullptr;
  SourceRange range_;                     // of the rule that the scanner matched last
  uint32_t bad_until_ = UINT32_MAX;       // end of the run of bad characters that was reported
  ScheduleFile file_;
  Stanza stanza_;
  std::set<std::string_view> fields_;     // of the stanza so far
  std::vector<Parameter> parameters_;     // of the template so far
  bool broken_ = false;                   // the stanza has an error and is left out
};

}  // namespace cnnc
