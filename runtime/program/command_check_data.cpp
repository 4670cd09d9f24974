// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `check-data`: reads all data as training would, with every check, and says what is there and what is wrong with it.
#include <algorithm>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "runtime/program/commands.h"
#include "runtime/program/data_findings.h"
#include "runtime/program/dataset.h"
#include "runtime/program/failure.h"
#include "runtime/program/session.h"

namespace cnnc::runtime {
namespace {

constexpr OptionDef kOptions[] = {kDataOption, kRecipeOption, kSetOption};
constexpr size_t kMostShared = 10;

std::string counted(size_t count, const std::string& what) { return std::to_string(count) + " " + what + (count == 1 ? "" : "s"); }

/// Reports findings, and remembers how many there were.
struct Findings {
  size_t warnings = 0, errors = 0;
  void warn(const std::string& message, const std::string& help = {}) {
    ++warnings;
    print_diagnostic("warning", message, help);
  }
  void error(const std::string& message) {
    ++errors;
    print_diagnostic("error", message);
  }
};

/// Lists all bad samples of a table: errors where training would stop at them.
void report_bad(const DataTable& table, int64_t skip_limit, Findings& findings) {
  const bool skipped = static_cast<int64_t>(table.bad.size()) <= skip_limit;
  for (const BadSample& bad : table.bad) {
    if (skipped) findings.warn(bad.reason + "; it is left out");
    else findings.error(bad.reason);
  }
}

void report_classes(const Session& session, const DataPart& part, int64_t classes, Findings& findings) {
  std::printf("%s: %s\n", part.name.c_str(), counted(part.samples.size(), "sample").c_str());
  const std::vector<int64_t> counts = count_classes(part, classes);
  for (size_t c = 0; c < counts.size(); ++c) {
    const std::string name = class_name(session, static_cast<int64_t>(c));
    std::printf("  %s: %lld\n", name.c_str(), static_cast<long long>(counts[c]));
    if (counts[c] == 0) findings.warn("the " + part.name + " data has no sample of the class `" + name + "`");
  }
}

void report_shared(const DataPart& training, const DataPart& measured, Findings& findings) {
  const std::vector<SharedSample> shared = find_shared_samples(training, measured);
  for (size_t i = 0; i < std::min(kMostShared, shared.size()); ++i)
    findings.warn(sample_name(first_input(*measured.table), shared[i].measured) + " of the " + measured.name + " data is also training data: " +
                  sample_name(first_input(*training.table), shared[i].training));
  if (shared.size() > kMostShared)
    findings.warn(std::to_string(shared.size() - kMostShared) + " more samples of the " + measured.name + " data are also training data");
}

int run_check_data(const cnn_program& program, const CommandLine& line) {
  const Session session = make_session(program, line);
  const cnn_recipe& recipe = require_training(session);
  const std::span<const cnn_column> columns(recipe.gradients->columns, static_cast<size_t>(recipe.gradients->column_count));
  const int64_t classes = class_count(recipe);
  const Dataset data = load_dataset(session.settings, line.text("--data").value_or(""), {columns, classes}, DataUse::Check);
  Findings findings;
  std::vector<const DataTable*> seen;
  for (const DataPart* part : {&data.training, &data.validation, &data.test}) {
    if (!part->table) continue;
    report_classes(session, *part, classes, findings);
    if (std::find(seen.begin(), seen.end(), part->table.get()) == seen.end()) report_bad(*part->table, session.settings.skip_limit, findings);
    seen.push_back(part->table.get());
    if (part->empty()) findings.error("the " + part->name + " data has no good sample");
    else if (part != &data.training) report_shared(data.training, *part, findings);
  }
  if (findings.errors > 0) {
    std::printf("the data cannot be used: %s, %s\n", counted(findings.errors, "error").c_str(), counted(findings.warnings, "warning").c_str());
    return kBadInput;
  }
  if (findings.warnings > 0) std::printf("the data can be used: %s\n", counted(findings.warnings, "warning").c_str());
  else std::printf("the data is in order\n");
  return kDone;
}

}  // namespace

const Command kCheckDataCommand{{"check-data", "reads all data, checks it, and counts it", kOptions, "",
                                 "Names samples that cannot be used (what they do in training is the setting `bad`), classes without samples,\n"
                                 "and samples that are both trained on and measured."},
                                run_check_data, false};

}  // namespace cnnc::runtime
