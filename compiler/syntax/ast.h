// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The abstract syntax tree of a .cnn file.
//
//   File       = Item*
//   Item       = network | block | layer NAME(Parameter*) Body | train NAME [as NAME] { Setting* } | test STRING { Check* }
//              | const NAME = Expr | import STRING | import NAME | language NUMBER
//   Parameter  = NAME | NAME : Shape | NAME = Expr                  Shape = [ (Expr | NAME = Expr)* ]
//   Body       = { Statement* }
//   Statement  = NAME = Expr | NAME[Expr*] = Expr | weight NAME : Shape = Expr | state NAME : Shape = Expr
//              | update NAME[Expr*] = Expr | return (NAME : Expr)* | Expr
//   Setting    = NAME = Expr | NAME NAME { Setting* } | NAME STRING { Setting* }
//   Check      = Expr | Expr ~ Expr | NAME = Expr
//   Expr       = literal | name | list | call | index | member | unary | binary | comparison | if | pipe
//   Pipe       = Expr (-> Stage)*           Stage = repeat(Loop)* [share(NAME)] NAME [(Argument*)]
//
// Invariants: ranges cover exactly the text of the node; a pipe's input is never a pipe (stages are one flat list, so a
// file of 10,000 stages needs no deep recursion); what error recovery produced is an Expr of kind Error, which later phases
// skip silently (the error was reported).
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "support/source.h"

namespace cnnc::ast {

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

struct Name {
  std::string text;
  SourceRange range;
};

/// An argument of a call: positional, or `name: value`.
struct Argument {
  std::optional<Name> name;
  ExprPtr value;
};

struct Statement;
/// The statements of a body in braces; the last one is its value (or a `return`).
struct Body {
  std::vector<Statement> statements;
  SourceRange range;
};

enum class UnaryOperator { Negate, Not };
enum class BinaryOperator { Add, Subtract, Multiply, Divide, Modulo, Power, And, Or };
enum class Relation { Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual };
enum class Unit { Epochs, Steps, Times, KB, MB, GB };

struct Error {};
/// `text` is the number as written, so that the printer changes nothing.
struct Number {
  double value = 0;
  std::string text;
};
struct Quantity {
  double value = 0;
  std::string number_text;
  Unit unit = Unit::Epochs;
};
/// `value` has its escapes resolved.
struct String {
  std::string value;
};
struct Boolean {
  bool value = false;
};
struct Reference {
  std::string name;
};
struct List {
  std::vector<ExprPtr> items;
};
/// `callee(arguments)`: the callee is a Reference, or an Index for reductions (`sum[a, u](…)`).
struct Call {
  ExprPtr callee;
  std::vector<Argument> arguments;
};
/// `base[indices]`, `base[indices else outside]`.
struct Index {
  ExprPtr base;
  std::vector<ExprPtr> indices;
  ExprPtr outside;
};
struct Member {
  ExprPtr base;
  Name name;
};
struct Unary {
  UnaryOperator op{};
  ExprPtr operand;
};
struct Binary {
  BinaryOperator op{};
  ExprPtr left, right;
};
/// `a < b`, and chains as `0 <= u < 7`: operands.size() == relations.size() + 1.
struct Comparison {
  std::vector<ExprPtr> operands;
  std::vector<Relation> relations;
};
/// `if c { … } else { … }`; an `else if` has one expression statement, the inner If, as its else body.
struct If {
  ExprPtr condition;
  std::unique_ptr<Body> then_body, else_body;
  bool else_if = false;
};
/// The loop of `repeat`: a count (`names` empty: `repeat(n)` or `repeat(i < n)`), or rows of a table (`repeat(a, b in table)`).
struct Loop {
  std::vector<Name> names;
  ExprPtr value;
  SourceRange range;
};
struct Stage {
  std::vector<Loop> repeats;      // outermost first
  std::optional<Name> share;
  Name callee;
  bool has_arguments = false;     // `relu` and `relu()` are printed as written
  std::vector<Argument> arguments;
  SourceRange range;              // of `callee(arguments)`, without repeat and share
};
struct Pipe {
  ExprPtr input;
  std::vector<Stage> stages;
};

struct Expr {
  using Kind = std::variant<Error, Number, Quantity, String, Boolean, Reference, List, Call, Index, Member, Unary, Binary,
                            Comparison, If, Pipe>;
  Kind kind;
  SourceRange range;
  bool parenthesized = false;     // the printer keeps brackets that were written
  int depth = 1;                  // levels of this tree; at most limits::kMaximumNesting, so that recursion is safe
};

/// A dimension of a shape: `28`, `c` (a name that is bound to the size, or a number), `size = 224`.
struct Dimension {
  std::optional<Name> name;       // `size` of `size = 224`
  ExprPtr value;
};
struct Shape {
  std::vector<Dimension> dimensions;
  SourceRange range;
};
struct Parameter {
  Name name;
  std::optional<Shape> shape;     // an input: `image: [1, 28, 28]`
  ExprPtr default_value;          // a hyperparameter: `classes = 10`
  SourceRange range;
};

struct Bind {
  Name name;
  ExprPtr value;
};
/// `y[f, i, j] = …`; the target is an Index.
struct Equation {
  ExprPtr target, value;
};
struct WeightDeclaration {
  Name name;
  Shape shape;
  ExprPtr initial;
  bool is_state = false;          // `state` instead of `weight`
};
/// `update running[a] = …`; the target is an Index or a Reference.
struct Update {
  ExprPtr target, value;
};
struct Result {
  Name name;
  ExprPtr value;
};
struct Return {
  std::vector<Result> results;
};
struct ExpressionStatement {
  ExprPtr value;
};
struct Statement {
  std::variant<Bind, Equation, WeightDeclaration, Update, Return, ExpressionStatement> kind;
  SourceRange range;
};

enum class DefinitionKind { Network, Block, Layer };
struct Definition {
  DefinitionKind kind{};
  Name name;
  std::vector<Parameter> parameters;
  Body body;
};
struct Setting;
/// `weights "PATTERN" { … }` (name is a string) or `step NETWORK { … }`.
struct Section {
  Name keyword;
  Name argument;
  bool argument_is_string = false;
  std::vector<Setting> settings;
};
struct Assignment {
  Name name;
  ExprPtr value;
};
struct Setting {
  std::variant<Assignment, Section> kind;
  SourceRange range;
};
struct Train {
  Name network;
  std::optional<Name> recipe;
  std::vector<Setting> settings;
};
/// One line of a test block: `a ~ b` (both set), an expression (left only), or a binding (name and left).
struct Check {
  std::optional<Name> name;
  ExprPtr left, right;
  SourceRange range;
};
struct Test {
  std::string title;
  std::vector<Check> checks;
};
struct Constant {
  Name name;
  ExprPtr value;
};
struct Import {
  Name target;                    // a path when `is_path`, else a library's name
  bool is_path = false;
};
struct Language {
  double version = 1;
};
struct Item {
  std::variant<Definition, Train, Test, Constant, Import, Language> kind;
  std::string documentation;      // the comments directly above, without `#`
  SourceRange range;
};

/// A comment, kept so that the printer loses none. `text` includes the `#`.
struct Comment {
  std::string text;
  SourceRange range;
  bool own_line = false;          // nothing but blanks before it on its line
};

struct File {
  std::vector<Item> items;
  std::vector<Comment> comments;  // in the order written
  int32_t source = -1;
};

}  // namespace cnnc::ast
