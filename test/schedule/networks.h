// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions that come to every template and every rule of fusion and layouts, for the tests of whole plans.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "ir/builder.h"
#include "schedule/steps.h"

namespace cnnc::test {

/// A function being built, with the module's parameters that it needs.
struct FunctionMaker {
  Module module;
  Function function;
  GraphBuilder build{function.graph};

  explicit FunctionMaker(std::string name);
  FunctionMaker(const FunctionMaker&) = delete;
  FunctionMaker& operator=(const FunctionMaker&) = delete;

  ValueId input(const std::string& name, Dims dims, ElementType element = ElementType::F32);
  ValueId weight(const std::string& name, Dims dims, ElementType element = ElementType::F32);
  void result(ValueId value, Role role = Role::Output);
  /// A gradient of a weight: what a function `.gradients` gives.
  void gradient(const std::string& weight, ValueId value);
};

struct PlannedNetwork {
  std::string name, function;
  std::function<void(FunctionMaker&)> make;
};
const std::vector<PlannedNetwork>& planned_networks();
/// The module with that one function.
Module make_module(const PlannedNetwork& network);
/// The steps of make_plan up to the kernels, for the first function.
Draft make_draft(const Module& module, const PlanContext& context);

}  // namespace cnnc::test
