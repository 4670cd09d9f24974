// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Splits inference functions in two: `prepare` computes from weights and statistics what depends on nothing else, `infer` and
// RECIPE.evaluate take the results as Prepared arguments. Equal computations in several functions are one Prepared value.
#include <fmt/format.h>

#include <map>
#include <set>

#include "ir/builder.h"
#include "ir/rewrite.h"
#include "optimize/passes.h"
#include "support/check.h"

namespace cnnc {
namespace {

bool is_prepared_for(std::string_view name) { return name == "infer" || name.ends_with(".evaluate"); }

/// `prepare` as it grows, and what it has already: nodes by their text, results by value.
class Preparation {
 public:
  explicit Preparation(const Module& module) {
    function_.name = "prepare";
    for (const Parameter& parameter : module.parameters) {
      const ValueId value = function_.graph.add_argument(parameter.type);
      function_.arguments.push_back({parameter.name, parameter.role, value});
      origins_[value] = parameter.name;
      names_.insert(parameter.name);
    }
  }

  ValueId parameter(const Port& port) const {
    const Port* own = find_port(function_.arguments, port.name, port.role);
    CNNC_CHECK(own != nullptr, fmt::format("`{}` is a parameter of the module", port.name));
    return own->value;
  }

  std::vector<ValueId> node(const Node& node, const std::vector<ValueId>& operands) {
    std::string key = node.op->name;
    for (const ValueId operand : operands) key += fmt::format(" {}", operand.index);
    for (const auto& [name, value] : node.attributes) key += fmt::format(";{}={}", name, to_string(value));
    std::vector<ValueId>& results = nodes_[key];
    if (results.empty()) {
      results = function_.graph.add(*node.op, operands, node.attributes, node.layer, node.location);
      for (const ValueId operand : operands) {
        const auto origin = origins_.find(operand);
        if (origin == origins_.end()) continue;
        const std::string name = origin->second;
        for (const ValueId result : results) origins_.try_emplace(result, name);
        break;
      }
    }
    return results;
  }

  bool depends_on_parameters(ValueId value) const { return origins_.contains(value); }

  /// The name of the Prepared result for a value: the parameter's own, or that of the first parameter that it is made of
  /// with `.prepared`.
  std::string result(ValueId value) {
    const auto known = results_.find(value);
    if (known != results_.end()) return known->second;
    std::string name = origins_.at(value);
    if (function_.graph.value(value).node >= 0) {
      const std::string base = name + ".prepared";
      name = base;
      for (int number = 2; names_.contains(name); ++number) name = fmt::format("{}{}", base, number);
      names_.insert(name);
    }
    results_[value] = name;
    function_.results.push_back({name, Role::Prepared, value});
    return name;
  }

  Function take() { return remove_dead_nodes(function_); }

 private:
  Function function_;
  std::map<std::string, std::vector<ValueId>> nodes_;
  std::map<ValueId, std::string> origins_;      // the first parameter that a value depends on
  std::map<ValueId, std::string> results_;
  std::set<std::string> names_;
};

/// Rebuilds one inference function over Prepared arguments.
class Splitter {
 public:
  Splitter(const Function& from, Preparation& preparation)
      : from_(from),
        preparation_(preparation),
        ahead_(static_cast<size_t>(from.graph.value_count())),
        values_(static_cast<size_t>(from.graph.value_count())) {}

  Function run() {
    to_.name = from_.name;
    for (const Port& port : from_.arguments) {
      if (port.role == Role::Weight || port.role == Role::State) {
        ahead(port.value) = preparation_.parameter(port);
      } else {
        value(port.value) = to_.graph.add_argument(from_.graph.type(port.value));
        to_.arguments.push_back({port.name, port.role, value(port.value)});
      }
    }
    for (const Node& node : from_.graph.nodes()) visit(node);
    for (const Port& port : from_.results) to_.results.push_back({port.name, port.role, use(port.value)});
    return remove_dead_nodes(to_);
  }

 private:
  ValueId& ahead(ValueId old) { return ahead_[static_cast<size_t>(old.index)]; }
  ValueId& value(ValueId old) { return values_[static_cast<size_t>(old.index)]; }

  /// Nodes over parameters and constants alone go into `prepare`; constants may be needed here too.
  void visit(const Node& node) {
    // `images` has no operands, but depends on the batch.
    bool all_ahead = node.op->name != "images";
    std::vector<ValueId> operands;
    for (const ValueId operand : node.operands) {
      all_ahead = all_ahead && (!operand.valid() || ahead(operand).valid());
      operands.push_back(operand.valid() ? ahead(operand) : operand);
    }
    for (const ValueId result : node.results) all_ahead = all_ahead && !from_.graph.type(result).batched;
    if (all_ahead) {
      const auto results = preparation_.node(node, operands);
      for (size_t i = 0; i < results.size(); ++i) ahead(node.results[i]) = results[i];
      if (preparation_.depends_on_parameters(results.at(0))) return;
    }
    operands.clear();
    for (const ValueId operand : node.operands) operands.push_back(operand.valid() ? use(operand) : operand);
    const auto results = to_.graph.add(*node.op, std::move(operands), node.attributes, node.layer, node.location);
    for (size_t i = 0; i < results.size(); ++i) value(node.results[i]) = results[i];
  }

  /// The old value inside the new function; one that is computed ahead becomes an argument at its first use.
  ValueId use(ValueId old) {
    ValueId& known = value(old);
    if (known.valid()) return known;
    const std::string name = preparation_.result(ahead(old));
    if (const Port* port = find_port(to_.arguments, name, Role::Prepared)) return known = port->value;
    known = to_.graph.add_argument(from_.graph.type(old));
    to_.arguments.push_back({name, Role::Prepared, known});
    return known;
  }

  const Function& from_;
  Preparation& preparation_;
  Function to_;
  std::vector<ValueId> ahead_, values_;      // by old value: in `prepare`, in the new function
};

}  // namespace

std::string why_not_split(const Module& module) {
  return module.find("prepare") == nullptr ? std::string() : "the module has a function `prepare` already";
}

Module split_prepare(const Module& module) {
  CNNC_CHECK(why_not_split(module).empty(), "a module is split once");
  Module result = module;
  result.functions.clear();
  Preparation preparation(module);
  for (const Function& function : module.functions) {
    if (!is_prepared_for(function.name)) {
      result.functions.push_back(function);
      continue;
    }
    const Function live = remove_dead_nodes(function);
    result.functions.push_back(Splitter(live, preparation).run());
  }
  result.functions.push_back(preparation.take());
  return result;
}

}  // namespace cnnc
