// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `eval`: loss, metrics, accuracy by class, confusion matrix.
#include <algorithm>
#include <cstdio>

#include "runtime/program/commands.h"
#include "runtime/program/evaluation.h"
#include "runtime/program/failure.h"
#include "runtime/program/measurement_text.h"
#include "runtime/program/weights_file.h"

namespace cnnc::runtime {
namespace {

constexpr OptionDef kOptions[] = {kDataOption, kWeightsOption, kBatchOption, kThreadsOption, kRecipeOption, kSetOption, kJsonOption};

int run_eval(const cnn_program& program, const CommandLine& line) {
  const Session session = make_session(program, line);
  const cnn_recipe& recipe = require_training(session);
  Model model(program);
  Evaluation evaluation(session, model);
  const std::span<const cnn_column> columns(recipe.evaluate->columns, static_cast<size_t>(recipe.evaluate->column_count));
  const Dataset data = load_dataset(session.settings, line.text("--data").value_or(""), {columns, class_count(recipe)}, DataUse::Evaluation);
  void* workspace = nullptr;
  const auto plan = [&](Arena& arena, int64_t batch) {
    model.reserve(arena);
    evaluation.reserve(arena, batch);
    arena.reserve(MemoryUse::Workspace, &workspace, Evaluation::workspace(session, batch));
  };
  const auto arena = allocate_buffers(plan, std::min(session.settings.batch, static_cast<int64_t>(data.test.samples.size())));
  load_weights(line.text("--weights").value_or(""), model);
  evaluation.connect(workspace);
  const std::optional<Measurement> measurement = evaluation.run(data.test);
  if (!measurement) throw Failure(kInternalError, "the evaluation stopped before its end");
  std::string text = line.has("--json") ? measurement_json(session, data.test.name, *measurement)
                                        : summary_text(data.test.name, *measurement) + classes_text(session, *measurement);
  std::fputs(text.c_str(), stdout);
  return kDone;
}

}  // namespace

const Command kEvalCommand{{"eval", "measures the network on the test data", kOptions, "",
                            "Measures on the test part of the data, or on all of it where it has no parts (arrays)."},
                           run_eval, true};

}  // namespace cnnc::runtime
