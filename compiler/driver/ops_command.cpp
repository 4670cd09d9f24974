// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `cnnc ops [NAME] [--markdown]`: what the language offers, from the tables of compiler/ops and of the settings: layers,
// functions, losses, metrics, optimizers with their arguments, and what a `train` block sets. docs/layers.md is what `--markdown` prints. Tests: test/ops.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "driver/exit_status.h"
#include "driver/page_text.h"
#include "driver/source_input.h"
#include "driver/subcommand.h"
#include "ir/attributes.h"
#include "ir/layer.h"
#include "runtime/settings/schema.h"
#include "support/text.h"

namespace cnnc {
namespace {

/// A line of the table of arguments.
struct ArgumentText {
  std::string name, kind, default_text, doc;
};

/// What all kinds of entries look like to a reader.
struct Entry {
  std::string name, signature, doc, example;
  std::vector<ArgumentText> arguments;
  std::vector<std::string> formulas;
};

struct Section {
  std::string title;
  std::vector<Entry> entries;
};

std::string kind_text(const ArgumentDef& argument) {
  switch (argument.kind) {
    case ArgumentKind::Tensor: return "value";
    case ArgumentKind::Tensors: return "values";
    case ArgumentKind::Integer: return "whole number";
    case ArgumentKind::Number: return "number";
    case ArgumentKind::Boolean: return "true or false";
    case ArgumentKind::Word: return join_choices({argument.words.begin(), argument.words.end()});
    case ArgumentKind::Size: return "size";
    case ArgumentKind::Padding: return "padding";
    case ArgumentKind::Initialiser: return "initialiser";
    case ArgumentKind::Table: return "table of numbers";
  }
  return "";
}

/// The documentation with the legal range, where it says something: large maxima only keep sizes computable.
std::string doc_with_range(const ArgumentDef& argument) {
  constexpr double kTelling = 1000;
  std::string doc(argument.doc);
  const bool has_maximum = argument.maximum && *argument.maximum <= kTelling;
  if (argument.minimum && has_maximum) return doc + fmt::format("; {} to {}", number_text(*argument.minimum), number_text(*argument.maximum));
  if (argument.minimum && *argument.minimum > 0) return doc + fmt::format("; at least {}", number_text(*argument.minimum));
  if (has_maximum) return doc + fmt::format("; at most {}", number_text(*argument.maximum));
  return doc;
}

std::string signature_of(const std::string& name, const std::vector<ArgumentText>& arguments) {
  std::string text = name + "(";
  for (const ArgumentText& argument : arguments) {
    if (text.back() != '(') text += ", ";
    text += argument.name;
    if (!argument.default_text.empty()) text += ": " + argument.default_text;
  }
  return text + ")";
}

Entry entry_of(const LayerDef& layer) {
  Entry entry{std::string(layer.name), {}, std::string(layer.doc), std::string(layer.example), {}, {}};
  for (const ArgumentDef& argument : layer.arguments)
    entry.arguments.push_back({std::string(argument.name), kind_text(argument), std::string(argument.default_text), doc_with_range(argument)});
  entry.signature = signature_of(entry.name, entry.arguments);
  return entry;
}

Entry entry_of(const OptimizerDef& optimizer) {
  Entry entry{std::string(optimizer.name), {}, std::string(optimizer.doc), {}, {}, {}};
  entry.example = fmt::format("optimizer = {}(rate: {})", optimizer.name, number_text(optimizer.default_rate));
  entry.arguments.push_back({"rate", "number", number_text(optimizer.default_rate), "the learning rate"});
  for (const auto& argument : optimizer.arguments)
    entry.arguments.push_back({std::string(argument.name), argument.is_boolean ? "true or false" : "number",
                               argument.is_boolean ? (argument.default_value != 0 ? "true" : "false") : number_text(argument.default_value),
                               std::string(argument.doc)});
  entry.arguments.push_back({"decay", "number", "0", "weight decay"});
  entry.arguments.push_back({"no_decay", "list of bias, norm", "[]", "the weights that do not decay"});
  for (const auto& moment : optimizer.moments) entry.formulas.push_back(fmt::format("{}_next = {}", moment.name, moment.formula));
  entry.formulas.push_back(fmt::format("w_next = {}", optimizer.weight));
  entry.signature = signature_of(entry.name, entry.arguments);
  return entry;
}

/// A setting is its own only argument.
Entry entry_of(const settings::SettingDef& setting) {
  Entry entry{std::string(setting.name), {}, std::string(setting.doc), {}, {}, {}};
  if (!setting.available) entry.doc += " (reserved: not in this version)";
  if (setting.compiled_in && setting.available) entry.doc += "; compiled in, `--set` cannot change it";
  const std::string default_text(setting.default_text.empty() ? "none" : setting.default_text);
  entry.arguments.push_back({entry.name, std::string(setting.type), default_text, {}});
  entry.signature = entry.name + " = …";
  return entry;
}

std::vector<Section> all_sections() {
  std::vector<Section> sections = {{"Layers", {}}, {"Functions", {}}, {"Losses", {}}, {"Metrics", {}}, {"Optimizers", {}}, {"Settings", {}}};
  for (const LayerDef& layer : all_layers()) sections[static_cast<size_t>(layer.kind)].entries.push_back(entry_of(layer));
  for (const OptimizerDef& optimizer : all_optimizers()) sections[4].entries.push_back(entry_of(optimizer));
  for (const settings::SettingDef& setting : settings::all_settings()) sections[5].entries.push_back(entry_of(setting));
  return sections;
}

/// Up to the first full stop that ends a sentence.
std::string first_sentence(const std::string& doc) {
  const size_t end = doc.find(". ");
  const size_t line = doc.find(".\n");
  return doc.substr(0, std::min({end, line, doc.size() - 1}) + 1);
}

void print_list(const std::vector<Section>& sections) {
  for (const Section& section : sections) {
    fmt::print("{}\n", section.title);
    for (const Entry& entry : section.entries) {
      const std::string text = wrap(first_sentence(entry.doc), kPageWidth, std::string(23, ' '));
      fmt::print("  {:<20} {}", entry.name, text.substr(23));
    }
    fmt::print("\n");
  }
  fmt::print("`cnnc ops NAME` tells more about one of them.\n");
}

void print_entry(const Entry& entry) {
  fmt::print("{}\n{}\n", wrap(entry.signature, kPageWidth, ""), wrap(entry.doc, kPageWidth, "  "));
  for (const ArgumentText& argument : entry.arguments) {
    const std::string kind = argument.default_text.empty() ? argument.kind : fmt::format("{}, default {}", argument.kind, argument.default_text);
    fmt::print("  {:<10} {}{}{}\n", argument.name, kind, argument.doc.empty() ? "" : ": ", argument.doc);
  }
  if (!entry.arguments.empty()) fmt::print("\n");
  for (const std::string& formula : entry.formulas) fmt::print("  {}\n", formula);
  if (!entry.formulas.empty()) fmt::print("\n");
  if (!entry.example.empty()) fmt::print("  Example: {}\n", entry.example);
}

void print_markdown(const Entry& entry) {
  fmt::print("\n### {}\n\n{}\n\n    {}\n", entry.name, entry.doc, entry.example);
  if (!entry.formulas.empty()) fmt::print("\nwith\n\n");
  for (const std::string& formula : entry.formulas) fmt::print("    {}\n", formula);
  if (entry.arguments.empty()) return;
  fmt::print("\n| argument | kind | default | meaning |\n|---|---|---|---|\n");
  for (const ArgumentText& a : entry.arguments) {
    const std::string default_text = a.default_text.empty() ? "required" : "`" + a.default_text + "`";
    fmt::print("| `{}` | {} | {} | {} |\n", a.name, cell(a.kind), default_text, cell(a.doc));
  }
}

void print_settings_table(const Section& section) {
  fmt::print("\nOf a `train` block; each has a default, and `--set NAME=VALUE` of the built program overrides it.\n"
             "\n| setting | values | default | meaning |\n|---|---|---|---|\n");
  for (const Entry& entry : section.entries) {
    const ArgumentText& a = entry.arguments.at(0);
    fmt::print("| `{}` | {} | `{}` | {} |\n", a.name, cell(a.kind), cell(a.default_text), cell(entry.doc));
  }
}

void print_markdown(const std::vector<Section>& sections) {
  fmt::print(
      "# Layers, functions, losses, metrics, optimizers and settings\n\n"
      "Printed by `cnnc ops --markdown`. Arguments stand in the order in which they may be given without their names; "
      "`x -> layer(…)` fills the first one. A size is one number (square) or a pair `[height, width]`; padding is `valid` "
      "(none), `same` (as many outputs as n / stride, rounded up), `1`, `[1, 2]` (height, width) or `[1, 2, 3, 4]` (top, left, bottom, "
      "right). [language.md](language.md) has the rest of the language.\n");
  for (const Section& section : sections) {
    fmt::print("\n## {}\n", section.title);
    if (section.title == "Optimizers")
      fmt::print("\nThe formulas are over the weight `w`, the summed gradient `g` and its factor `scale`, the current `rate`, `decay`, the "
                 "number `step` of the step (from 1), and what the optimizer remembers of each weight.\n");
    if (section.title == "Settings") {
      print_settings_table(section);
      continue;
    }
    for (const Entry& entry : section.entries) print_markdown(entry);
  }
}

int run_ops(const std::string& name, bool markdown) {
  const std::vector<Section> sections = all_sections();
  if (name.empty()) {
    markdown ? print_markdown(sections) : print_list(sections);
    return kDone;
  }
  std::vector<std::string> names;
  for (const Section& section : sections)
    for (const Entry& entry : section.entries) {
      names.push_back(entry.name);
      if (entry.name != name) continue;
      markdown ? print_markdown(entry) : print_entry(entry);
      return kDone;
    }
  print_error(fmt::format("there is no layer, function, loss, metric, optimizer or setting `{}`", escape_control(name)));
  if (const auto meant = nearest(name, names)) fmt::print(stderr, "did you mean `{}`?\n", *meant);
  return kUsageWrong;
}

struct OpsOptions {
  std::string name;
  bool markdown = false;
};

}  // namespace

Subcommand ops_subcommand() {
  return {"ops", "list layers, losses, metrics, optimizers and settings, or describe one",
          "  cnnc ops                      lists everything with a sentence each\n"
          "  cnnc ops conv                 the arguments of `conv`\n",
          [](CLI::App& app) -> Action {
            const auto options = std::make_shared<OpsOptions>();
            app.add_option("NAME", options->name, "what to describe");
            app.add_flag("--markdown", options->markdown, "print Markdown, as docs/layers.md has it");
            return [options] { return run_ops(options->name, options->markdown); };
          }};
}

}  // namespace cnnc
