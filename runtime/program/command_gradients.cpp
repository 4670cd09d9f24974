// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `gradients`: loss and gradient of every weight for one batch, as a file, for comparison with other frameworks.
#include <algorithm>

#include "runtime/formats/safetensors.h"
#include "runtime/program/commands.h"
#include "runtime/program/data_columns.h"
#include "runtime/program/failure.h"
#include "runtime/program/prediction_input.h"
#include "runtime/program/training_step.h"
#include "runtime/program/batch_reader.h"
#include "runtime/program/weights_file.h"

namespace cnnc::runtime {
namespace {

constexpr OptionDef kOptions[] = {
    kWeightsOption,
    {"--input", "[NAME=]FILE", "the inputs of the batch (.npy); may be repeated", true},
    {"--labels", "[NAME=]FILE", "the labels of the batch (.npy); may be repeated", true},
    {"--output", "FILE", "the gradients by the weights' names, and `loss` (.safetensors)"},
    kThreadsOption, kSeedOption, kRecipeOption, kSetOption,
};

std::shared_ptr<const DataTable> read_batch(const CommandLine& line, const DataNeeds& needs) {
  std::vector<LoadedArray> arrays;
  for (const char* option : {"--input", "--labels"}) {
    const int32_t role = std::string_view(option) == "--input" ? CNN_INPUT : CNN_LABEL;
    for (const std::string& text : line.texts(option)) {
      auto [name, path] = split_named_file(text);
      for (const cnn_column& column : needs.columns)
        if (name.empty() && column.role == role) name = column.name;
      arrays.push_back(load_array(name, path));
    }
  }
  if (arrays.empty()) fail_usage("`gradients` needs `--input` and `--labels`");
  return make_table(std::move(arrays), needs);
}

void write_gradients(const std::string& path, const Model& model, double loss) {
  std::vector<formats::TensorView> views;
  append_views(views, "", model.weight_tensors(), model.program->element, model.gradients);
  const auto narrow = static_cast<float>(loss);
  if (model.program->element == CNN_F64) views.push_back(formats::view_of("loss", {}, std::span<const double>(&loss, 1)));
  else views.push_back(formats::view_of("loss", {}, std::span<const float>(&narrow, 1)));
  formats::write_safetensors(path, views, {{"network", model.program->network}});
}

int run_gradients(const cnn_program& program, const CommandLine& line) {
  const Session session = make_session(program, line);
  const cnn_recipe& recipe = require_training(session);
  const std::string output = line.required("--output");
  Model model(program);
  TrainingStep step(session, model);
  const auto table = read_batch(line, {step.gradients().columns(), class_count(recipe)});
  const auto count = static_cast<int64_t>(table->count);
  void* workspace = nullptr;
  const auto plan = [&](Arena& arena, int64_t batch) {
    model.reserve_training(arena, recipe);
    step.reserve(arena, batch);
    arena.reserve(MemoryUse::Workspace, &workspace, TrainingStep::workspace(recipe, program, batch));
  };
  const auto arena = allocate_buffers(plan, count);
  load_weights(line.text("--weights").value_or(""), model);
  step.connect(workspace);
  std::vector<uint32_t> samples(table->count);
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<uint32_t>(i);
  BatchReader(*recipe.gradients, *table, session.settings).read(step.gradients(), samples, {}, *session.pool);
  // An epoch below 0 asks for no noise: dropout is off.
  if (step.run({count, 1, -1, 0, false}) == StepOutcome::Stopped) throw Failure(kInternalError, "the gradients stopped before their end");
  write_gradients(output, model, step.mean_loss());
  return kDone;
}

}  // namespace

const Command kGradientsCommand{{"gradients", "writes the loss and the gradient of every weight for one batch", kOptions, "",
                                 "Training mode: batchnorm uses the batch's statistics and stores nothing; no augmentation, no decay."},
                                run_gradients, true};

}  // namespace cnnc::runtime
