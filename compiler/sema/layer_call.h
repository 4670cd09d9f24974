// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One use of a layer of the table: arguments → values of their kinds (arguments.cpp), then what the layer's builder asks for
// (layer_call.cpp).
#pragma once
#include <map>
#include <string>

#include "sema/evaluator.h"

namespace cnnc::sema {

class LayerCall final : public LayerContext {
 public:
  LayerCall(Evaluator& evaluator, const LayerDef& layer, const Call& call, std::string scope)
      : evaluator_(&evaluator), layer_(&layer), call_(&call), scope_(std::move(scope)) {}

  /// Assigns what was written to the layer's arguments; false when it does not fit (reported).
  bool assign();
  /// Converts all arguments, fills in defaults. Reports what does not fit; stays silent about poisoned values.
  bool convert();
  /// Whether all written arguments are numbers or tables of them.
  bool only_numbers() const;
  /// Of a function with a formula, when only_numbers.
  Value compute();
  Value build();

  const ArgumentValue& argument(std::string_view name) const override;
  bool given(std::string_view name) const override;
  const TensorType& type(ValueId value) const override;
  ElementType float_type() const override;
  std::vector<ValueId> add(std::string_view op, std::vector<ValueId> operands, AttributeMap attributes) override;
  ValueId weight(std::string_view name, Dims dims, Initialiser initialiser, std::string_view group) override;
  ValueId state(std::string_view name, Dims dims, Initialiser initialiser) override;
  void update_state(ValueId state, ValueId next) override;
  int64_t next_random_stream() override;
  Diagnostic& error(DiagnosticKind kind, std::string message) override;
  Diagnostic& error_at(std::string_view argument, DiagnosticKind kind, std::string message) override;
  Diagnostic& warning(DiagnosticKind kind, std::string message) override;
  std::string call_text() const override;
  void note_origin(Diagnostic& diagnostic, ValueId value) const override;

 private:
  const ArgumentDef* find_definition(const EvaluatedArgument& written, size_t& position);
  void report_unknown_argument(const ast::Name& name);
  void report_missing(const ArgumentDef& def);
  std::optional<ArgumentValue> default_value(const ArgumentDef& def);
  std::optional<ArgumentValue> convert_one(const ArgumentDef& def, const EvaluatedArgument& written);
  std::optional<ArgumentValue> convert_tensor(const ArgumentDef& def, const EvaluatedArgument& written);
  std::optional<ArgumentValue> convert_number(const ArgumentDef& def, const EvaluatedArgument& written, bool whole);
  std::optional<ArgumentValue> convert_size(const ArgumentDef& def, const EvaluatedArgument& written);
  std::optional<ArgumentValue> convert_padding(const ArgumentDef& def, const EvaluatedArgument& written);
  std::optional<ArgumentValue> convert_word(const ArgumentDef& def, const EvaluatedArgument& written);
  std::optional<ArgumentValue> convert_initialiser(const ArgumentDef& def, const EvaluatedArgument& written);
  std::optional<double> number(const ArgumentDef& def, const Value& value, SourceRange range, bool whole);
  /// Reports that `def` takes something else than it got.
  void refuse(const ArgumentDef& def, const EvaluatedArgument& written, std::string_view wanted);
  void warn_double_softmax();
  void warn_positional_stride();
  Value results(const std::vector<ValueId>& values);
  ValueId poison();

  Evaluator* evaluator_;
  const LayerDef* layer_;
  const Call* call_;
  std::string scope_;                                     // full name of the layer, "stem.conv1"
  std::map<std::string_view, std::vector<const EvaluatedArgument*>> written_;
  std::map<std::string_view, ArgumentValue> values_;
  bool failed_ = false;
  bool has_matrix_weight_ = false;                        // its shape is its own, not its input's
};

}  // namespace cnnc::sema
