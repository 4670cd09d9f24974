// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Losses, metrics and settings of one `train` block.
#include "sema/recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "runtime/settings/schema.h"
#include "support/text.h"
#include "syntax/printer.h"

namespace cnnc::sema {
namespace {

class RecipeBuilder {
 public:
  RecipeBuilder(const ast::Train& train, const BuiltNetwork& network, Evaluator& evaluator)
      : train_(train), network_(network), evaluator_(evaluator), graph_(evaluator.construction()) {}

  std::optional<BuiltRecipe> build();
  void read_settings() {
    for (const ast::Setting& setting : train_.settings) read_setting(setting);
  }

 private:
  void read_setting(const ast::Setting& setting);
  void read_classes(const ast::Expr& value);
  void check_class_count();
  void check_channels_of_normalize();
  Frame names() const;
  /// The value of a loss or metric: of `accuracy` and `cross_entropy(smoothing: 0.1)` for output and label.
  Value measure(const ast::Expr& expr);
  Value measure_output(const Callable& callable, const std::vector<ast::Argument>& arguments, SourceRange range);
  std::optional<Callable> measure_by_name(const ast::Expr& expr, const std::vector<ast::Argument>** arguments);
  /// One number a sample, f32[N]; reports what is none.
  std::optional<ValueId> per_sample(const Value& value, SourceRange range);
  std::optional<ValueId> loss();
  void metrics();
  void add_metric(const ast::Expr& expr);
  void add_metric_port(const std::string& name, std::optional<ValueId> value);
  Function function(ValueId loss);

  Reporter& reporter() { return evaluator_.reporter(); }

  const ast::Train& train_;
  const BuiltNetwork& network_;
  Evaluator& evaluator_;
  Construction& graph_;
  BuiltRecipe built_;
  std::set<std::string> seen_;
  const ast::Expr* loss_ = nullptr;
  const ast::Expr* metrics_ = nullptr;
  SourceRange classes_range_;
  bool is_cross_entropy_ = false;
  std::vector<Port> metric_ports_;
};

void RecipeBuilder::read_setting(const ast::Setting& setting) {
  if (const auto* section = std::get_if<ast::Section>(&setting.kind)) {
    const bool is_known = section->keyword.text == "step" || section->keyword.text == "weights";
    if (is_known)
      reporter().error(DiagnosticKind::NotAvailable, cover(section->keyword.range, section->argument.range),
                       fmt::format("`{}` sections are not available yet", section->keyword.text));
    else
      reporter().error(DiagnosticKind::UnknownSetting, section->keyword.range, fmt::format("there is no section `{}`", section->keyword.text))
          .help("a setting is written `name = value`");
    return;
  }
  const ast::Assignment& assignment = std::get<ast::Assignment>(setting.kind);
  const std::string& name = assignment.name.text;
  if (!assignment.value || std::holds_alternative<ast::Error>(assignment.value->kind)) return;
  const settings::SettingDef* def = settings::find_setting(name);
  if (!def) {
    std::vector<std::string> names;
    for (const settings::SettingDef& known : settings::all_settings()) names.emplace_back(known.name);
    Diagnostic& error = reporter().error(DiagnosticKind::UnknownSetting, assignment.name.range, fmt::format("there is no setting `{}`", name));
    if (const auto near = nearest(name, names)) error.help(fmt::format("did you mean `{}`?", *near));
    return;
  }
  if (!seen_.insert(name).second) {
    reporter().error(DiagnosticKind::BadSetting, assignment.name.range, fmt::format("`{}` is set twice in this block", name));
    return;
  }
  const bool is_expression = name == "loss" || name == "metrics";
  if (name == "loss") loss_ = assignment.value.get();
  if (name == "metrics") metrics_ = assignment.value.get();
  if (name == "classes") read_classes(*assignment.value);
  const auto text = is_expression ? std::optional(format_expression(*assignment.value)) : setting_text(*assignment.value, evaluator_);
  if (!text) return;
  const auto checked = settings::check(name, *text);
  if (const settings::Problem* problem = std::get_if<settings::Problem>(&checked)) {
    Diagnostic& error = reporter().error(def->available ? DiagnosticKind::BadSetting : DiagnosticKind::NotAvailable,
                                         def->available ? assignment.value->range : assignment.name.range, problem->message);
    if (!problem->help.empty()) error.help(problem->help);
    return;
  }
  built_.recipe.settings.push_back({name, std::get<std::string>(checked), assignment.value->range});
}

void RecipeBuilder::read_classes(const ast::Expr& value) {
  classes_range_ = value.range;
  const auto items = as_items(evaluator_.evaluate_apart(value, Frame{}, "settings"));
  if (!items) return;
  for (const Value& item : *items)
    if (const Text* text = item.as<Text>()) built_.recipe.classes.push_back(text->text);
}

void RecipeBuilder::check_class_count() {
  const size_t names = built_.recipe.classes.size();
  if (names == 0 || !is_cross_entropy_ || network_.outputs.size() != 1) return;
  const Dims& dims = graph_.graph.type(network_.outputs[0].value).dims;
  if (dims.empty() || dims[0] == static_cast<int64_t>(names)) return;
  reporter().error(DiagnosticKind::BadSetting, classes_range_,
                   fmt::format("there are {} here, but the network tells {} apart", count_of(names, "name"), count_of(static_cast<size_t>(dims[0]), "class", "classes")))
      .note("its result comes from here", graph_.origin(network_.outputs[0].value));
}

/// A list of `normalize` has a number for each channel of an input.
void RecipeBuilder::check_channels_of_normalize() {
  for (const SettingText& setting : built_.recipe.settings) {
    if (setting.name != "normalize") continue;
    const auto parsed = settings::parse_recipe({{setting.name, setting.text}});
    const settings::Recipe* recipe = std::get_if<settings::Recipe>(&parsed);
    const size_t numbers = recipe ? std::max(recipe->mean.size(), recipe->deviation.size()) : 0;
    if (numbers <= 1) return;
    // As the runtime sees it: [channels, height, width]; what has fewer dimensions has one channel.
    const auto channels = [&](const Port& input) {
      const Dims& dims = graph_.graph.type(input.value).dims;
      return dims.size() < 3 ? int64_t{1} : dims[0];
    };
    const auto fits = [&](const Port& input) { return channels(input) == static_cast<int64_t>(numbers); };
    if (graph_.inputs.empty() || std::any_of(graph_.inputs.begin(), graph_.inputs.end(), fits)) return;
    const Port& input = graph_.inputs.front();
    reporter().error(DiagnosticKind::BadSetting, setting.location,
                     fmt::format("`normalize` has numbers for {}, but the input `{}` has {}", count_of(numbers, "channel"), input.name, channels(input)))
        .note("the input is here", graph_.origin(input.value))
        .help("write a number a channel, or one number for all of them");
  }
}

Frame RecipeBuilder::names() const {
  Frame frame;
  for (const Port& input : graph_.inputs) frame.set(input.name, {input.value});
  for (const Port& output : network_.outputs) frame.set(output.name, {output.value});
  if (network_.outputs.size() == 1) frame.set("output", {network_.outputs[0].value});
  frame.set("label", {LabelColumn{}});
  return frame;
}

std::optional<Callable> RecipeBuilder::measure_by_name(const ast::Expr& expr, const std::vector<ast::Argument>** arguments) {
  const auto* name = std::get_if<ast::Reference>(&expr.kind);
  if (const auto* call = std::get_if<ast::Call>(&expr.kind)) {
    for (const ast::Argument& argument : call->arguments)
      if (!argument.name) return std::nullopt;
    name = std::get_if<ast::Reference>(&call->callee->kind);
    *arguments = &call->arguments;
  }
  if (!name || names().find(name->name)) return std::nullopt;
  if (const Symbol* symbol = evaluator_.program().find(name->name)) {
    if (!symbol->definition) return std::nullopt;
    return Callable{.definition = symbol->definition};
  }
  const LayerDef* layer = find_layer(name->name);
  if (!layer) return std::nullopt;
  return Callable{.layer = layer};
}

Value RecipeBuilder::measure_output(const Callable& callable, const std::vector<ast::Argument>& arguments, SourceRange range) {
  if (network_.outputs.size() != 1) {
    std::vector<std::string> choices;
    for (const Port& output : network_.outputs) choices.push_back("`" + output.name + "`");
    reporter().error(DiagnosticKind::BadSetting, range,
                     fmt::format("`{}` alone compares the output with the label, but `{}` has several results: {}", callable_name(callable),
                                 network_.name, join_choices(choices, "and")))
        .help(fmt::format("say what it compares: `{}({}, label)`", callable_name(callable), network_.outputs.empty() ? "x" : network_.outputs[0].name));
    return {};
  }
  Call call{range, {}, {}, false};
  call.arguments.push_back({std::nullopt, {network_.outputs[0].value}, range});
  call.arguments.push_back({std::nullopt, {LabelColumn{}}, range});
  for (const ast::Argument& argument : arguments)
    call.arguments.push_back({argument.name, evaluator_.evaluate_apart(*argument.value, names(), train_.network.text), argument.value->range});
  return evaluator_.call(callable, std::move(call));
}

Value RecipeBuilder::measure(const ast::Expr& expr) {
  static const std::vector<ast::Argument> none;
  const std::vector<ast::Argument>* arguments = &none;
  if (const auto callable = measure_by_name(expr, &arguments)) return measure_output(*callable, *arguments, expr.range);
  return evaluator_.evaluate_apart(expr, names(), "loss");
}

std::optional<ValueId> RecipeBuilder::per_sample(const Value& value, SourceRange range) {
  if (value.poisoned()) return std::nullopt;
  const ValueId* tensor = value.as<ValueId>();
  if (!tensor || !graph_.graph.type(*tensor).batched) {
    reporter().error(DiagnosticKind::BadSetting, range,
                     fmt::format("a loss or metric is computed from the network's results, but this is {}", evaluator_.describe(value)));
    return std::nullopt;
  }
  const Dims dims = graph_.graph.type(*tensor).dims;
  if (dims.empty()) return *tensor;
  graph_.location = range;
  graph_.layer = "loss";
  Dims axes;
  for (size_t i = 0; i < dims.size(); ++i) axes.push_back(static_cast<int64_t>(i));
  const ValueId sum = graph_.add("reduce", {*tensor}, {{"op", std::string("sum")}, {"axes", axes}}).at(0);
  const ValueId flat = graph_.add("reshape", {sum}, {{"dims", Dims{}}}).at(0);
  const ScalarExpression share = ScalarExpression::constant(1 / static_cast<double>(element_count(dims)));
  return graph_.map(ScalarExpression::argument(0) * share, {flat});
}

std::optional<ValueId> RecipeBuilder::loss() {
  const LayerDef* cross_entropy = find_layer("cross_entropy");
  if (loss_) {
    const std::vector<ast::Argument>* arguments = nullptr;
    const auto callable = measure_by_name(*loss_, &arguments);
    is_cross_entropy_ = callable && callable->layer && callable->layer == cross_entropy;
    return per_sample(measure(*loss_), loss_->range);
  }
  const bool fits = network_.outputs.size() == 1 && graph_.graph.type(network_.outputs[0].value).dims.size() == 1;
  if (fits && cross_entropy) {
    is_cross_entropy_ = true;
    return per_sample(measure_output({.layer = cross_entropy}, {}, train_.network.range), train_.network.range);
  }
  reporter().error(DiagnosticKind::BadSetting, train_.network.range, fmt::format("training `{}` needs a `loss`", network_.name))
      .note("without one it is `cross_entropy`, for networks whose only result is one list of numbers")
      .help("for example `loss = mse(output, label)`");
  return std::nullopt;
}

void RecipeBuilder::add_metric_port(const std::string& name, std::optional<ValueId> value) {
  if (!value) return;
  std::string unique = name;
  for (int number = 2; std::any_of(metric_ports_.begin(), metric_ports_.end(), [&](const Port& port) { return port.name == unique; }); ++number)
    unique = name + std::to_string(number);
  metric_ports_.push_back({unique, Role::Metric, *value});
}

void RecipeBuilder::add_metric(const ast::Expr& expr) {
  const auto* name = std::get_if<ast::Reference>(&expr.kind);
  if (const auto* call = std::get_if<ast::Call>(&expr.kind)) name = std::get_if<ast::Reference>(&call->callee->kind);
  // The loss is printed in any case.
  if (name && name->name == "loss") return;
  const std::string shown = name ? name->name : "metric";
  add_metric_port(shown, per_sample(measure(expr), expr.range));
}

void RecipeBuilder::metrics() {
  if (metrics_) {
    if (const auto* list = std::get_if<ast::List>(&metrics_->kind))
      for (const ast::ExprPtr& item : list->items) add_metric(*item);
    else
      add_metric(*metrics_);
  } else if (const LayerDef* accuracy = find_layer("accuracy"); accuracy && is_cross_entropy_) {
    const SourceRange range = loss_ ? loss_->range : train_.network.range;
    add_metric_port("accuracy", per_sample(measure_output({.layer = accuracy}, {}, range), range));
  }
}

Function RecipeBuilder::function(ValueId loss) {
  Function function{built_.recipe.name + ".loss", graph_.inputs, {}, network_.outputs};
  function.arguments.insert(function.arguments.end(), graph_.labels.begin(), graph_.labels.end());
  for (Port& port : graph_.parameter_arguments()) function.arguments.push_back(std::move(port));
  function.results.push_back({"loss", Role::Loss, loss});
  function.results.insert(function.results.end(), metric_ports_.begin(), metric_ports_.end());
  for (Port& port : graph_.state_results()) function.results.push_back(std::move(port));
  function.graph = graph_.graph;
  return function;
}

std::optional<BuiltRecipe> RecipeBuilder::build() {
  built_.recipe.name = train_.recipe ? train_.recipe->text : "default";
  read_settings();
  const size_t parameters = graph_.parameters.size();
  const auto value = loss();
  metrics();
  check_class_count();
  check_channels_of_normalize();
  if (graph_.parameters.size() != parameters)
    reporter().error(DiagnosticKind::BadSetting, loss_ ? loss_->range : train_.network.range,
                     fmt::format("a loss has no weights, but this one makes `{}`", graph_.parameters.back().name))
        .help("what has weights belongs into the network: give it as a result of its own");
  if (!value || reporter().has_errors()) return std::nullopt;
  built_.loss = function(*value);
  return std::move(built_);
}

}  // namespace

void check_settings(const ast::Train& train, const BuiltNetwork& network, Evaluator& evaluator) {
  RecipeBuilder(train, network, evaluator).read_settings();
}

std::optional<BuiltRecipe> build_recipe(const ast::Train& train, const BuiltNetwork& network, Evaluator& evaluator) {
  const Construction saved = evaluator.construction();
  auto result = RecipeBuilder(train, network, evaluator).build();
  evaluator.construction() = saved;
  return result;
}

}  // namespace cnnc::sema
