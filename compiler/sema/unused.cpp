// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Walks each body from its end: `live` holds the names that what follows mentions.
#include "sema/unused.h"

#include <fmt/format.h>

#include <set>
#include <string>

namespace cnnc::sema {
namespace {

using Names = std::set<std::string, std::less<>>;

class Walk {
 public:
  explicit Walk(Reporter& reporter) : reporter_(&reporter) {}

  /// Adds the names that an expression mentions; looks into the bodies in it.
  void mention(const ast::Expr* expr, Names& live) {
    if (!expr) return;
    std::visit([&](const auto& kind) { visit(kind, live); }, expr->kind);
  }

  /// From the names that are live after a body to those before it.
  void body(const ast::Body& body, Names& live) {
    Names inner = live;
    for (size_t i = body.statements.size(); i-- > 0;) std::visit([&](const auto& kind) { statement(kind, inner); }, body.statements[i].kind);
    live.insert(inner.begin(), inner.end());
  }

 private:
  void visit(const ast::Error&, Names&) {}
  void visit(const ast::Number&, Names&) {}
  void visit(const ast::Quantity&, Names&) {}
  void visit(const ast::String&, Names&) {}
  void visit(const ast::Boolean&, Names&) {}
  void visit(const ast::Reference& reference, Names& live) { live.insert(reference.name); }
  void visit(const ast::List& list, Names& live) {
    for (const ast::ExprPtr& item : list.items) mention(item.get(), live);
  }
  void visit(const ast::Call& call, Names& live) {
    mention(call.callee.get(), live);
    arguments(call.arguments, live);
  }
  void visit(const ast::Index& index, Names& live) {
    mention(index.base.get(), live);
    for (const ast::ExprPtr& part : index.indices) mention(part.get(), live);
    mention(index.outside.get(), live);
  }
  void visit(const ast::Member& member, Names& live) { mention(member.base.get(), live); }
  void visit(const ast::Unary& unary, Names& live) { mention(unary.operand.get(), live); }
  void visit(const ast::Binary& binary, Names& live) {
    mention(binary.left.get(), live);
    mention(binary.right.get(), live);
  }
  void visit(const ast::Comparison& comparison, Names& live) {
    for (const ast::ExprPtr& operand : comparison.operands) mention(operand.get(), live);
  }
  void visit(const ast::If& choice, Names& live) {
    mention(choice.condition.get(), live);
    // What follows the `if` does not see the branches' bindings.
    Names branch;
    if (choice.then_body) body(*choice.then_body, branch);
    if (choice.else_body) body(*choice.else_body, branch);
    live.insert(branch.begin(), branch.end());
  }
  void visit(const ast::Pipe& pipe, Names& live) {
    mention(pipe.input.get(), live);
    for (const ast::Stage& stage : pipe.stages) {
      live.insert(stage.callee.text);
      for (const ast::Loop& loop : stage.repeats) mention(loop.value.get(), live);
      arguments(stage.arguments, live);
    }
  }
  void arguments(const std::vector<ast::Argument>& arguments, Names& live) {
    for (const ast::Argument& argument : arguments) mention(argument.value.get(), live);
  }

  void statement(const ast::Bind& bind, Names& live) {
    if (live.erase(bind.name.text) == 0)
      reporter_->warning(DiagnosticKind::UnusedBinding, bind.name.range, fmt::format("nothing uses `{}`", bind.name.text))
          .help("leave the line out, or use the value below");
    mention(bind.value.get(), live);
  }
  // Names of index equations are used in ways of their own; those are refused in any case.
  void statement(const ast::Equation& equation, Names& live) {
    mention(equation.target.get(), live);
    mention(equation.value.get(), live);
  }
  void statement(const ast::WeightDeclaration& weight, Names& live) { mention(weight.initial.get(), live); }
  void statement(const ast::Update& update, Names& live) {
    mention(update.target.get(), live);
    mention(update.value.get(), live);
  }
  void statement(const ast::Return& result, Names& live) {
    for (const ast::Result& part : result.results) mention(part.value.get(), live);
  }
  void statement(const ast::ExpressionStatement& expression, Names& live) { mention(expression.value.get(), live); }

  Reporter* reporter_;
};

/// Names in the settings of the network's `train` blocks: a loss may use what the network itself does not.
Names training_names(const ast::File& file, const std::string& network, Walk& walk) {
  Names names;
  for (const ast::Item& item : file.items) {
    const auto* train = std::get_if<ast::Train>(&item.kind);
    if (!train || train->network.text != network) continue;
    for (const ast::Setting& setting : train->settings) {
      if (const auto* assignment = std::get_if<ast::Assignment>(&setting.kind)) walk.mention(assignment->value.get(), names);
      if (const auto* section = std::get_if<ast::Section>(&setting.kind))
        for (const ast::Setting& inner : section->settings)
          if (const auto* assignment = std::get_if<ast::Assignment>(&inner.kind)) walk.mention(assignment->value.get(), names);
    }
  }
  return names;
}

}  // namespace

void report_unused(const ast::File& file, Reporter& reporter) {
  Walk walk(reporter);
  for (const ast::Item& item : file.items) {
    const auto* definition = std::get_if<ast::Definition>(&item.kind);
    if (!definition) continue;
    Names live;
    walk.body(definition->body, live);
    if (definition->kind != ast::DefinitionKind::Network) continue;
    live.merge(training_names(file, definition->name.text, walk));
    for (const ast::Parameter& parameter : definition->parameters) {
      walk.mention(parameter.default_value.get(), live);
      if (!parameter.shape) continue;
      for (const ast::Dimension& dimension : parameter.shape->dimensions) walk.mention(dimension.value.get(), live);
    }
    for (const ast::Parameter& parameter : definition->parameters)
      if (!live.count(parameter.name.text))
        reporter.warning(DiagnosticKind::UnusedParameter, parameter.name.range,
                         fmt::format("nothing in `{}` uses `{}`", definition->name.text, parameter.name.text));
  }
}

}  // namespace cnnc::sema
