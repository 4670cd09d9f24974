// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `check-data`: reads all data as training would, with every check, and says what is there.
#include <cstdio>
#include <cstring>

#include "runtime/program/commands.h"
#include "runtime/program/dataset.h"
#include "runtime/program/failure.h"
#include "runtime/program/session.h"

namespace cnnc::runtime {
namespace {

constexpr OptionDef kOptions[] = {kDataOption, kRecipeOption, kSetOption};

/// Samples of each class; empty where the labels are no classes.
std::vector<int64_t> count_classes(const DataPart& part, int64_t classes) {
  std::vector<int64_t> counts;
  for (const DataColumn& column : part.table->columns) {
    if (column.column->role != CNN_LABEL || column.column->element != CNN_I32 || column.column->elements != 1 || classes == 0) continue;
    counts.assign(static_cast<size_t>(classes), 0);
    for (uint32_t sample : part.samples) {
      int32_t label = 0;
      std::memcpy(&label, column.sample(sample).data(), sizeof label);
      ++counts[static_cast<size_t>(label)];
    }
  }
  return counts;
}

int run_check_data(const cnn_program& program, const CommandLine& line) {
  const Session session = make_session(program, line);
  const cnn_recipe& recipe = require_training(session);
  const std::span<const cnn_column> columns(recipe.gradients->columns, static_cast<size_t>(recipe.gradients->column_count));
  const int64_t classes = class_count(recipe);
  const Dataset data = load_dataset(session.settings, line.text("--data").value_or(""), {columns, classes}, DataUse::Training);
  for (const DataPart* part : {&data.training, &data.validation, &data.test}) {
    if (part->empty()) continue;
    std::printf("%s: %zu samples\n", part->name.c_str(), part->samples.size());
    const std::vector<int64_t> counts = count_classes(*part, classes);
    for (size_t c = 0; c < counts.size(); ++c)
      std::printf("  %s: %lld\n", class_name(session, static_cast<int64_t>(c)).c_str(), static_cast<long long>(counts[c]));
  }
  std::printf("the data is in order\n");
  return kDone;
}

}  // namespace

const Command kCheckDataCommand{{"check-data", "reads all data, checks it, and counts it", kOptions, "", ""}, run_check_data, false};

}  // namespace cnnc::runtime
