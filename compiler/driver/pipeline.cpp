// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The phases, one after the other. What each pass does stands in its own file; here stands only the order.
#include "driver/pipeline.h"

#include <fmt/format.h>

#include "autodiff/differentiate.h"
#include "autodiff/optimizer_update.h"
#include "driver/embedded_weights.h"
#include "driver/library_folder.h"
#include "driver/source_input.h"
#include "ir/op.h"
#include "ir/verify.h"
#include "optimize/passes.h"
#include "runtime/machine/machine_speed.h"
#include "runtime/settings/recipe.h"
#include "schedule/machine.h"
#include "sema/sema.h"
#include "support/check.h"
#include "support/injected_fault.h"
#include "support/text.h"
#include "syntax/parser.h"

namespace cnnc {
namespace {

/// What every function goes through last.
Function clean(const Function& function) {
  return remove_dead_code(merge_common_subexpressions(compose_maps(fold_constants(function))));
}

Function inference_function(Function from, std::string name) {
  from.name = std::move(name);
  std::erase_if(from.results, [](const Port& port) { return port.role == Role::State; });   // statistics stay as they are
  return clean(subsample(expand_inference(fold_batchnorm(from))));
}

Function gradients_function(const Function& loss) {
  const Function forward = remove_dead_code(merge_common_subexpressions(expand_for_autodiff(loss)));
  return clean(mask_pooled(clean(expand_training(differentiate(forward)))));
}

/// Whether `predict` must leave the output as it is: probabilities already, or not one vector of scores.
bool ends_in_softmax(const Function& network) {
  if (network.results.size() != 1) return true;
  const int32_t node = network.graph.value(network.results[0].value).node;
  return node >= 0 && network.graph.node(node).op->name == "softmax";
}

/// The recipe's settings as the runtime will read them: defaults filled in.
settings::Recipe typed_settings(const Recipe& recipe) {
  std::vector<settings::NamedText> texts;
  for (const SettingText& setting : recipe.settings) texts.push_back({setting.name, setting.text});
  auto result = settings::parse_recipe(texts);
  CNNC_CHECK(std::holds_alternative<settings::Recipe>(result), "settings that were checked are refused");
  return std::get<settings::Recipe>(std::move(result));
}

}  // namespace

bool read_source(Compilation& c) {
  if (c.options.warnings_are_errors) c.diagnostics.make_warnings_errors();
  const std::optional<int32_t> source = add_source(c.sources, c.options.file);
  if (!source) return false;
  c.file = parse_file(c.sources, *source, c.diagnostics);
  return !c.diagnostics.has_errors();
}

bool analyse_source(Compilation& c) {
  inject_fault("sema");
  const AnalyseOptions options{.network = c.options.network,
                               .overrides = c.options.overrides,
                               .float_type = c.options.element,
                               .library_path = library_folder()};
  c.analysed = analyse(*c.file, options, c.sources, c.diagnostics);
  if (!c.analysed || c.diagnostics.has_errors()) return false;
  verify(*c.analysed, "sema");
  return true;
}

bool derive_functions(Compilation& c) {
  const Module& from = *c.analysed;
  Module module = from;
  module.functions.clear();
  module.functions.push_back(inference_function(*from.find("network"), "infer"));
  for (const Recipe& recipe : from.recipes) {
    const Function& loss = *from.find(recipe.name + ".loss");
    module.functions.push_back(inference_function(loss, recipe.name + ".evaluate"));
    module.functions.push_back(gradients_function(loss));
    const OptimizerDef* optimizer = find_optimizer(typed_settings(recipe).optimizer.name);
    CNNC_CHECK(optimizer, "an optimizer that was checked is unknown");
    module.functions.push_back(clean(make_update(*optimizer, c.options.element, recipe.name + ".update")));
  }
  c.module = split_prepare(module);
  for (Function& function : c.module->functions)
    if (function.name == "prepare") function = clean(function);
  verify(*c.module, "derive_functions");
  return true;
}

std::string read_defines(const std::vector<std::string>& defines, CompileOptions& options) {
  for (const std::string& define : defines) {
    const size_t equals = define.find('=');
    if (equals == 0 || equals == std::string::npos) return fmt::format("`-D {}` is not of the form `-D name=value`", define);
    options.overrides.emplace_back(define.substr(0, equals), define.substr(equals + 1));
  }
  return {};
}

PlanOptions plan_options(const Compilation& c) {
  PlanOptions options{.infer_batch = c.options.batch, .train_batch = {}, .plain = c.options.plain, .precise = c.options.precise, .variation = c.options.variation};
  for (const Recipe& recipe : c.analysed->recipes) {
    const settings::Recipe typed = typed_settings(recipe);
    options.train_batch[recipe.name] = typed.batch;
    options.precise = options.precise || typed.precise;
  }
  return options;
}

bool read_target(Compilation& c) {
  const Target& target = c.options.target ? *c.options.target : host_target();
  c.target = target;
  if (c.options.machine_file.empty()) return true;
  const std::optional<int32_t> source = add_source(c.sources, c.options.machine_file);
  if (!source) return false;
  const std::optional<Machine> machine = read_machine_file(c.sources, *source, c.diagnostics);
  if (!machine) return false;
  const SourceRange start{*source, 0, 0};
  if (machine->target != target.name) {
    c.diagnostics.error(DiagnosticKind::BadMachine, start, fmt::format("this machine was measured with the vectors of `{}`, not with those of `{}`", machine->target, target.name))
        .help(fmt::format("`cnnc machine --target={}` measures with those", target.name));
    return false;
  }
  // Whoever names a target may build for another machine.
  if (const std::string here = runtime::processor_name(); !c.options.target && machine->processor != here)
    c.diagnostics.warning(DiagnosticKind::OtherMachine, start, fmt::format("these are the facts of another processor, `{}`; this one is `{}`", abbreviate(machine->processor, 100), here))
        .help(fmt::format("for that processor: `--target={}`", target.name));
  c.target = target_of(target, *machine);
  return true;
}

bool schedule(Compilation& c) {
  if (!read_target(c)) return false;
  PlanOptions options = plan_options(c);
  if (!c.options.schedule_file.empty()) {
    const std::optional<int32_t> source = add_source(c.sources, c.options.schedule_file);
    if (!source) return false;
    c.stanzas = read_schedule_file(c.sources, *source, c.diagnostics);
    if (c.diagnostics.has_errors()) return false;
    options.stanzas = &*c.stanzas;
  }
  c.plan = make_plan(*c.module, *c.target, options);
  if (c.stanzas) report_stanzas(*c.stanzas, *c.plan, c.diagnostics);
  return !c.diagnostics.has_errors();
}

bool read_weights(Compilation& c) {
  if (c.options.weights.empty()) return true;
  std::string error;
  c.embedded = read_embedded_weights(c.options.weights, *c.module, c.plan->flat, c.options.element, error);
  if (!c.embedded) print_error(error);
  return c.embedded.has_value();
}

bool compile(Compilation& c, const KernelOptions& options) {
  c.kernels = compile_kernels(*c.plan, options);
  if (c.kernels->failures.empty()) return true;
  std::string text = "code generation failed";
  for (const KernelFailure& failure : c.kernels->failures)
    text += fmt::format("\n  kernel {}: {}\n    {}", failure.kernel, failure.reason, failure.signature);
  throw InternalError(text);
}

ProgramParts program_parts(const Compilation& c) {
  ProgramParts parts;
  parts.module = &*c.module;
  parts.plan = &*c.plan;
  parts.sources = &c.sources;
  parts.kernels = &*c.kernels;
  parts.layers = layer_table(*c.analysed);
  parts.compiler = compiler_version();
  parts.element = c.options.element;
  parts.embedded = c.embedded ? &*c.embedded : nullptr;
  parts.ends_in_softmax = ends_in_softmax(*c.analysed->find("network"));
  parts.sanitize = c.options.sanitize;
  return parts;
}

int64_t recipe_batch(const Recipe& recipe) { return typed_settings(recipe).batch; }

std::string compiler_version() { return "cnnc " CNNC_VERSION; }

}  // namespace cnnc
