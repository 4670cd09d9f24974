// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Things are named by texts: `conv`, `conv groups`, `gelu approx: tanh`, `adam beta1`, `batch 3`, `a branch`.
#include "test/random/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ir/layer.h"

namespace cnnc::random_programs {
namespace {

/// Arguments of which each value is to occur, not only the argument.
std::vector<std::string> values_of(const ArgumentDef& def) {
  if (def.kind == ArgumentKind::Boolean) return {"true", "false"};
  if (def.kind == ArgumentKind::Word) return {def.words.begin(), def.words.end()};
  if (def.kind == ArgumentKind::Padding) return {"valid", "same"};
  return {};
}

std::string number_of(const std::string& what, int64_t number) { return fmt::format("{} {}", what, number); }

}  // namespace

Statistics::Statistics() {
  for (const LayerDef& layer : all_layers()) {
    const std::string name(layer.name);
    counts_[name] = 0;
    for (const ArgumentDef& def : layer.arguments) {
      if (def.kind == ArgumentKind::Tensor || def.kind == ArgumentKind::Tensors) continue;
      counts_[fmt::format("{} {}", name, def.name)] = 0;
      for (const std::string& value : values_of(def)) counts_[fmt::format("{} {}: {}", name, def.name, value)] = 0;
    }
  }
  for (const OptimizerDef& optimizer : all_optimizers()) {
    counts_[std::string(optimizer.name)] = 0;
    for (const OptimizerDef::Argument& argument : optimizer.arguments) counts_[fmt::format("{} {}", optimizer.name, argument.name)] = 0;
  }
  for (const char* thing : {"operator +", "operator -", "operator *", "operator /", "operator ^", "operator <", "a branch", "a list's part",
                            "shared weights", "more than one group", "an input without pixels", "an input of one pixel"})
    counts_[thing] = 0;
  for (int64_t number = 1; number <= 12; ++number) counts_[number_of("statements", number)] = 0;
  for (int64_t number = 1; number <= 5; ++number) counts_[number_of("batch", number)] = 0;
  for (const int64_t number : {1, 3, 17}) counts_[number_of("channels", number)] = 0;
}

void Statistics::count_arguments(const std::string& callee, const std::vector<Statement::Argument>& arguments) {
  for (const Statement::Argument& argument : arguments) {
    const std::string thing = fmt::format("{} {}", callee, argument.name), value = thing + ": " + argument.text;
    count(thing);
    if (counts_.contains(value)) count(value);
    if (argument.name == "groups" && argument.text != "1") count("more than one group");
  }
}

/// `cross_entropy(smoothing: 0.1)`
void Statistics::count_setting(const std::string& setting) {
  if (setting.empty()) return;
  const size_t bracket = setting.find('(');
  const std::string callee = setting.substr(0, bracket);
  count(callee);
  for (size_t begin = bracket; begin < setting.size();) {
    const size_t colon = setting.find(": ", begin);
    if (colon == std::string::npos) return;
    const size_t name = setting.find_last_of("( ", colon) + 1, end = setting.find_first_of(",)", colon);
    count_arguments(callee, {{setting.substr(name, colon - name), setting.substr(colon + 2, end - colon - 2)}});
    begin = end;
  }
}

void Statistics::add(const RandomProgram& program) {
  std::map<std::string, int> uses;
  std::set<std::string> shared;
  for (const Statement& statement : program.statements) {
    if (statement.is_operator) count("operator " + statement.callee);
    else count(statement.callee);
    count_arguments(statement.callee, statement.arguments);
    if (statement.parts > 1) count("a list's part");
    for (const std::string& input : statement.inputs) ++uses[input];
    const bool has_weights = statement.callee == "conv" || statement.callee == "dense" || statement.callee == "batchnorm";
    if (has_weights && !statement.shared.empty() && !shared.insert(statement.shared).second) count("shared weights");
  }
  if (std::any_of(uses.begin(), uses.end(), [](const auto& use) { return use.first[0] > '9' && use.second > 1; })) count("a branch");
  count(number_of("statements", static_cast<int64_t>(program.statements.size())));
  count(number_of("batch", program.batch));
  const std::string channels = number_of("channels", program.input[0]);
  if (counts_.contains(channels)) count(channels);
  if (program.input.size() == 1) count("an input without pixels");
  else if (program.input[1] * program.input[2] == 1) count("an input of one pixel");
  count_setting(program.loss);
  count_setting(program.optimizer);
  if (program.metrics.size() > 2) count_setting(program.metrics.substr(1, program.metrics.size() - 2));
}

std::string Statistics::table() const {
  std::string text;
  for (const auto& [thing, number] : counts_) text += fmt::format("{:8}  {}\n", number, thing);
  return text;
}

std::vector<std::string> Statistics::missing() const {
  std::vector<std::string> things;
  for (const auto& [thing, number] : counts_)
    if (number == 0) things.push_back(thing);
  return things;
}

}  // namespace cnnc::random_programs
