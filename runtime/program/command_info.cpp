// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `info`: what the program is: layers, shapes, weights, settings, target, compiler.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "runtime/program/commands.h"
#include "runtime/program/failure.h"
#include "runtime/program/function_call.h"
#include "runtime/program/json_text.h"
#include "runtime/program/reservations.h"

namespace cnnc::runtime {
namespace {

constexpr OptionDef kOptions[] = {kJsonOption, {"--batch", "N", "images in one step, for the memory (default: 1; in training the recipe's)"}, kRecipeOption};

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

/// Bytes by use for a task, as its command takes them; the last number is alignment and spare bytes.
struct MemoryNeed {
  std::string task;   // "inference" or "training"
  int64_t batch = 0;
  std::array<uint64_t, kMemoryUses + 1> bytes{};
  uint64_t total = 0;
};

constexpr const char* kUseNames[] = {"weights and statistics", "prepared weights", "gradients and optimizer", "inputs and outputs", "workspace", "alignment"};
static_assert(std::size(kUseNames) == kMemoryUses + 1);

MemoryNeed need_of(const char* task, int64_t batch, const Arena& arena) {
  MemoryNeed out{task, batch, {}, arena.bytes()};
  uint64_t rest = arena.bytes();
  for (size_t use = 0; use < kMemoryUses; ++use) rest -= out.bytes[use] = arena.bytes(static_cast<MemoryUse>(use));
  out.bytes[kMemoryUses] = rest;
  return out;
}

/// Reserves as `predict` and `train` do, without taking the memory.
std::vector<MemoryNeed> memory_needs(const Session& session, bool batch_given) {
  const cnn_program& program = *session.program;
  std::vector<MemoryNeed> out;
  Model model(program);
  FunctionCall infer(*program.infer);
  void* workspace = nullptr;
  Arena inference;
  const int64_t batch = batch_given ? session.settings.batch : 1;
  reserve_inference(inference, batch, program.embedded_prepared ? nullptr : &model, infer, program, &workspace);
  out.push_back(need_of("inference", batch, inference));
  if (!session.recipe || !session.recipe->gradients || !session.recipe->update || !session.recipe->evaluate) return out;
  TrainingStep step(session, model);
  Evaluation evaluation(session, model);
  Arena training;
  reserve_training(training, session.settings.batch, session, model, step, evaluation, &workspace);
  out.push_back(need_of("training", session.settings.batch, training));
  return out;
}

std::string with_commas(uint64_t number) {
  std::string digits = std::to_string(number);
  for (auto i = static_cast<std::ptrdiff_t>(digits.size()) - 3; i > 0; i -= 3) digits.insert(static_cast<size_t>(i), ",");
  return digits;
}

void print_memory(const std::vector<MemoryNeed>& needs) {
  std::printf("\nmemory in bytes, besides the data\n  %-24s", "");
  for (const MemoryNeed& need : needs) std::printf(" %22s", (need.task + ", batch " + std::to_string(need.batch)).c_str());
  for (size_t use = 0; use <= kMemoryUses; ++use) {
    std::printf("\n  %-24s", kUseNames[use]);
    for (const MemoryNeed& need : needs) std::printf(" %22s", with_commas(need.bytes[use]).c_str());
  }
  std::printf("\n  %-24s", "total");
  for (const MemoryNeed& need : needs) std::printf(" %22s", with_commas(need.total).c_str());
  std::printf("\n");
}

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
    json.open('{').key("name").string(tensors[i].name).key("shape").list(std::span(tensors[i].dims, static_cast<size_t>(tensors[i].rank))).close('}');
  }
  json.close(']');
}

void columns_json(JsonText& json, const cnn_function& function, int32_t role) {
  json.open('[');
  for (int32_t i = 0; i < function.column_count; ++i)
    if (function.columns[i].role == role)
      json.open('{').key("name").string(function.columns[i].name).key("element").string(element_name(function.columns[i].element)).key("shape").list(dims_of(function.columns[i])).close('}');
  json.close(']');
}

void memory_json(JsonText& json, const std::vector<MemoryNeed>& needs) {
  json.open('[');
  for (const MemoryNeed& need : needs) {
    json.open('{').key("task").string(need.task).key("batch").number(need.batch);
    for (size_t use = 0; use <= kMemoryUses; ++use) {
      std::string name = kUseNames[use];
      std::replace(name.begin(), name.end(), ' ', '_');
      json.key(name).number(need.bytes[use]);
    }
    json.key("total").number(need.total).close('}');
  }
  json.close(']');
}

/// "16x10x10" → 16, 10, 10.
std::vector<int64_t> dims_of_text(const char* shape) {
  std::vector<int64_t> out;
  char* end = nullptr;
  for (const char* at = shape; *at; at = *end == 'x' ? end + 1 : end) {
    out.push_back(std::strtoll(at, &end, 10));
    if (end == at) return {};
  }
  return out;
}

std::string json_text(const cnn_program& program, const std::vector<MemoryNeed>& needs) {
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
    json.open('{').key("name").string(layer.name).key("kind").string(layer.kind).key("shape").list(dims_of_text(layer.shape));
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
  json.close(']').key("memory");
  memory_json(json, needs);
  return json.close('}').text() + "\n";
}

int run_info(const cnn_program& program, const CommandLine& line) {
  const Session session = make_session(program, line);
  const std::vector<MemoryNeed> needs = memory_needs(session, line.has("--batch"));
  if (line.has("--json")) {
    std::fputs(json_text(program, needs).c_str(), stdout);
  } else {
    print_text(program);
    print_memory(needs);
  }
  return kDone;
}

}  // namespace

const Command kInfoCommand{{"info", "lists layers, shapes, weights, settings, memory and the target", kOptions, "", ""}, run_info, false};

}  // namespace cnnc::runtime
