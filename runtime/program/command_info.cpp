// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `info`: what the program is: layers, shapes, weights, settings, target, compiler.
#include <cstdio>

#include "runtime/program/commands.h"
#include "runtime/program/failure.h"
#include "runtime/program/function_call.h"
#include "runtime/program/json_text.h"

namespace cnnc::runtime {
namespace {

constexpr OptionDef kOptions[] = {kJsonOption};

const char* element_name(int32_t element) {
  switch (element) {
    case CNN_F64: return "f64";
    case CNN_I32: return "i32";
    case CNN_U8: return "u8";
    default: return "f32";
  }
}

int64_t parameters_of(const cnn_program& program) {
  int64_t count = 0;
  for (int32_t i = 0; i < program.weight_count; ++i) count += program.weights[i].elements;
  return count;
}

std::string dims_text(const cnn_tensor& tensor) { return shape_text({tensor.dims, static_cast<size_t>(tensor.rank)}); }

void print_text(const cnn_program& program) {
  std::printf("network   %s\ncompiler  %s\ntarget    %s\nnumbers   %s\nweights   %lld%s\n", program.network, program.compiler, program.target,
              element_name(program.element), static_cast<long long>(parameters_of(program)), program.embedded_weights ? " (built in)" : "");
  for (int32_t i = 0; i < program.infer->column_count; ++i) {
    const cnn_column& column = program.infer->columns[i];
    std::printf("%s %s %s %s\n", column.role == CNN_INPUT ? "input    " : "output   ", column.name, element_name(column.element), shape_text(column).c_str());
  }
  std::printf("\nlayers (output, weights, multiply-adds for one image)\n");
  for (int32_t i = 0; i < program.layer_count; ++i) {
    const cnn_layer& layer = program.layers[i];
    std::printf("  %-28s %-14s %12s %10lld %14.0f\n", layer.name, layer.kind, layer.shape, static_cast<long long>(layer.parameters), layer.multiply_adds);
  }
  std::printf("\ntensors\n");
  for (int32_t i = 0; i < program.weight_count; ++i) std::printf("  %-36s %s\n", program.weights[i].name, dims_text(program.weights[i]).c_str());
  for (int32_t i = 0; i < program.state_count; ++i) std::printf("  %-36s %s (running statistic)\n", program.states[i].name, dims_text(program.states[i]).c_str());
  for (int32_t i = 0; i < program.recipe_count; ++i) {
    std::printf("\nrecipe %s\n", program.recipes[i].name);
    for (int32_t s = 0; s < program.recipes[i].setting_count; ++s)
      std::printf("  %s = %s\n", program.recipes[i].settings[s].name, formats::escape_terminal(program.recipes[i].settings[s].text).c_str());
  }
}

void tensors_json(JsonText& json, const cnn_tensor* tensors, int32_t count) {
  json.open('[');
  for (int32_t i = 0; i < count; ++i) {
    json.open('{').key("name").string(tensors[i].name).key("shape").open('[');
    for (int32_t d = 0; d < tensors[i].rank; ++d) json.number(tensors[i].dims[d]);
    json.close(']').close('}');
  }
  json.close(']');
}

void columns_json(JsonText& json, const cnn_function& function, int32_t role) {
  json.open('[');
  for (int32_t i = 0; i < function.column_count; ++i)
    if (function.columns[i].role == role)
      json.open('{').key("name").string(function.columns[i].name).key("element").string(element_name(function.columns[i].element)).key("shape").string(shape_text(function.columns[i])).close('}');
  json.close(']');
}

std::string json_text(const cnn_program& program) {
  JsonText json;
  json.open('{').key("network").string(program.network).key("compiler").string(program.compiler).key("target").string(program.target);
  json.key("element").string(element_name(program.element)).key("parameters").number(parameters_of(program));
  json.key("embedded").boolean(program.embedded_weights != nullptr).key("inputs");
  columns_json(json, *program.infer, CNN_INPUT);
  json.key("outputs");
  columns_json(json, *program.infer, CNN_OUTPUT);
  json.key("layers").open('[');
  for (int32_t i = 0; i < program.layer_count; ++i) {
    const cnn_layer& layer = program.layers[i];
    json.open('{').key("name").string(layer.name).key("kind").string(layer.kind).key("shape").string(layer.shape);
    json.key("parameters").number(layer.parameters).key("multiply_adds").number(layer.multiply_adds).close('}');
  }
  json.close(']').key("weights");
  tensors_json(json, program.weights, program.weight_count);
  json.key("states");
  tensors_json(json, program.states, program.state_count);
  json.key("recipes").open('[');
  for (int32_t i = 0; i < program.recipe_count; ++i) {
    json.open('{').key("name").string(program.recipes[i].name).key("settings").open('{');
    for (int32_t s = 0; s < program.recipes[i].setting_count; ++s) json.key(program.recipes[i].settings[s].name).string(program.recipes[i].settings[s].text);
    json.close('}').close('}');
  }
  return json.close(']').close('}').text() + "\n";
}

int run_info(const cnn_program& program, const CommandLine& line) {
  if (line.has("--json")) std::fputs(json_text(program).c_str(), stdout);
  else print_text(program);
  return kDone;
}

}  // namespace

const Command kInfoCommand{{"info", "lists layers, shapes, weights, settings and the target", kOptions, "", ""}, run_info, false};

}  // namespace cnnc::runtime
