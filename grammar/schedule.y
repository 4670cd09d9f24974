// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The grammar of schedule files. Symbols carry no values: an action hands the ranges of its parts to ScheduleReader, which reads
// the text there. What a name means is checked there too, so that it can say which one was probably meant.
%skeleton "lalr1.cc"
%require "3.8"
%define api.namespace {cnnc::schedule_grammar}
%define api.parser.class {Parser}
%define api.location.type {cnnc::SourceRange}
%define api.value.type {char}
%define api.token.raw
%define parse.error custom
%define parse.lac full
%locations
%expect 0
%param { cnnc::ScheduleReader& read }

%code requires {
#include "support/source.h"
namespace cnnc {
class ScheduleReader;
}  // namespace cnnc
}
%code {
#include "schedule/schedule_reader.h"

// The range of a rule covers its parts; that of an empty rule is the place after the part before it.
#define YYLLOC_DEFAULT(Current, Rhs, N) \
  (Current) = (N) ? cnnc::cover(YYRHSLOC(Rhs, 1), YYRHSLOC(Rhs, N)) \
                  : cnnc::SourceRange{YYRHSLOC(Rhs, 0).file, YYRHSLOC(Rhs, 0).end, YYRHSLOC(Rhs, 0).end}

namespace cnnc::schedule_grammar {
static int yylex(char*, SourceRange* range, ScheduleReader& read) { return read.next(*range); }
}  // namespace cnnc::schedule_grammar
}

%token END 0 "the end of the file"
%token KERNEL "`kernel`" LAYOUT "`layout`" ASSIGN "`=`" COLON "`:`" COMMA "`,`"
       LEFT_PARENTHESIS "`(`" RIGHT_PARENTHESIS "`)`" LEFT_BRACE "`{`" RIGHT_BRACE "`}`"
%token NAME "a name" NUMBER "a number" HASH "16 digits of a hash" DATE "a date" STRING "a text in quotes"

%start stanzas
%%
stanzas: %empty | stanzas stanza | stanzas error ;
stanza: head "`{`" fields "`}`"                     { read.end_stanza(); } ;
head: start STRING HASH                             { read.name_stanza(@2, @3); } ;
// Here an earlier error is over, and the next one is told again.
start
    : "`kernel`"                                    { yyerrok; read.begin(StanzaKind::Kernel); }
    | "`layout`"                                    { yyerrok; read.begin(StanzaKind::Layout); }
    ;
fields: %empty | fields field | fields error ;
field
    : NAME "`=`" NAME                               { read.name_field(@1, @3); }
    | NAME "`=`" NAME "`(`" parameters "`)`"        { read.choice_field(@1, @3); }
    | NAME "`=`" NUMBER NAME                        { read.time_field(@1, @3, @4); }
    | NAME "`=`" DATE                               { read.date_field(@1, @3); }
    ;
parameters: %empty | parameter_list | parameter_list "`,`" ;
parameter_list: parameter | parameter_list "`,`" parameter ;
parameter: NAME "`:`" NUMBER                        { read.parameter(@1, @3); } ;
%%
namespace cnnc::schedule_grammar {

void Parser::report_syntax_error(const context& found) const {
  constexpr int kMaximumExpected = 16;
  symbol_kind_type symbols[kMaximumExpected];
  const int count = found.expected_tokens(symbols, kMaximumExpected);
  std::vector<std::string> expected;
  for (int i = 0; i < count; ++i) expected.emplace_back(symbol_name(symbols[i]));
  read.unexpected(found.location(), expected);
}

void Parser::error(const SourceRange& range, const std::string& message) { read.unexpected(range, {message}); }

}  // namespace cnnc::schedule_grammar
