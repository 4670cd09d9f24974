// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The grammar of .cnn files. Actions build ast.h nodes through TreeBuilder and do nothing else; what a text means is sema's
// business. Statements end where syntax/statement_ends.cpp put a STATEMENT_END; brackets match (syntax/brackets.cpp).
// A production that says `build.mistake…` accepts what people bring from elsewhere, to say in one error what is right.
%skeleton "lalr1.cc"
%require "3.8"
%define api.namespace {cnnc::grammar}
%define api.parser.class {Parser}
%define api.location.type {cnnc::SourceRange}
%define api.token.raw
%define api.token.constructor
%define api.value.type variant
%define api.value.automove
%define parse.error custom
%define parse.lac full
%define parse.assert
%locations
%expect 0
%parse-param { cnnc::TreeBuilder& build } { cnnc::TokenStream& stream }
%lex-param { cnnc::TokenStream& stream }

%code requires {
#include "syntax/ast.h"
namespace cnnc {
class TokenStream;
class TreeBuilder;
}  // namespace cnnc
}
%code {
#include "syntax/syntax_errors.h"
#include "syntax/token_stream.h"
#include "syntax/tree_builder.h"

// The range of a rule covers its parts; that of an empty rule is the place after the part before it.
#define YYLLOC_DEFAULT(Current, Rhs, N) \
  (Current) = (N) ? cnnc::cover(YYRHSLOC(Rhs, 1), YYRHSLOC(Rhs, N)) \
                  : cnnc::SourceRange{YYRHSLOC(Rhs, 0).file, YYRHSLOC(Rhs, 0).end, YYRHSLOC(Rhs, 0).end}

namespace cnnc::grammar {
static Parser::symbol_type yylex(TokenStream& stream) { return stream.next(); }
}  // namespace cnnc::grammar
using namespace cnnc;
using ast::BinaryOperator, ast::Relation, ast::UnaryOperator;
}

// The order counts: words are NETWORK to FALSE, comparisons EQUAL to GREATER, arithmetic PLUS to CARET (syntax_errors.cpp).
%token NETWORK "`network`" BLOCK "`block`" LAYER "`layer`" TRAIN "`train`" TEST "`test`" CONST "`const`"
       IMPORT "`import`" LANGUAGE "`language`" WEIGHT "`weight`" STATE "`state`" UPDATE "`update`"
       IF "`if`" ELSE "`else`" RETURN "`return`" REPEAT "`repeat`" SHARE "`share`" IN "`in`" AS "`as`"
       AND "`and`" OR "`or`" NOT "`not`" TRUE "`true`" FALSE "`false`"
%token ARROW "`->`" EQUAL "`==`" NOT_EQUAL "`!=`" LESS_EQUAL "`<=`" GREATER_EQUAL "`>=`" LESS "`<`" GREATER "`>`"
       ASSIGN "`=`" COLON "`:`" COMMA "`,`" DOT "`.`" TILDE "`~`"
       LEFT_PARENTHESIS "`(`" RIGHT_PARENTHESIS "`)`" LEFT_BRACKET "`[`" RIGHT_BRACKET "`]`" LEFT_BRACE "`{`" RIGHT_BRACE "`}`"
       PLUS "`+`" MINUS "`-`" STAR "`*`" SLASH "`/`" PERCENT "`%`" CARET "`^`"
%token STATEMENT_END "the end of the line"
%token INVALID "an unreadable text"
%token FILE_START "the start of a file" EXPRESSION_START "the start of an expression"
%token <ast::Name> NAME "a name"
%token <ast::Number> NUMBER "a number"
%token <ast::Quantity> QUANTITY "a quantity"
%token <ast::String> STRING "a string"
%token END 0 "the end of the file"

%nterm <ast::DefinitionKind> definition_kind
%nterm <std::vector<ast::Parameter>> parameters parameter_list
%nterm <ast::Parameter> parameter
%nterm <ast::Shape> shape
%nterm <std::vector<ast::Dimension>> dimensions
%nterm <ast::Dimension> dimension
%nterm <ast::Body> body
%nterm <std::vector<ast::Statement>> statements
%nterm <ast::Statement> statement
%nterm <std::vector<ast::Result>> results
%nterm <ast::Result> result
%nterm <std::vector<ast::Setting>> settings setting_list
%nterm <ast::Setting> setting
%nterm <std::vector<ast::Check>> checks check_list
%nterm <ast::Check> check
%nterm <std::vector<ast::Loop>> repeats
%nterm <ast::Loop> loop
%nterm <std::vector<ast::Name>> names
%nterm <ast::Stage> stage layer_use
%nterm <ast::Relation> relation
%nterm <ast::Comparison> comparison
%nterm <ast::ExprPtr> expression pipe disjunction conjunction negation compared sum term signed power postfix primary
%nterm <ast::ExprPtr> conditional literal
%nterm <std::vector<ast::ExprPtr>> expressions
%nterm <ast::Index> index
%nterm <std::vector<ast::Argument>> arguments argument_list
%nterm <ast::Argument> argument
%nterm <ast::Name> word

%start start
%%
start
    : FILE_START file
    | EXPRESSION_START expression                  { build.set_expression($2); }
    ;
file: %empty | items ;
items: item | items STATEMENT_END item ;

// ---- Items -----------------------------------------------------------------------------------------------------------
item
    : definition_kind NAME "`(`" parameters "`)`" body  { build.add_item(ast::Definition{$1, $2, $4, $6}, @$); }
    | "`train`" NAME "`{`" settings "`}`"          { build.add_item(ast::Train{$2, std::nullopt, $4}, @$); }
    | "`train`" NAME "`as`" NAME "`{`" settings "`}`"   { build.add_item(ast::Train{$2, $4, $6}, @$); }
    | "`test`" STRING "`{`" checks "`}`"           { build.add_test($2, $4, @$); }
    | "`const`" NAME "`=`" expression              { build.add_item(ast::Constant{$2, $4}, @$); }
    | "`import`" STRING                            { build.add_import($2, @2, @$); }
    | "`import`" NAME                              { build.add_item(ast::Import{$2, false}, @$); }
    | "`language`" NUMBER                          { build.add_language($2, @2, @$); }
    | error                                        { yyclearin; yyerrok; }
    ;
definition_kind
    : "`network`"                                  { $$ = ast::DefinitionKind::Network; }
    | "`block`"                                    { $$ = ast::DefinitionKind::Block; }
    | "`layer`"                                    { $$ = ast::DefinitionKind::Layer; }
    ;
parameters
    : %empty                                       { }
    | parameter_list                               { $$ = $1; }
    | parameter_list "`,`"                         { $$ = $1; }
    ;
parameter_list
    : parameter                                    { $$.push_back($1); }
    | parameter_list "`,`" parameter               { $$ = $1; $$.push_back($3); }
    ;
parameter
    : NAME                                         { $$ = ast::Parameter{$1, std::nullopt, nullptr, @$}; }
    | NAME "`:`" shape                             { $$ = ast::Parameter{$1, $3, nullptr, @$}; }
    | NAME "`=`" expression                        { $$ = ast::Parameter{$1, std::nullopt, $3, @$}; }
    | NAME "`:`" literal                           { $$ = build.mistake_colon_for_default($1, @2, $3, @$); }
    ;
literal
    : NAME                                         { $$ = build.reference($1); }
    | NUMBER                                       { $$ = build.leaf($1, @$); }
    | "`-`" NUMBER                                 { $$ = build.unary(UnaryOperator::Negate, build.leaf($2, @2), @$); }
    | STRING                                       { $$ = build.leaf($1, @$); }
    | "`true`"                                     { $$ = build.leaf(ast::Boolean{true}, @$); }
    | "`false`"                                    { $$ = build.leaf(ast::Boolean{false}, @$); }
    ;
shape
    : "`[`" "`]`"                                  { $$ = ast::Shape{{}, @$}; }
    | "`[`" dimensions "`]`"                       { $$ = ast::Shape{$2, @$}; }
    | "`[`" dimensions "`,`" "`]`"                 { $$ = ast::Shape{$2, @$}; }
    ;
dimensions
    : dimension                                    { $$.push_back($1); }
    | dimensions "`,`" dimension                   { $$ = $1; $$.push_back($3); }
    ;
dimension
    : expression                                   { $$ = ast::Dimension{std::nullopt, $1}; }
    | NAME "`=`" expression                        { $$ = ast::Dimension{$1, $3}; }
    ;

// ---- Bodies ----------------------------------------------------------------------------------------------------------
body
    : "`{`" statements "`}`"                       { $$ = build.body($2, @3, @$); }
    | "`{`" "`}`"                                  { $$ = build.body({}, @2, @$); }
    ;
statements
    : statement                                    { $$.push_back($1); }
    | statements STATEMENT_END statement           { $$ = $1; $$.push_back($3); }
    ;
statement
    : expression                                   { $$ = {ast::ExpressionStatement{$1}, @$}; }
    | postfix "`=`" expression                     { $$ = build.binding($1, $3, @$); }
    | "`weight`" NAME "`:`" shape "`=`" expression { $$ = {ast::WeightDeclaration{$2, $4, $6, false}, @$}; }
    | "`state`" NAME "`:`" shape "`=`" expression  { $$ = {ast::WeightDeclaration{$2, $4, $6, true}, @$}; }
    | "`update`" postfix "`=`" expression          { $$ = build.update($2, $4, @$); }
    | "`return`" results                           { $$ = {ast::Return{$2}, @$}; }
    | error                                        { yyclearin; yyerrok; $$ = build.erroneous_statement(@$); }
    ;
results
    : result                                       { $$.push_back($1); }
    | results "`,`" result                         { $$ = $1; $$.push_back($3); }
    ;
result: word "`:`" expression                      { $$ = ast::Result{$1, $3}; } ;

// ---- Training and tests ----------------------------------------------------------------------------------------------
settings
    : %empty                                       { }
    | setting_list                                 { $$ = $1; }
    ;
setting_list
    : setting                                      { build.append($$, $1); }
    | setting_list STATEMENT_END setting           { $$ = $1; build.append($$, $3); }
    ;
setting
    : NAME "`=`" expression                        { $$ = {ast::Assignment{$1, $3}, @$}; }
    | NAME "`:`" expression                        { $$ = build.mistake_colon_for_setting($1, @2, $3, @$); }
    | NAME NAME "`{`" settings "`}`"               { $$ = {ast::Section{$1, $2, false, $4}, @$}; }
    | NAME STRING "`{`" settings "`}`"             { $$ = {ast::Section{$1, build.named($2, @2), true, $4}, @$}; }
    | error                                        { yyclearin; yyerrok; $$ = build.erroneous_setting(@$); }
    ;
checks
    : %empty                                       { }
    | check_list                                   { $$ = $1; }
    ;
check_list
    : check                                        { $$.push_back($1); }
    | check_list STATEMENT_END check               { $$ = $1; $$.push_back($3); }
    ;
check
    : expression                                   { $$ = ast::Check{std::nullopt, $1, nullptr, @$}; }
    | expression "`~`" expression                  { $$ = ast::Check{std::nullopt, $1, $3, @$}; }
    | NAME "`=`" expression                        { $$ = ast::Check{$1, $3, nullptr, @$}; }
    | error                                        { yyclearin; yyerrok; $$ = build.erroneous_check(@$); }
    ;

// ---- Pipes: what is piped is a postfix, so `a + x -> f` is an error and never `(a + x) -> f` by surprise ---------------
expression
    : disjunction                                  { $$ = $1; }
    | pipe                                         { $$ = $1; }
    ;
pipe
    : postfix "`->`" stage                         { $$ = build.pipe($1, $3, @3); }
    | pipe "`->`" stage                            { $$ = build.pipe($1, $3, @3); }
    ;
stage
    : repeats layer_use                            { $$ = $2; $$.repeats = $1; }
    | repeats "`share`" "`(`" NAME "`)`" layer_use { $$ = $6; $$.repeats = $1; $$.share = $4; }
    ;
repeats
    : %empty                                       { }
    | repeats "`repeat`" "`(`" loop "`)`"          { $$ = $1; build.check_touching(@2, @3); $$.push_back($4); }
    ;
loop
    : expression                                   { $$ = ast::Loop{{}, $1, @$}; }
    | names "`in`" expression                      { $$ = ast::Loop{$1, $3, @$}; }
    ;
names
    : NAME                                         { $$.push_back($1); }
    | names "`,`" NAME                             { $$ = $1; $$.push_back($3); }
    ;
layer_use
    : NAME                                         { $$ = build.stage($1, false, {}, @$); }
    | NAME "`(`" arguments "`)`"                   { build.check_touching(@1, @2); $$ = build.stage($1, true, $3, @$); }
    ;

// ---- Expressions, from loose to tight --------------------------------------------------------------------------------
disjunction
    : conjunction                                  { $$ = $1; }
    | disjunction "`or`" conjunction               { $$ = build.binary(BinaryOperator::Or, $1, $3, @$); }
    ;
conjunction
    : negation                                     { $$ = $1; }
    | conjunction "`and`" negation                 { $$ = build.binary(BinaryOperator::And, $1, $3, @$); }
    ;
negation
    : compared                                     { $$ = $1; }
    | "`not`" negation                             { $$ = build.unary(UnaryOperator::Not, $2, @$); }
    ;
compared
    : sum                                          { $$ = $1; }
    | comparison                                   { $$ = build.comparison($1, @$); }
    ;
comparison
    : sum relation sum                             { build.compare($$, $1); build.compare($$, $2, $3); }
    | comparison relation sum                      { $$ = $1; build.compare($$, $2, $3); }
    ;
relation
    : "`==`"                                       { $$ = Relation::Equal; }
    | "`!=`"                                       { $$ = Relation::NotEqual; }
    | "`<`"                                        { $$ = Relation::Less; }
    | "`<=`"                                       { $$ = Relation::LessEqual; }
    | "`>`"                                        { $$ = Relation::Greater; }
    | "`>=`"                                       { $$ = Relation::GreaterEqual; }
    ;
sum
    : term                                         { $$ = $1; }
    | sum "`+`" term                               { $$ = build.binary(BinaryOperator::Add, $1, $3, @$); }
    | sum "`-`" term                               { $$ = build.binary(BinaryOperator::Subtract, $1, $3, @$); }
    ;
term
    : signed                                       { $$ = $1; }
    | term "`*`" signed                            { $$ = build.binary(BinaryOperator::Multiply, $1, $3, @$); }
    | term "`/`" signed                            { $$ = build.binary(BinaryOperator::Divide, $1, $3, @$); }
    | term "`%`" signed                            { $$ = build.binary(BinaryOperator::Modulo, $1, $3, @$); }
    ;
signed
    : power                                        { $$ = $1; }
    | "`-`" signed                                 { $$ = build.unary(UnaryOperator::Negate, $2, @$); }
    ;
power
    : postfix                                      { $$ = $1; }
    | postfix "`^`" signed                         { $$ = build.binary(BinaryOperator::Power, $1, $3, @$); }
    ;
postfix
    : primary                                      { $$ = $1; }
    | postfix "`(`" arguments "`)`"                { $$ = build.call($1, @1, $3, @2, @$); }
    | postfix "`[`" index "`]`"                    { $$ = build.index($1, @1, $3, @2, @$); }
    | postfix "`.`" word                           { $$ = build.member($1, $3, @$); }
    ;
primary
    : NAME                                         { $$ = build.reference($1); }
    | NUMBER                                       { $$ = build.leaf($1, @$); }
    | QUANTITY                                     { $$ = build.leaf($1, @$); }
    | STRING                                       { $$ = build.leaf($1, @$); }
    | "`true`"                                     { $$ = build.leaf(ast::Boolean{true}, @$); }
    | "`false`"                                    { $$ = build.leaf(ast::Boolean{false}, @$); }
    | "`(`" expression "`)`"                       { $$ = build.parenthesized($2, @$); }
    | "`[`" "`]`"                                  { $$ = build.list({}, @$); }
    | "`[`" expressions "`]`"                      { $$ = build.list($2, @$); }
    | "`[`" expressions "`,`" "`]`"                { $$ = build.list($2, @$); }
    | conditional                                  { $$ = $1; }
    ;
conditional
    : "`if`" expression body "`else`" body         { $$ = build.conditional($2, $3, $5, @$); }
    | "`if`" expression body "`else`" conditional  { $$ = build.conditional($2, $3, $5, @$); }
    ;
expressions
    : expression                                   { $$.push_back($1); }
    | expressions "`,`" expression                 { $$ = $1; $$.push_back($3); }
    ;
index
    : expressions                                  { $$.indices = $1; }
    | expressions "`else`" expression              { $$.indices = $1; $$.outside = $3; }
    ;
arguments
    : %empty                                       { }
    | argument_list                                { $$ = $1; }
    | argument_list "`,`"                          { $$ = $1; }
    ;
argument_list
    : argument                                     { $$.push_back($1); }
    | argument_list "`,`" argument                 { $$ = $1; $$.push_back($3); }
    ;
argument
    : expression                                   { $$ = ast::Argument{std::nullopt, $1}; }
    | word "`:`" expression                        { $$ = ast::Argument{$1, $3}; }
    | NAME "`=`" expression                        { $$ = build.mistake_equals_for_argument($1, @2, $3); }
    ;
// Words that have a meaning elsewhere are names where only a name can stand.
word
    : NAME                                         { $$ = $1; }
    | "`weight`"                                   { $$ = {"weight", @$}; }
    | "`block`"                                    { $$ = {"block", @$}; }
    | "`layer`"                                    { $$ = {"layer", @$}; }
    | "`network`"                                  { $$ = {"network", @$}; }
    | "`state`"                                    { $$ = {"state", @$}; }
    | "`in`"                                       { $$ = {"in", @$}; }
    | "`as`"                                       { $$ = {"as", @$}; }
    | "`test`"                                     { $$ = {"test", @$}; }
    ;
%%
namespace cnnc::grammar {

void Parser::report_syntax_error(const context& found) const {
  // With more choices than this no message lists them.
  constexpr int kMaximumExpected = 64;
  symbol_kind_type symbols[kMaximumExpected];
  const int count = found.expected_tokens(symbols, kMaximumExpected);
  std::vector<TokenKind> expected;
  for (int i = 0; i < count; ++i) expected.push_back(static_cast<TokenKind>(symbols[i]));
  report_unexpected_token(stream, expected, build.diagnostics());
  stream.skip_statement();
}

void Parser::error(const SourceRange& range, const std::string& message) {
  build.diagnostics().error(DiagnosticKind::SyntaxError, range, message);
}

const char* token_text(TokenKind kind) { return Parser::symbol_name(static_cast<Parser::symbol_kind_type>(kind)); }

}  // namespace cnnc::grammar
