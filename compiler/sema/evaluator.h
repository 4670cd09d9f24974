// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Evaluates the language when compiling: numbers and tables are computed, uses of layers become nodes of the graph. One
// evaluator builds one network (and then the losses of its recipes).
//
// evaluate.cpp: expressions and bodies. names.cpp: what a name means. calls.cpp: blocks, networks, stages, repeat.
// layer_call.cpp, arguments.cpp: layers of the table. arithmetic.cpp: operators. builtins.cpp: functions of compile time.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sema/construction.h"
#include "sema/program.h"
#include "sema/reporter.h"
#include "sema/scope.h"
#include "sema/value.h"

namespace cnnc::sema {

struct EvaluatedArgument {
  std::optional<ast::Name> name;
  Value value;
  SourceRange range;
};

/// A use of something that can be called. `range` covers `callee(arguments)`.
struct Call {
  SourceRange range;
  std::optional<ast::Name> share;
  std::vector<EvaluatedArgument> arguments;   // what is piped comes first
  bool piped = false;
};

/// The names that a body sees; levels are the branches and loops inside of it, innermost last.
struct Frame {
  struct Shared {
    Scope* scope = nullptr;
    Callable callable;
    SourceRange range;
  };
  std::vector<std::map<std::string, Value, std::less<>>> levels{1};
  std::map<std::string, Shared> shared;

  const Value* find(std::string_view name) const;
  void set(const std::string& name, Value value) { levels.back()[name] = std::move(value); }
};

class Evaluator {
 public:
  Evaluator(const Program& program, const SourceManager& sources, Reporter& reporter, ElementType float_type);

  /// Builds the network with its own inputs; `overrides` replace defaults of its parameters. The result is its value.
  Value build_network(const ast::Definition& network, const std::map<std::string, EvaluatedArgument>& overrides);
  /// Evaluates with these names and nothing else of a body, under a scope of that name: losses, metrics, overrides.
  Value evaluate_apart(const ast::Expr& expr, Frame frame, const std::string& scope);

  Value evaluate(const ast::Expr& expr);
  Value call(const Callable& callable, Call call);
  Value call_layer(const LayerDef& layer, const Call& call);
  Value binary(ast::BinaryOperator op, const Value& a, const Value& b, const ast::Expr& expr);
  Value unary(ast::UnaryOperator op, const Value& operand, const ast::Expr& expr);
  Value comparison(const ast::Comparison& comparison, const ast::Expr& expr);

  /// What a name means; reports unknown ones.
  Value look_up(const std::string& name, SourceRange range);

  /// A number as a tensor, a table as a constant, a label as a column like `like`; an invalid id for everything else.
  ValueId as_tensor(const Value& value, const TensorType* like = nullptr);
  /// The column of labels of this name; makes it when `type` is given. Reports when it has another type already.
  ValueId label_column(const LabelColumn& label, const TensorType& type, SourceRange range);

  /// Counts work; false (after a report, once) when there was too much of it.
  bool charge(int64_t steps, SourceRange range);
  int64_t steps() const { return steps_; }
  bool check_dims(const Dims& dims, SourceRange range);

  /// The text of a call in messages, `conv(16, kernel: 5)`.
  std::string text(SourceRange range) const;
  /// "a tensor of 16x3x3", "a list of 3".
  std::string describe(const Value& value) const;
  void note_origin(Diagnostic& diagnostic, ValueId value) const;
  Value wrong_type(SourceRange range, std::string message);

  Construction& construction() { return construction_; }
  Reporter& reporter() { return *reporter_; }
  const SourceManager& sources() const { return *sources_; }
  const Program& program() const { return *program_; }

 private:
  friend class LayerCall;

  struct NetworkUse {
    std::vector<std::pair<std::string, Value>> hyperparameters;
    SourceRange range;
    bool building = false;
  };

  Value evaluate_node(const ast::Expr& expr);
  Value evaluate_list(const ast::List& list, const ast::Expr& expr);
  Value evaluate_call(const ast::Call& call, const ast::Expr& expr);
  Value evaluate_index(const ast::Index& index, const ast::Expr& expr);
  Value evaluate_member(const ast::Member& member, const ast::Expr& expr);
  Value evaluate_logic(const ast::Binary& logic);
  Value evaluate_if(const ast::If& choice);
  Value evaluate_pipe(const ast::Pipe& pipe);
  Value evaluate_body(const ast::Body& body);
  Value evaluate_return(const ast::Return& result, SourceRange range);
  Value evaluate_in_scope(const std::string& part, const ast::Expr& expr);
  std::optional<bool> condition(const ast::Expr& expr, std::string_view what);

  Value run_stage(const ast::Stage& stage, size_t loop, Value input);
  Value run_count(const ast::Stage& stage, size_t loop, Value input, double count);
  Value run_rows(const ast::Stage& stage, size_t loop, Value input, const std::vector<Value>& rows);
  Value call_stage(const ast::Stage& stage, Value input);
  std::vector<EvaluatedArgument> evaluate_arguments(const std::vector<ast::Argument>& arguments);
  Value call_named(const std::string& name, SourceRange name_range, Call call);

  Value call_definition(const ast::Definition& definition, const Call& call);
  Value call_network(const ast::Definition& network, const Call& call);
  Value build_body(const ast::Definition& definition, Frame frame, Scope& scope);
  /// Binds arguments to parameters; nothing when the call does not fit (reported).
  std::optional<Frame> bind_parameters(const ast::Definition& definition, const Call& call);
  bool assign_arguments(const ast::Definition& definition, const Call& call,
                        std::map<std::string, const EvaluatedArgument*>& given);
  bool bind_shape(const ast::Definition& definition, const ast::Parameter& parameter, const EvaluatedArgument& argument,
                  const std::map<std::string, const EvaluatedArgument*>& given, const Call& call);
  std::optional<Dims> input_dims(const ast::Parameter& parameter, const std::map<std::string, EvaluatedArgument>& overrides);
  std::optional<int64_t> extent(const ast::Expr& expr, const Value& value);
  /// The scope of the next use of `kind`, or of the shared name. `reused` tells that its weights exist already.
  Scope& enter_scope(const std::string& kind, const Callable& callable, const Call& call, bool& reused);

  Value constant_value(const ast::Constant& constant);
  std::optional<Value> initialiser_call(const std::string& name, const Call& call);

  Value numbers(ScalarOp op, double a, double b, const ast::Expr& expr);
  Value tables(ScalarOp op, const Value& a, const Value& b, const ast::Expr& expr);
  Value tensors(ScalarOp op, const Value& a, const Value& b, const ast::Expr& expr);
  Value compare(ast::Relation relation, const Value& a, const Value& b, const ast::Expr& expr);

  ValueId parameter(Parameter parameter, bool& failed);

  const Program* program_;
  const SourceManager* sources_;
  Reporter* reporter_;
  Construction construction_;
  Scope root_{""};
  Scope* scope_ = &root_;
  Frame* frame_;
  Frame empty_frame_;
  std::map<const ast::Definition*, NetworkUse> networks_;
  std::map<const ast::Constant*, std::optional<Value>> constants_;   // empty while it is being evaluated
  std::map<std::string, SourceRange> label_uses_;
  std::string outer_layer_;                   // the `layer` of a file whose body is being built
  bool reusing_ = false;                      // weights are those of an earlier use
  bool stopped_ = false;
  int depth_ = 0;
  intptr_t stack_start_ = 0;
  int64_t steps_ = 0;
  int64_t random_streams_ = 0;
};

/// Reports index equations, `weight`, `state`, `update`; false for the statements that are available.
bool refuse_statement(const ast::Statement& statement, Reporter& reporter);
/// Reports a name that means nothing, with the nearest of `names` and of all names that exist everywhere.
void report_unknown_name(const std::string& name, SourceRange range, std::vector<std::string> names, const Program& program,
                         Reporter& reporter);

/// Names that layers take and that exist everywhere: `same`, `he_normal`, …
bool is_layer_word(std::string_view name);
bool is_initialiser(std::string_view name);
std::vector<std::string> all_layer_words();
/// An initialiser by name with the values in brackets; nothing when it takes no such number of values.
std::optional<Initialiser> make_initialiser(std::string_view name, const std::vector<double>& values);

/// Restores a variable at the end of a block.
template <class T>
class Restore {
 public:
  Restore(T& variable, T value) : variable_(&variable), saved_(std::move(variable)) { variable = std::move(value); }
  ~Restore() { *variable_ = std::move(saved_); }
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;

 private:
  T* variable_;
  T saved_;
};

}  // namespace cnnc::sema
