// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The entry of sema: loads imports, chooses the network, builds it and its recipes, and puts the module together.
#include "sema/sema.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sema/evaluator.h"
#include "sema/program.h"
#include "sema/recipe.h"
#include "sema/unresolved.h"
#include "sema/unused.h"
#include "support/limits.h"
#include "support/text.h"
#include "syntax/parser.h"

namespace cnnc {
namespace sema {
namespace {

class Analysis {
 public:
  Analysis(const AnalyseOptions& options, SourceManager& sources, Reporter& reporter, Diagnostics& diagnostics)
      : options_(options), sources_(sources), reporter_(reporter), diagnostics_(diagnostics),
        program_(sources, reporter, diagnostics, options.library_path) {}

  std::optional<Module> run(const ast::File& file);

 private:
  const ast::Definition* choose_network(const ast::File& file);
  void check_trains(const ast::File& file);
  std::map<std::string, EvaluatedArgument> read_overrides(const ast::Definition& network);
  std::optional<Module> build(const ast::Definition& network, const std::map<std::string, EvaluatedArgument>& overrides);
  bool collect_outputs(const ast::Definition& network, BuiltNetwork& built, Evaluator& evaluator);
  bool build_recipes(const BuiltNetwork& built, Evaluator& evaluator, Module& module);

  const AnalyseOptions& options_;
  SourceManager& sources_;
  Reporter& reporter_;
  Diagnostics& diagnostics_;
  Program program_;
  int64_t steps_ = 0;     // taken by the networks built so far
};

const ast::Definition* Analysis::choose_network(const ast::File& file) {
  std::vector<std::string> names;
  for (const auto& [name, symbol] : program_.symbols())
    if (symbol.definition && symbol.definition->kind == ast::DefinitionKind::Network) names.push_back(name);
  if (!options_.network.empty()) {
    if (const Symbol* symbol = program_.find(options_.network); symbol && std::find(names.begin(), names.end(), options_.network) != names.end())
      return symbol->definition;
    Diagnostic& error = reporter_.error(DiagnosticKind::NoNetwork, {}, fmt::format("the file has no network `{}`", options_.network));
    if (const auto near = nearest(options_.network, names)) error.help(fmt::format("did you mean `{}`?", *near));
    else if (!names.empty()) error.help(fmt::format("it has {}", join_choices(names, "and")));
    return nullptr;
  }
  if (!program_.networks().empty()) return program_.networks().back();
  // A file of blocks and constants is a library: nothing to build, and nothing wrong.
  const bool has_items = std::any_of(file.items.begin(), file.items.end(), [](const ast::Item& item) {
    return std::holds_alternative<ast::Definition>(item.kind) || std::holds_alternative<ast::Constant>(item.kind);
  });
  if (options_.all_networks && has_items) return nullptr;
  reporter_.error(DiagnosticKind::NoNetwork, {}, "the file has no network")
      .help("a network is `network name(image: [1, 28, 28]) { image -> … }`");
  return nullptr;
}

void Analysis::check_trains(const ast::File& file) {
  std::vector<std::string> names;
  for (const auto& [name, symbol] : program_.symbols())
    if (symbol.definition && symbol.definition->kind == ast::DefinitionKind::Network) names.push_back(name);
  std::map<std::pair<std::string, std::string>, SourceRange> recipes;
  for (const ast::Item& item : file.items) {
    const auto* train = std::get_if<ast::Train>(&item.kind);
    if (!train) continue;
    if (std::find(names.begin(), names.end(), train->network.text) == names.end()) {
      Diagnostic& error = reporter_.error(DiagnosticKind::UnknownName, train->network.range, fmt::format("there is no network `{}` to train", train->network.text));
      if (const auto near = nearest(train->network.text, names)) error.help(fmt::format("did you mean `{}`?", *near));
    }
    const std::string recipe = train->recipe ? train->recipe->text : "default";
    const auto [entry, is_new] = recipes.emplace(std::pair{train->network.text, recipe}, train->network.range);
    if (!is_new)
      reporter_.error(DiagnosticKind::NameClash, train->recipe ? train->recipe->range : train->network.range,
                      fmt::format("`{}` has two recipes called `{}`", train->network.text, recipe))
          .note("the other one is here", entry->second)
          .help(fmt::format("give this one a name: `train {} as careful {{ … }}`", train->network.text));
  }
}

std::map<std::string, EvaluatedArgument> Analysis::read_overrides(const ast::Definition& network) {
  std::vector<std::string> known;
  for (const ast::Parameter& parameter : network.parameters) {
    if (!parameter.shape) known.push_back(parameter.name.text);
    else for (const ast::Dimension& dimension : parameter.shape->dimensions)
        if (dimension.name) known.push_back(dimension.name->text);
  }
  std::map<std::string, EvaluatedArgument> overrides;
  Evaluator evaluator(program_, sources_, reporter_, options_.float_type);
  for (const auto& [name, text] : options_.overrides) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      Diagnostic& error = reporter_.error(DiagnosticKind::UnknownArgument, {}, fmt::format("`-D {}={}`: the network `{}` has no hyperparameter `{}`", name, text, network.name.text, name));
      if (const auto near = nearest(name, known)) error.help(fmt::format("did you mean `{}`?", *near));
      else if (!known.empty()) error.help(fmt::format("it has {}", join_choices(known, "and")));
      continue;
    }
    const int32_t source = sources_.add("-D " + name, text);
    const ast::ExprPtr expr = parse_expression(sources_, source, diagnostics_);
    if (expr) overrides[name] = {std::nullopt, evaluator.evaluate_apart(*expr, Frame{}, "override"), expr->range};
  }
  return overrides;
}

bool Analysis::collect_outputs(const ast::Definition& network, BuiltNetwork& built, Evaluator& evaluator) {
  if (built.value.poisoned()) return false;
  std::vector<std::pair<std::string, Value>> fields{{"output", built.value}};
  if (const Record* record = built.value.record()) fields = record->fields;
  const SourceRange range = network.body.statements.empty() ? network.name.range : network.body.statements.back().range;
  for (const auto& [name, value] : fields) {
    if (value.poisoned()) return false;
    const ValueId* tensor = value.as<ValueId>();
    if (!tensor) {
      evaluator.wrong_type(range, fmt::format("a network gives tensors, but `{}` of `{}` is {}", name, built.name, evaluator.describe(value)));
      return false;
    }
    if (!evaluator.construction().graph.type(*tensor).batched) {
      evaluator.wrong_type(range, fmt::format("`{}` of `{}` does not depend on any input", name, built.name));
      return false;
    }
    built.outputs.push_back({name, Role::Output, *tensor});
  }
  return true;
}

bool Analysis::build_recipes(const BuiltNetwork& built, Evaluator& evaluator, Module& module) {
  for (const ast::Train* train : program_.trains()) {
    if (train->network.text != built.name) continue;
    auto recipe = build_recipe(*train, built, evaluator);
    if (!recipe) continue;
    module.recipes.push_back(std::move(recipe->recipe));
    module.functions.push_back(std::move(recipe->loss));
  }
  return !reporter_.has_errors();
}

std::optional<Module> Analysis::build(const ast::Definition& network, const std::map<std::string, EvaluatedArgument>& overrides) {
  // The networks of a file share the steps; where an earlier one had too few, that was reported.
  if (steps_ > limits::kMaximumEvaluationSteps) return std::nullopt;
  Evaluator evaluator(program_, sources_, reporter_, options_.float_type);
  evaluator.charge(steps_, network.name.range);
  BuiltNetwork built{network.name.text, evaluator.build_network(network, overrides), {}};
  steps_ = evaluator.steps();
  if (!collect_outputs(network, built, evaluator)) {
    for (const ast::Train* train : program_.trains())
      if (train->network.text == built.name) check_settings(*train, built, evaluator);
    return std::nullopt;
  }
  const Construction& graph = evaluator.construction();
  Module module;
  module.network = built.name;
  module.parameters = graph.parameters;
  for (const Port& input : graph.inputs) module.inputs.push_back({input.name, Role::Input, graph.graph.type(input.value)});
  Function function{"network", graph.inputs, graph.graph, built.outputs};
  for (Port& port : graph.parameter_arguments()) function.arguments.push_back(std::move(port));
  module.functions.push_back(std::move(function));
  if (!build_recipes(built, evaluator, module)) return std::nullopt;
  return module;
}

std::optional<Module> Analysis::run(const ast::File& file) {
  program_.load(file);
  check_trains(file);
  report_unused(file, reporter_);
  const ast::Definition* network = choose_network(file);
  std::optional<Module> module;
  if (network) module = build(*network, read_overrides(*network));
  if (options_.all_networks)
    for (const ast::Definition* other : program_.networks())
      if (other != network) build(*other, {});
  report_unresolved(file, program_, reporter_);
  if (reporter_.has_errors()) return std::nullopt;
  return module;
}

}  // namespace
}  // namespace sema

std::optional<Module> analyse(const ast::File& file, const AnalyseOptions& options, SourceManager& sources, Diagnostics& diagnostics) {
  sema::Reporter reporter;
  std::optional<Module> module = sema::Analysis(options, sources, reporter, diagnostics).run(file);
  reporter.deliver(diagnostics);
  if (diagnostics.has_errors()) return std::nullopt;
  return module;
}

}  // namespace cnnc
