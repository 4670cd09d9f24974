// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The constant `cnn_program`, field by field in the order of runtime/abi/program.h.
#include <fmt/format.h>

#include <algorithm>

#include "codegen/llvm_module.h"
#include "ir/op.h"
#include "runtime/abi/program.h"
#include "support/check.h"

namespace cnnc {
namespace {

using llvm::Constant;

int abi_element(ElementType element) {
  switch (element) {
    case ElementType::F32: return CNN_F32;
    case ElementType::F64: return CNN_F64;
    case ElementType::I32: return CNN_I32;
    case ElementType::U8: return CNN_U8;
  }
  return CNN_F32;
}

class Descriptor {
 public:
  Descriptor(ConstantPool& table, const ProgramParts& parts, const std::vector<llvm::Function*>& functions)
      : table_(table), parts_(parts), module_(*parts.module), plan_(*parts.plan), functions_(functions) {}

  Constant* build(const std::string& prepared) {
    std::vector<Constant*> features, recipes, layers;
    for (std::string_view flag : plan_.target->cpuinfo_flags) features.push_back(table_.string(flag));
    for (const Recipe& recipe : module_.recipes) recipes.push_back(recipe_entry(recipe));
    for (const LayerLine& line : parts_.layers) layers.push_back(layer_entry(line));
    const bool embedded = parts_.embedded != nullptr;
    return table_.pointer_to(
        table_.structure({
            table_.i32(CNN_ABI_VERSION),
            table_.i32(abi_element(parts_.element)),
            table_.string(module_.network),
            table_.string(parts_.compiler),
            table_.string(plan_.target->name),
            table_.array(features, "features"),
            table_.i32(static_cast<int64_t>(features.size())),
            table_.i32(count(Role::Weight)),
            table_.i32(count(Role::State)),
            tensors(Role::Weight),
            tensors(Role::State),
            table_.i64(plan_.flat.weight_elements),
            table_.i64(plan_.flat.state_elements),
            table_.i64(plan_.prepared_bytes),
            function_entry("prepare"),
            function_entry("infer"),
            table_.i32(static_cast<int64_t>(recipes.size())),
            table_.array(recipes, "recipes"),
            table_.i32(static_cast<int64_t>(layers.size())),
            table_.array(layers, "layers"),
            table_.bytes(prepared, "prepared"),
            embedded ? table_.bytes(parts_.embedded->weights, "weights") : table_.null(),
            embedded ? table_.bytes(parts_.embedded->states, "states") : table_.null(),
        }),
        "program");
  }

 private:
  int64_t count(Role role) const {
    int64_t number = 0;
    for (const Parameter& parameter : module_.parameters) number += parameter.role == role;
    return number;
  }

  Constant* dims(const Dims& dims) {
    std::vector<Constant*> elements;
    for (int64_t extent : dims) elements.push_back(table_.i64(extent));
    return table_.array(elements, "dims");
  }

  Constant* tensors(Role role) {
    std::vector<Constant*> entries;
    for (const Parameter& p : module_.parameters) {
      if (p.role != role) continue;
      entries.push_back(table_.structure({
          table_.string(p.name), table_.string(p.group), table_.i32(static_cast<int64_t>(p.type.dims.size())), dims(p.type.dims),
          table_.i64(plan_.flat.offsets.at(p.name)), table_.i64(element_count(p.type.dims)), table_.string(p.initialiser.name),
          table_.f64(p.initialiser.value), table_.f64(p.initialiser.second), table_.i64(p.initialiser.fan_in),
          table_.i64(p.initialiser.fan_out),
      }));
    }
    return table_.array(entries, "tensors");
  }

  static int column_role(const Function& function, const Port& port) {
    if (function.name.ends_with(".update")) return CNN_PARAMETERS;
    switch (port.role) {
      case Role::Input: return CNN_INPUT;
      case Role::Label: return CNN_LABEL;
      case Role::SampleIndex: return CNN_SAMPLE_INDEX;
      case Role::Output: return CNN_OUTPUT;
      case Role::Loss: return CNN_LOSS;
      case Role::Metric: return CNN_METRIC;
      default: break;
    }
    CNNC_CHECK(false, fmt::format("{} of {} is no column", port.name, function.name));
    return CNN_INPUT;
  }

  Constant* function_entry(const std::string& name) {
    for (size_t i = 0; i < plan_.functions.size(); ++i)
      if (plan_.functions[i].function->name == name) return function_entry(plan_.functions[i], functions_[i]);
    return table_.null();
  }

  /// Where the file says what the kernel does: its main node, then a place on each other line that went into it. The last node
  /// with a place stands first in elementwise kernels.
  std::string source_of(const Kernel& kernel, const Graph& graph) const {
    if (!parts_.sources) return {};
    std::vector<SourceRange> places;      // a line each
    const auto add = [&](int32_t node) {
      const SourceRange& place = graph.node(node).location;
      if (!place.valid()) return;
      const auto same_line = [&](const SourceRange& other) {
        return other.file == place.file && line_of(other) == line_of(place);
      };
      if (std::none_of(places.begin(), places.end(), same_line)) places.push_back(place);
    };
    if (kernel.anchor >= 0) add(kernel.anchor);
    for (size_t i = kernel.nodes.size(); i-- > 0;) add(kernel.nodes[i]);
    std::string text;
    for (const SourceRange& place : places) text += (text.empty() ? "" : ", ") + place_text(*parts_.sources, place);
    return text;
  }

  uint32_t line_of(const SourceRange& place) const { return parts_.sources->position(place.file, place.begin).line; }

  Constant* function_entry(const FunctionPlan& plan, llvm::Function* code) {
    const Graph& graph = plan.function->graph;
    std::vector<Constant*> columns, scalars, kernels;
    for (const Port& port : plan.columns) {
      const TensorType& type = graph.type(port.value);
      columns.push_back(table_.structure({table_.string(port.name), table_.i32(column_role(*plan.function, port)),
                                          table_.i32(abi_element(type.element)), table_.i32(static_cast<int64_t>(type.dims.size())),
                                          dims(type.dims), table_.i64(element_count(type.dims))}));
    }
    for (const Port& port : plan.scalars)
      scalars.push_back(table_.structure({table_.string(port.name), table_.i32(abi_element(graph.type(port.value).element))}));
    for (size_t k = 0; k < plan.kernels.size(); ++k) {
      const Kernel& kernel = plan.kernels[k];
      const Chain* chain = chain_of(plan.chains, k);
      const KernelTraffic traffic = kernel_traffic(plan, kernel);
      kernels.push_back(table_.structure({table_.string(kernel.label.empty() ? kernel.name : kernel.label),
                                          table_.string(kernel.schedule.name), table_.f64(kernel.multiply_adds),
                                          table_.f64(traffic.read_per_image), table_.f64(traffic.written_per_image),
                                          table_.f64(traffic.read_fixed), table_.f64(traffic.written_fixed),
                                          table_.i64(chain ? chain->images : 0), table_.string(source_of(kernel, graph))}));
    }
    return table_.pointer_to(
        table_.structure({table_.string(plan.function->name), code, table_.i32(plan.group), table_.i64(plan.workspace_fixed),
                          table_.i64(plan.workspace_per_group), table_.i32(static_cast<int64_t>(columns.size())),
                          table_.array(columns, "columns"), table_.i32(static_cast<int64_t>(scalars.size())),
                          table_.array(scalars, "scalars"), table_.i32(static_cast<int64_t>(kernels.size())),
                          table_.array(kernels, "kernels")}),
        "function");
  }

  static std::string setting(const Recipe& recipe, std::string_view name, std::string_view fallback) {
    for (const SettingText& setting : recipe.settings)
      if (setting.name == name) return setting.text;
    return std::string(fallback);
  }

  /// `cross_entropy(smoothing: 0.1)` → "cross_entropy".
  static std::string callee(const std::string& text) { return text.substr(0, text.find('(')); }

  bool softmax_output(const Recipe& recipe) const {
    if (callee(setting(recipe, "loss", "cross_entropy")) != "cross_entropy") return false;
    return !parts_.ends_in_softmax;
  }

  Constant* recipe_entry(const Recipe& recipe) {
    std::vector<Constant*> settings, classes, moments;
    for (const SettingText& s : recipe.settings)
      settings.push_back(table_.structure({table_.string(s.name), table_.string(s.text)}));
    for (const std::string& name : recipe.classes) classes.push_back(table_.string(name));
    if (const Function* update = module_.find(recipe.name + ".update"))
      for (const Port& port : update->arguments)
        if (port.role == Role::Moment) moments.push_back(table_.string(port.name));
    return table_.structure({
        table_.string(recipe.name), table_.i32(static_cast<int64_t>(settings.size())), table_.array(settings, "settings"),
        table_.i32(static_cast<int64_t>(classes.size())), table_.array(classes, "classes"), function_entry(recipe.name + ".gradients"),
        function_entry(recipe.name + ".update"), function_entry(recipe.name + ".evaluate"),
        table_.i32(static_cast<int64_t>(moments.size())), table_.array(moments, "moments"),
        table_.string(callee(setting(recipe, "optimizer", "sgd"))), table_.i32(softmax_output(recipe)),
    });
  }

  Constant* layer_entry(const LayerLine& line) {
    std::string shape;
    for (int64_t extent : line.shape) shape += (shape.empty() ? "" : "x") + std::to_string(extent);
    return table_.structure({table_.string(line.name), table_.string(line.kind), table_.string(shape), table_.i64(line.parameters),
                             table_.f64(line.multiply_adds)});
  }

  ConstantPool& table_;
  const ProgramParts& parts_;
  const Module& module_;
  const ModulePlan& plan_;
  const std::vector<llvm::Function*>& functions_;
};

}  // namespace

llvm::Constant* program_descriptor(ConstantPool& constants, const ProgramParts& parts,
                                   const std::vector<llvm::Function*>& functions, const std::string& prepared) {
  return Descriptor(constants, parts, functions).build(prepared);
}

}  // namespace cnnc
