// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reads the defaults of a layer's arguments and records what its builder does.
#include "layer_context.h"

#include <fmt/format.h>

#include "support/check.h"

namespace cnnc::test {
namespace {

ArgumentValue default_value(const ArgumentDef& argument, const std::map<std::string, ArgumentValue>& known) {
  const std::string text(argument.default_text);
  if (known.contains(text)) return known.at(text);      // the name of an earlier argument
  switch (argument.kind) {
    case ArgumentKind::Integer: return static_cast<int64_t>(std::stoll(text));
    case ArgumentKind::Number: return std::stod(text);
    case ArgumentKind::Boolean: return text == "true";
    case ArgumentKind::Word: return text;
    case ArgumentKind::Size: return Dims{std::stoll(text), std::stoll(text)};
    case ArgumentKind::Padding: CNNC_CHECK(text == "valid", "the default padding"); return Padding{};
    case ArgumentKind::Initialiser: return Initialiser{.name = text};
    default: CNNC_CHECK(false, fmt::format("argument `{}` has no default", argument.name));
  }
}

}  // namespace

std::vector<ValueId> TestContext::build() {
  std::map<std::string, ArgumentValue> known = given_;
  for (const ArgumentDef& argument : layer_->arguments) {
    const std::string name(argument.name);
    if (known.contains(name) || argument.default_text.empty()) continue;
    defaults_[name] = known[name] = default_value(argument, known);
  }
  return layer_->build(*this);
}

std::string TestContext::reported() const {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics_) {
    text += fmt::format("{}: {} [{}]\n", diagnostic.severity == Severity::Error ? "error" : "warning", diagnostic.message,
                        kind_text(diagnostic.kind));
    for (const Attachment& attachment : diagnostic.attachments)
      text += fmt::format("{}: {}\n", attachment.severity == Severity::Note ? "note" : "help", attachment.message);
  }
  return text;
}

const ArgumentValue& TestContext::argument(std::string_view name) const {
  const auto found = given_.find(std::string(name));
  return found != given_.end() ? found->second : defaults_.at(std::string(name));
}

std::vector<ValueId> TestContext::add(std::string_view op, std::vector<ValueId> operands, AttributeMap attributes) {
  return graph.add(get_op(op), std::move(operands), std::move(attributes));
}

ValueId TestContext::weight(std::string_view name, Dims dims, Initialiser initialiser, std::string_view group) {
  const TensorType type{ElementType::F32, false, std::move(dims)};
  parameters[std::string(name)] = {std::string(name), Role::Weight, type, std::move(initialiser), std::string(group), {}};
  return graph.add_argument(type);
}

ValueId TestContext::state(std::string_view name, Dims dims, Initialiser initialiser) {
  const TensorType type{ElementType::F32, false, std::move(dims)};
  parameters[std::string(name)] = {std::string(name), Role::State, type, std::move(initialiser), {}, {}};
  return graph.add_argument(type);
}

Diagnostic& TestContext::error(DiagnosticKind kind, std::string message) {
  return diagnostics_.emplace_back(Diagnostic{Severity::Error, kind, std::move(message), {}, {}});
}
Diagnostic& TestContext::error_at(std::string_view argument, DiagnosticKind kind, std::string message) {
  (void)this->argument(argument);      // it exists
  return error(kind, std::move(message));
}
Diagnostic& TestContext::warning(DiagnosticKind kind, std::string message) {
  return diagnostics_.emplace_back(Diagnostic{Severity::Warning, kind, std::move(message), {}, {}});
}
void TestContext::note_origin(Diagnostic& diagnostic, ValueId value) const {
  diagnostic.note(fmt::format("the shape {} comes from here", shape_text(type(value).dims)));
}

}  // namespace cnnc::test
