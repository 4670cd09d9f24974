// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Stages: expanded only; all passes but one, in a random order; split into prepare and infer; before and after the
// differentiation, with and without passes. Each is verified, printed, read again, and its numbers are compared.
#include "test/random/check_ir.h"

#include <fmt/format.h>

#include <map>

#include "autodiff/differentiate.h"
#include "ir/parse.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "ops/interpreter.h"
#include "optimize/pass_list.h"
#include "optimize/passes.h"
#include "support/check.h"
#include "test/random/data.h"
#include "test/random/program.h"
#include "test/random/random.h"
#include "test/random/reference.h"

namespace cnnc::random_programs {
namespace {

/// Arrays by role and name: what functions of the program take.
using Values = std::map<std::pair<Role, std::string>, std::vector<double>>;

std::vector<double> numbers_of(const Tensor& tensor) {
  std::vector<double> numbers;
  for (const Bounded& element : tensor.at) numbers.push_back(element.value);
  return numbers;
}

/// The results of a function by role and name.
Values run(const Function& function, const Values& values, int64_t images) {
  std::vector<Array> arguments;
  for (const Port& port : function.arguments) {
    const auto found = values.find({port.role, port.name});
    CNNC_CHECK(found != values.end(), fmt::format("argument `{}` of `{}` is known", port.name, function.name));
    arguments.push_back({function.graph.type(port.value), found->second});
  }
  const std::vector<Array> results = interpret(function, arguments, images);
  Values named;
  for (size_t i = 0; i < results.size(); ++i) named[{function.results[i].role, function.results[i].name}] = results[i].values;
  return named;
}

/// Printed and read again; what is wrong with that stands in `failure`.
Module read_back(const Module& module, const std::string& stage, std::string& failure) {
  const std::string text = to_string(module);
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const int32_t source = sources.add("module.ir", text);
  Module again = parse_module(sources, source, diagnostics);
  if (diagnostics.has_errors()) {
    failure = fmt::format("{}: the printed text is refused: {}", stage, diagnostics.render(false));
    return module;
  }
  if (to_string(again) != text) failure = fmt::format("{}: printed, read and printed again differs", stage);
  return again;
}

/// The passes that may run at any time after expansion, in a random order, one of them possibly left out.
std::vector<const Pass*> cleaning_passes(Random& random, std::string& description) {
  std::vector<const Pass*> passes;
  for (const Pass& pass : all_passes()) {
    const bool needs_a_place = pass.name.starts_with("expand") || pass.name == "fold-batchnorm" || !pass.function;
    if (!needs_a_place) passes.push_back(&pass);
  }
  for (size_t i = passes.size(); i > 1; --i) std::swap(passes[i - 1], passes[static_cast<size_t>(random.below(static_cast<int64_t>(i)))]);
  const auto left_out = static_cast<size_t>(random.below(static_cast<int64_t>(passes.size()) + 1));
  if (left_out < passes.size()) passes.erase(passes.begin() + static_cast<std::ptrdiff_t>(left_out));
  for (const Pass* pass : passes) description += fmt::format(" {}", pass->name);
  return passes;
}

class Checker {
 public:
  /// `eps` is that of the element type: passes round the constants that they compute.
  Checker(Module module, double eps, uint64_t variation, Tally& tally)
      : module_(std::move(module)), images_(batch_of(module_)), eps_(eps), random_(variation), tally_(&tally) {}

  std::string run_all() {
    module_ = read_back(module_, "after sema", failure_);
    passes_ = cleaning_passes(random_, passes_text_);
    const Function& network = *module_.find("network");
    set_arguments(network);
    inference(network);
    for (const Recipe& recipe : module_.recipes) {
      const Function& loss = *module_.find(recipe.name + ".loss");
      set_arguments(loss);
      training(loss);
    }
    return failure_;
  }

 private:
  void set_arguments(const Function& function) {
    arguments_ = argument_values(module_, function, images_);
    values_.clear();
    for (size_t i = 0; i < arguments_.size(); ++i)
      values_[{function.arguments[i].role, function.arguments[i].name}] = numbers_of(arguments_[i]);
    key_ = {.seed = random_.below(1 << 30), .epoch = random_.below(5) - 1, .samples = {}};
    std::vector<double> samples;
    for (int64_t image = 0; image < images_; ++image) {
      key_.samples.push_back(random_.below(100000));
      samples.push_back(static_cast<double>(key_.samples.back()));
    }
    values_[{Role::Scalar, "seed"}] = {static_cast<double>(key_.seed)};
    values_[{Role::Scalar, "epoch"}] = {static_cast<double>(key_.epoch)};
    values_[{Role::Scalar, "images"}] = {static_cast<double>(images_)};
    values_[{Role::SampleIndex, "sample"}] = samples;
  }

  void fail(const std::string& failure) {
    if (failure_.empty()) failure_ = failure;
  }

  /// All results that the evaluator has too, of these roles.
  void compare_results(const std::string& stage, const Function& function, const Reference& reference, const Values& computed, bool states) {
    for (size_t i = 0; i < function.results.size(); ++i) {
      const Port& port = function.results[i];
      const auto found = computed.find({port.role, port.name});
      if (found == computed.end() || (port.role == Role::State && !states)) continue;
      fail(compare(fmt::format("{}: {} `{}`", stage, role_name(port.role), port.name), reference.results[i], found->second, eps_, *tally_));
    }
    for (size_t i = 0; i < function.arguments.size(); ++i) {
      const auto found = computed.find({Role::Gradient, function.arguments[i].name});
      if (found == computed.end()) continue;
      fail(compare(fmt::format("{}: gradient of `{}`", stage, function.arguments[i].name), reference.gradients[i], found->second, eps_, *tally_));
    }
  }

  /// A stage's functions, printed and read again.
  Module printed_and_read(const std::string& stage, const Module& module) {
    std::string failure;
    Module again = read_back(module, stage, failure);
    fail(failure);
    return again;
  }

  /// What a stage's function computes after it was printed and read.
  Values checked_run(const std::string& stage, const Function& function) {
    verify(function, stage);
    Module module = module_;
    module.functions = {function};
    return run(printed_and_read(stage, module).functions[0], values_, images_);
  }

  /// Runs the cleaning passes and compares what they leave.
  void cleaned(const std::string& stage, Function function, const Function& original, const Reference& reference, bool states) {
    for (const Pass* pass : passes_) function = pass->function(function);
    const std::string name = fmt::format("{}, then{}", stage, passes_text_);
    compare_results(name, original, reference, checked_run(name, function), states);
    last_ = function;
  }

  void inference(const Function& network) {
    const Reference reference = evaluate(network, arguments_, images_, Mode::Inference, key_);
    compare_results("expand-inference", network, reference, checked_run("expand-inference", expand_inference(network)), false);
    cleaned("fold-batchnorm, expand-inference", expand_inference(fold_batchnorm(network)), network, reference, false);
    Function infer = last_;
    infer.name = "infer";
    std::erase_if(infer.results, [](const Port& port) { return port.role == Role::State; });
    Module module = module_;
    module.functions = {infer};
    if (!why_not_split(module).empty()) return;
    module = split_prepare(module);
    verify(module, "split-prepare");
    module = printed_and_read("split-prepare", module);
    Values values = values_;
    for (auto& [port, numbers] : run(*module.find("prepare"), values_, images_)) values[port] = numbers;
    compare_results("split-prepare", network, reference, run(*module.find("infer"), values, images_), false);
  }

  void training(const Function& loss) {
    const Reference reference = evaluate(loss, arguments_, images_, Mode::Training, key_);
    compare_results("expand-training", loss, reference, checked_run("expand-training", expand_training(loss)), true);
    const Function plain = expand_training(differentiate(expand_for_autodiff(loss)));
    compare_results("differentiate", loss, reference, checked_run("differentiate", plain), true);
    Function before = expand_for_autodiff(loss);
    if (!random_.one_in(3)) before = remove_dead_code(merge_common_subexpressions(before));
    cleaned("differentiate, expand-training", expand_training(differentiate(before)), loss, reference, true);
  }

  Module module_;
  int64_t images_;
  double eps_;
  Random random_;
  Tally* tally_;
  std::vector<const Pass*> passes_;
  std::string passes_text_;
  std::vector<Tensor> arguments_;
  Values values_;
  RandomKey key_;
  Function last_;
  std::string failure_;
};

}  // namespace

std::string check_ir(const std::string& text, uint64_t variation, Tally& tally) {
  std::string errors;
  const bool single = variation % 4 == 3;
  auto module = analyse_text(text, single ? ElementType::F32 : ElementType::F64, &errors);
  if (!module) return "the text is refused: " + errors;
  const double eps = single ? kSingle : kDouble;
  const WithRoundingUnit unit(kRoundings * eps);
  try {
    return Checker(*std::move(module), eps, variation, tally).run_all();
  } catch (const InternalError& error) {
    return std::string("internal error: ") + error.what();
  }
}

}  // namespace cnnc::random_programs
