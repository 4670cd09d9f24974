// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the fuzzer begins with beside the files of corpus/, from the tables of layers, losses, optimizers, ops, settings and templates: so
// a new one is fuzzed without a line here. `fuzz_seeds FOLDER` writes FOLDER/source_text and FOLDER/module_text (random networks, in
// which each layer and loss occurs, and their graphs at several stages; each sample of an op, also with one change), FOLDER/schedule_text (each template and
// layout), and FOLDER/words, a dictionary.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "autodiff/differentiate.h"
#include "ir/layer.h"
#include "ir/op.h"
#include "ir/print.h"
#include "optimize/passes.h"
#include "runtime/settings/schema.h"
#include "schedule/schedule_file.h"
#include "schedule/target.h"
#include "schedule/templates.h"
#include "schedule/weight_layouts.h"
#include "test/random/generate.h"
#include "test/random/program.h"

namespace cnnc::fuzz {
namespace {

namespace fs = std::filesystem;
using random_programs::RandomProgram;

constexpr uint64_t kNetworks = 60;
// libFuzzer takes no longer word.
constexpr size_t kLongestWord = 60;

void write(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

class Words {
 public:
  void add(std::string_view word) {
    if (!word.empty() && word.size() <= kLongestWord) words_.emplace(word);
  }
  void add_layers() {
    for (const LayerDef& layer : all_layers()) {
      add(layer.name);
      add(layer.example);
      for (const ArgumentDef& argument : layer.arguments) {
        add(fmt::format("{}: ", argument.name));
        add(argument.default_text);
        for (std::string_view word : argument.words) add(word);
      }
    }
    for (const OptimizerDef& optimizer : all_optimizers()) {
      add(optimizer.name);
      for (const OptimizerDef::Argument& argument : optimizer.arguments) add(fmt::format("{}: ", argument.name));
    }
  }
  void add_settings() {
    for (const settings::SettingDef& setting : settings::all_settings()) {
      add(fmt::format("{} = {}", setting.name, setting.default_text));
      add(setting.type);
    }
  }
  void add_ops() {
    for (const OpDef& op : all_ops()) {
      add(op.name);
      for (const AttributeDef& attribute : op.attributes) add(fmt::format("{} = {}", attribute.name, to_string(attribute.default_value)));
    }
  }
  void add_templates(std::span<const Template> templates) {
    for (const Template& entry : templates) {
      add(entry.name);
      for (const TemplateParameter& parameter : entry.parameters) add(fmt::format("{}: {}", parameter.name, parameter.least));
    }
  }
  /// As a dictionary's lines.
  std::string text() const {
    std::string lines;
    for (const std::string& word : words_) {
      lines += '"';
      for (char letter : word) {
        const auto byte = static_cast<unsigned char>(letter);
        lines += byte < ' ' || byte > '~' || byte == '"' || byte == '\\' ? fmt::format("\\x{:02X}", byte) : std::string(1, letter);
      }
      lines += "\"\n";
    }
    return lines;
  }

 private:
  std::set<std::string, std::less<>> words_;
};

/// The op on its sample alone, as a module's text.
std::string text_of_sample(const OpDef& op, const Sample& sample) {
  Module module;
  module.network = op.name;
  Function& function = module.functions.emplace_back();
  function.name = "network";
  std::vector<ValueId> operands;
  for (const TensorType& type : sample.operands) {
    const std::string name = fmt::format("x{}", operands.size());
    operands.push_back(function.graph.add_argument(type));
    function.arguments.push_back({name, Role::Input, operands.back()});
  }
  for (const ValueId result : function.graph.add(op, operands, sample.attributes))
    function.results.push_back({fmt::format("y{}", function.results.size()), Role::Output, result});
  return to_string(module);
}

/// The text with one number or element type changed, in each place and to each of some others: most break a rule of the op.
std::vector<std::string> changed_in_one_place(const std::string& text) {
  static const std::vector<std::string> numbers = {"0", "17", "-1"}, types = {"f64", "i32"};
  static const std::regex place("-?\\b[0-9]+\\b|\\bf32\\b");
  std::vector<std::string> texts;
  for (std::sregex_iterator found(text.begin(), text.end(), place); found != std::sregex_iterator(); ++found)
    for (const std::string& other : found->str() == "f32" ? types : numbers)
      texts.push_back(text.substr(0, static_cast<size_t>(found->position())) + other + found->suffix().str());
  return texts;
}

/// A stanza for each entry of the table.
void add_stanzas(ScheduleFile& file, StanzaKind kind, std::span<const Template> templates) {
  for (const Template& entry : templates) {
    Stanza stanza;
    stanza.kind = kind;
    stanza.key = {std::string(entry.name), file.stanzas().size() + 1};
    stanza.target = all_targets().front().name;
    stanza.schedule.name = entry.name;
    for (const TemplateParameter& parameter : entry.parameters) stanza.schedule.parameters[std::string(parameter.name)] = parameter.least;
    file.add(std::move(stanza));
  }
}

/// The module as sema made it, and what becomes of its recipes' functions.
std::vector<std::string> stages_of(const Module& module) {
  std::vector<std::string> texts = {to_string(module)};
  for (const Function& function : module.functions) {
    Module alone = module;
    const bool is_loss = function.name.ends_with(".loss");
    alone.functions = {is_loss ? expand_training(differentiate(expand_for_autodiff(function))) : expand_inference(function)};
    texts.push_back(to_string(alone));
  }
  return texts;
}

std::vector<RandomProgram> programs() {
  std::vector<RandomProgram> all = random_programs::generate_each_layer(1);
  for (const RandomProgram& program : random_programs::generate_each_loss(1)) all.push_back(program);
  for (uint64_t seed = 0; seed < kNetworks; ++seed) all.push_back(random_programs::generate(seed, random_programs::Size::Small));
  return all;
}

void write_all(const fs::path& folder) {
  fs::create_directories(folder / "source_text");
  fs::create_directories(folder / "module_text");
  fs::create_directories(folder / "schedule_text");
  Words words;
  words.add_layers();
  words.add_settings();
  words.add_ops();
  words.add_templates(all_templates());
  words.add_templates(all_weight_layouts());
  write(folder / "words", words.text());
  ScheduleFile schedules;
  add_stanzas(schedules, StanzaKind::Kernel, all_templates());
  add_stanzas(schedules, StanzaKind::Layout, all_weight_layouts());
  write(folder / "schedule_text" / "every_template", to_string(schedules));
  int network = 0;
  for (const RandomProgram& program : programs()) {
    const std::string text = to_text(program);
    write(folder / "source_text" / fmt::format("network_{}", ++network), text);
    const std::optional<Module> module = random_programs::analyse_text(text, ElementType::F32);
    if (!module) continue;
    int stage = 0;
    for (const std::string& graph : stages_of(*module)) write(folder / "module_text" / fmt::format("network_{}_{}", network, ++stage), graph);
  }
  for (const OpDef& op : all_ops())
    for (size_t i = 0; i < op.samples.size(); ++i) {
      const std::string text = text_of_sample(op, op.samples[i]);
      write(folder / "module_text" / fmt::format("{}_{}", op.name, i), text);
      int change = 0;
      for (const std::string& other : changed_in_one_place(text)) write(folder / "module_text" / fmt::format("{}_{}_{}", op.name, i, ++change), other);
    }
}

}  // namespace
}  // namespace cnnc::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: fuzz_seeds FOLDER\n");
    return 2;
  }
  cnnc::fuzz::write_all(argv[1]);
  return 0;
}
