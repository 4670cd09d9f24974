// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Statements → text → module.
#include "test/random/program.h"

#include <fmt/format.h>

#include <charconv>
#include <set>

#include "sema/sema.h"
#include "support/check.h"
#include "syntax/parser.h"

namespace cnnc::random_programs {
namespace {

std::string statement_text(const Statement& s) {
  if (s.is_operator) {
    if (s.inputs.size() == 1) return fmt::format("{} = {}{}", s.name, s.callee, s.inputs[0]);
    return fmt::format("{} = {} {} {}", s.name, s.inputs[0], s.callee, s.inputs[1]);
  }
  std::vector<std::string> arguments(s.inputs.begin() + (s.piped ? 1 : 0), s.inputs.end());
  for (const Statement::Argument& argument : s.arguments)
    arguments.push_back(argument.name.empty() ? argument.text : fmt::format("{}: {}", argument.name, argument.text));
  const std::string shared = s.shared.empty() ? "" : fmt::format("share({}) ", s.shared);
  const std::string call = fmt::format("{}{}({})", shared, s.callee, fmt::join(arguments, ", "));
  return s.piped ? fmt::format("{} = {} -> {}", s.name, s.inputs[0], call) : fmt::format("{} = {}", s.name, call);
}

/// `v3` of `v3[1]`.
std::string base_name(const std::string& value) { return value.substr(0, value.find('[')); }

}  // namespace

std::vector<std::string> value_names(const Statement& statement) {
  if (statement.parts == 0) return {statement.name};
  std::vector<std::string> names;
  for (int64_t part = 0; part < statement.parts; ++part) names.push_back(fmt::format("{}[{}]", statement.name, part));
  return names;
}

std::string to_text(const RandomProgram& program) {
  std::string text = fmt::format("network random(image: [{}]) {{\n", fmt::join(program.input, ", "));
  for (const Statement& statement : program.statements) text += "    " + statement_text(statement) + "\n";
  text += fmt::format("    {}\n}}\n", program.output);
  if (program.loss.empty()) return text;
  text += fmt::format("\ntrain random {{\n    data = arrays(\"images.npy\", \"labels.npy\")\n    loss = {}\n", program.loss);
  if (!program.optimizer.empty()) text += fmt::format("    optimizer = {}\n", program.optimizer);
  if (!program.metrics.empty()) text += fmt::format("    metrics = {}\n", program.metrics);
  return text + fmt::format("    batch = {}\n}}\n", program.batch);
}

RandomProgram without_unused(const RandomProgram& program) {
  RandomProgram result = program;
  std::set<std::string> used = {base_name(program.output)};
  result.statements.clear();
  for (size_t i = program.statements.size(); i-- > 0;) {
    const Statement& statement = program.statements[i];
    if (!used.contains(statement.name)) continue;
    for (const std::string& input : statement.inputs) used.insert(base_name(input));
    result.statements.insert(result.statements.begin(), statement);
  }
  return result;
}

std::optional<Module> analyse_text(const std::string& text, ElementType element, std::string* errors) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const ast::File file = parse_file(sources, sources.add("random.cnn", text), diagnostics);
  std::optional<Module> module;
  if (!diagnostics.has_errors()) {
    AnalyseOptions options;
    options.float_type = element;
    module = analyse(file, options, sources, diagnostics);
  }
  if (!diagnostics.has_errors() && module) return module;
  if (errors) *errors = diagnostics.render(false);
  return {};
}

int64_t batch_of(const Module& module) {
  for (const Recipe& recipe : module.recipes)
    for (const SettingText& setting : recipe.settings) {
      int64_t batch = 0;
      if (setting.name != "batch") continue;
      std::from_chars(setting.text.data(), setting.text.data() + setting.text.size(), batch);
      CNNC_CHECK(batch > 0, "a batch is a positive number");
      return batch;
    }
  return 1;
}

}  // namespace cnnc::random_programs
