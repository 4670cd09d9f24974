// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where arguments, results and constants of a function lie: flat buffers, columns, scalars, data.
#include <fmt/format.h>

#include "ir/op.h"
#include "runtime/abi/program.h"
#include "schedule/steps.h"
#include "support/check.h"

namespace cnnc {
namespace {

class PortPlacer {
 public:
  PortPlacer(const Draft& draft, const PlanContext& context, FunctionPlan& plan)
      : draft_(draft), graph_(draft.function->graph), context_(context), plan_(plan) {}

  void place() {
    for (const Port& port : draft_.function->arguments) place(port, false);
    for (const Port& port : draft_.function->results) place(port, true);
    for (size_t i = 0; i < draft_.roles.size(); ++i)
      if (draft_.roles[i] == NodeRole::Data) place_data(graph_.node(static_cast<int32_t>(i)));
    // Aliases come last: what they stand for has its place only after the loops above, or in the workspace.
  }

 private:
  Place& place_of(ValueId value) { return plan_.places.at(static_cast<size_t>(value.index)); }

  void place(const Port& port, bool is_result) {
    Place& place = place_of(port.value);
    if (graph_.type(port.value).batched) {
      CNNC_CHECK(place.kind == Place::None, "a column has a value of its own: " + port.name);
      place = {Place::Column, static_cast<int32_t>(plan_.columns.size()), 0};
      plan_.columns.push_back(port);
      return;
    }
    switch (port.role) {
      case Role::Weight: place = flat(CNN_WEIGHTS, port); return;
      case Role::Gradient: place = flat(CNN_GRADIENTS, port); return;
      case Role::State: place = flat(is_result ? CNN_NEXT_STATES : CNN_STATES, port); return;
      case Role::Prepared: {
        const auto found = context_.prepared.find(port.name);
        CNNC_CHECK(found != context_.prepared.end(), fmt::format("prepared value {} is made by `prepare`", port.name));
        place = {Place::Flat, CNN_PREPARED, found->second.offset};
        return;
      }
      case Role::Scalar:
        place = {Place::Scalar, static_cast<int32_t>(plan_.scalars.size()), 0};
        plan_.scalars.push_back(port);
        return;
      case Role::Input: case Role::Label: case Role::SampleIndex: case Role::Moment: case Role::Output: case Role::Loss:
      case Role::Metric: break;
    }
    CNNC_CHECK(false, fmt::format("{} {} of {} must be batched", role_name(port.role), port.name, draft_.function->name));
  }

  Place flat(cnn_buffer buffer, const Port& port) {
    const auto found = context_.flat.offsets.find(port.name);
    CNNC_CHECK(found != context_.flat.offsets.end(), fmt::format("{} is a parameter of the module", port.name));
    return {Place::Flat, buffer, found->second * element_bytes(graph_.type(port.value).element)};
  }

  void place_data(const Node& node) {
    place_of(node.results[0]) = {Place::Constant, static_cast<int32_t>(plan_.constants.size()), 0};
    plan_.constants.push_back({graph_.type(node.results[0]), std::get<Numbers>(node.attributes.at("values"))});
  }

  const Draft& draft_;
  const Graph& graph_;
  const PlanContext& context_;
  FunctionPlan& plan_;
};

}  // namespace

FlatLayout flat_layout(const Module& module) {
  constexpr int64_t kMultiple = 16;
  FlatLayout layout;
  for (const Parameter& parameter : module.parameters) {
    int64_t& elements = parameter.role == Role::State ? layout.state_elements : layout.weight_elements;
    layout.offsets[parameter.name] = elements;
    elements += (element_count(parameter.type.dims) + kMultiple - 1) / kMultiple * kMultiple;
  }
  return layout;
}

void place_ports(const Draft& draft, const PlanContext& context, FunctionPlan& plan) { PortPlacer(draft, context, plan).place(); }

}  // namespace cnnc
