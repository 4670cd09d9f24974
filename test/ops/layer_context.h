// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A LayerContext for tests: arguments by name, defaults from the table, a graph to build into, and what was reported.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "ir/builder.h"
#include "ir/layer.h"

namespace cnnc::test {

class TestContext final : public LayerContext {
 public:
  /// `text` is the call as a person wrote it.
  TestContext(std::string_view layer, std::string text) : layer_(find_layer(layer)), text_(std::move(text)) {}

  ValueId input(TensorType type) { return graph.add_argument(std::move(type)); }
  TestContext& set(const std::string& name, ArgumentValue value) {
    given_[name] = std::move(value);
    return *this;
  }
  /// Runs the builder.
  std::vector<ValueId> build();
  /// All that was reported: `error: message [kind]`, and a line for each note and help.
  std::string reported() const;

  const ArgumentValue& argument(std::string_view name) const override;
  bool given(std::string_view name) const override { return given_.contains(std::string(name)); }
  const TensorType& type(ValueId value) const override { return graph.type(value); }
  ElementType float_type() const override { return ElementType::F32; }
  std::vector<ValueId> add(std::string_view op, std::vector<ValueId> operands, AttributeMap attributes) override;
  ValueId weight(std::string_view name, Dims dims, Initialiser initialiser, std::string_view group) override;
  ValueId state(std::string_view name, Dims dims, Initialiser initialiser) override;
  void update_state(ValueId state, ValueId next) override { updates.emplace_back(state, next); }
  int64_t next_random_stream() override { return streams++; }
  Diagnostic& error(DiagnosticKind kind, std::string message) override;
  Diagnostic& error_at(std::string_view argument, DiagnosticKind kind, std::string message) override;
  Diagnostic& warning(DiagnosticKind kind, std::string message) override;
  std::string call_text() const override { return text_; }
  void note_origin(Diagnostic& diagnostic, ValueId value) const override;

  Graph graph;
  std::map<std::string, Parameter> parameters;
  std::vector<std::pair<ValueId, ValueId>> updates;
  int64_t streams = 0;

 private:
  const LayerDef* layer_;
  std::string text_;
  std::map<std::string, ArgumentValue> given_, defaults_;
  std::vector<Diagnostic> diagnostics_;
};

}  // namespace cnnc::test
