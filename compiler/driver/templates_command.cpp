// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `cnnc templates [NAME] [--markdown]`: the templates that compute kernels, with their parameters, from the table of
// schedule/templates.cpp. The second half of docs/schedules.md is what `--markdown` prints. Tests: test/schedule.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "driver/exit_status.h"
#include "driver/page_text.h"
#include "driver/source_input.h"
#include "driver/subcommand.h"
#include "schedule/templates.h"
#include "support/text.h"

namespace cnnc {
namespace {

/// "conv.depthwise(columns: …, rows: …)"
std::string form_of(const Template& entry) {
  std::string text(entry.name);
  const char* separator = "(";
  for (const TemplateParameter& parameter : entry.parameters) {
    text += fmt::format("{}{}: …", separator, parameter.name);
    separator = ", ";
  }
  return entry.parameters.empty() ? text : text + ")";
}

void print_list() {
  for (const Template& entry : all_templates()) {
    const std::string text = wrap(std::string(entry.doc), kPageWidth, std::string(27, ' '));
    fmt::print("  {:<24} {}", entry.name, text.substr(27));
  }
  fmt::print("\n`cnnc templates NAME` tells more about one of them; docs/schedules.md tells how to choose one for a kernel.\n");
}

void print_entry(const Template& entry) {
  fmt::print("{}\n{}", wrap(form_of(entry), kPageWidth, ""), wrap(std::string(entry.doc), kPageWidth, "  "));
  const auto section = [](std::string_view title, std::string_view text) {
    if (!text.empty()) fmt::print("\n{}\n{}", title, wrap(std::string(text), kPageWidth, "  "));
  };
  section("Fits", entry.fits);
  section("Inner loop", entry.loop);
  if (!entry.parameters.empty()) fmt::print("\nParameters\n");
  for (const TemplateParameter& parameter : entry.parameters)
    fmt::print("  {:<9} {}; {}, default {}\n", parameter.name, parameter.doc, legal_range(parameter), default_text(parameter));
  section("Limits", entry.limits);
}

void print_markdown(const Template& entry) {
  fmt::print("\n### {}\n\n    {}\n\n{}.\n\n*Fits:* {}\n\n*Inner loop:* {}\n", entry.name, form_of(entry), entry.doc, entry.fits, entry.loop);
  if (entry.parameters.empty()) return;
  fmt::print("\n| parameter | range | default | meaning |\n|---|---|---|---|\n");
  for (const TemplateParameter& parameter : entry.parameters)
    fmt::print("| `{}` | {} | {} | {} |\n", parameter.name, legal_range(parameter), default_text(parameter), cell(std::string(parameter.doc)));
  fmt::print("\n*Limits:* {}\n", entry.limits);
}

int run_templates(const std::string& name, bool markdown) {
  if (name.empty()) {
    if (markdown) fmt::print("## Templates\n\nPrinted by `cnnc templates --markdown`.\n");
    if (!markdown) print_list();
    for (const Template& entry : all_templates())
      if (markdown) print_markdown(entry);
    return kDone;
  }
  if (const Template* found = find_template(name)) {
    markdown ? print_markdown(*found) : print_entry(*found);
    return kDone;
  }
  std::vector<std::string> names;
  for (const Template& entry : all_templates()) names.emplace_back(entry.name);
  print_error(fmt::format("there is no template `{}`", escape_control(name)));
  if (const auto meant = nearest(name, names)) fmt::print(stderr, "did you mean `{}`?\n", *meant);
  return kUsageWrong;
}

struct TemplatesOptions {
  std::string name;
  bool markdown = false;
};

}  // namespace

Subcommand templates_subcommand() {
  return {"templates", "list the templates that compute kernels, or describe one",
          "  cnnc templates                lists all of them with a phrase each\n"
          "  cnnc templates conv.direct    its parameters, limits, and inner loop\n",
          [](CLI::App& app) -> Action {
            const auto options = std::make_shared<TemplatesOptions>();
            app.add_option("NAME", options->name, "what to describe");
            app.add_flag("--markdown", options->markdown, "print Markdown, as docs/schedules.md has it");
            return [options] { return run_templates(options->name, options->markdown); };
          }};
}

}  // namespace cnnc
