// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Formulas over names → maps over the arguments of the update function.
#include "autodiff/optimizer_update.h"

#include <fmt/format.h>

#include "ir/builder.h"
#include "support/check.h"

namespace cnnc {
namespace {

/// The values that formulas may name, in step with their names.
struct Names {
  std::vector<std::string> names;
  std::vector<ValueId> values;

  void add(std::string name, ValueId value) {
    names.push_back(std::move(name));
    values.push_back(value);
  }
};

ValueId build_formula(GraphBuilder& build, std::string_view formula, const Names& known) {
  std::string error;
  const auto expression = parse_scalar_expression(formula, known.names, error);
  CNNC_CHECK(expression.has_value(), fmt::format("the formula `{}` is an expression: {}", formula, error));
  return build.map_used(*expression, known.values);
}

}  // namespace

Function make_update(const OptimizerDef& optimizer, ElementType element, std::string name) {
  Function function;
  function.name = std::move(name);
  Names known;
  const auto argument = [&](std::string_view port, Role role, std::string_view in_formulas) {
    const ValueId value = function.graph.add_argument({element, role != Role::Scalar, {}});
    function.arguments.push_back({std::string(port), role, value});
    known.add(std::string(in_formulas), value);
  };
  argument("weight", Role::Weight, "w");
  argument("gradient", Role::Gradient, "g");
  for (const auto& moment : optimizer.moments) argument(moment.name, Role::Moment, moment.name);
  for (const std::string_view scalar : {"rate", "decay", "step", "scale"}) argument(scalar, Role::Scalar, scalar);
  for (const auto& own : optimizer.arguments) argument(own.name, Role::Scalar, own.name);

  GraphBuilder build(function.graph);
  build.set_origin("update", {});
  std::vector<Port> moments;
  for (const auto& moment : optimizer.moments) {
    const ValueId next = build_formula(build, moment.formula, known);
    known.add(fmt::format("{}_next", moment.name), next);
    moments.push_back({std::string(moment.name), Role::Moment, next});
  }
  function.results.push_back({"weight", Role::Weight, build_formula(build, optimizer.weight, known)});
  function.results.insert(function.results.end(), moments.begin(), moments.end());
  return function;
}

}  // namespace cnnc
