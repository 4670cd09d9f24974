// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs `evaluate` batch by batch; sums are added in the order of the samples.
#include "runtime/program/evaluation.h"

#include <algorithm>

namespace cnnc::runtime {

std::optional<double> Measurement::metric(const std::string& name) const {
  for (const auto& [own, value] : metrics)
    if (own == name) return value;
  return std::nullopt;
}

Evaluation::Evaluation(const Session& session, Model& model) : session_(session), model_(model), evaluate_(*session.recipe->evaluate) {
  // A confusion matrix needs one label a sample that is a class, and one number a class.
  const int32_t output = evaluate_.find_column(CNN_OUTPUT), label = evaluate_.find_column(CNN_LABEL);
  if (output < 0 || label < 0 || class_count(*session.recipe) == 0) return;
  const auto columns = evaluate_.columns();
  const cnn_column& out = columns[static_cast<size_t>(output)];
  const cnn_column& in = columns[static_cast<size_t>(label)];
  if (in.element == CNN_I32 && in.elements == 1 && out.rank >= 1 && out.elements == out.dims[0]) {
    output_ = output;
    label_ = label;
  }
}

uint64_t Evaluation::workspace(const Session& session, int64_t batch) {
  uint64_t bytes = workspace_bytes(*session.recipe->evaluate, batch);
  if (session.program->prepare) bytes = std::max(bytes, workspace_bytes(*session.program->prepare, 1));
  return bytes;
}

void Evaluation::reserve(Arena& arena, int64_t batch) {
  batch_ = batch;
  evaluate_.reserve(arena, batch);
}

void Evaluation::connect(void* workspace) {
  workspace_ = workspace;
  model_.connect(evaluate_);
}

std::optional<Measurement> Evaluation::run(const DataPart& part) {
  if (model_.prepare(workspace_, session_.context) != CNN_OK) return std::nullopt;
  const BatchReader reader(evaluate_.function(), *part.table, session_.settings);
  const std::span<const cnn_column> columns = evaluate_.columns();
  std::vector<double> sums(columns.size(), 0.0);
  Measurement out;
  if (output_ >= 0) {
    out.classes = columns[static_cast<size_t>(output_)].elements;
    out.confusion.assign(static_cast<size_t>(out.classes * out.classes), 0);
  }
  const auto count = static_cast<int64_t>(part.samples.size());
  for (int64_t begin = 0; begin < count; begin += batch_) {
    const int64_t batch = std::min(batch_, count - begin);
    reader.read(evaluate_, std::span(part.samples).subspan(static_cast<size_t>(begin), static_cast<size_t>(batch)), {}, *session_.pool);
    if (evaluate_.call(batch, workspace_, session_.context) != CNN_OK) return std::nullopt;
    for (size_t c = 0; c < columns.size(); ++c)
      if (columns[c].role == CNN_LOSS || columns[c].role == CNN_METRIC)
        for (int64_t i = 0; i < batch; ++i) sums[c] += evaluate_.value(static_cast<int32_t>(c), i);
    count_classes(out, batch);
  }
  out.samples = count;
  for (size_t c = 0; c < columns.size(); ++c) {
    const double mean = count == 0 ? 0 : sums[c] / static_cast<double>(count);
    if (columns[c].role == CNN_LOSS) out.loss = mean;
    if (columns[c].role == CNN_METRIC) out.metrics.emplace_back(columns[c].name, mean);
  }
  return out;
}

void Evaluation::count_classes(Measurement& out, int64_t batch) const {
  if (output_ < 0) return;
  const auto* labels = static_cast<const int32_t*>(evaluate_.column(label_));
  for (int64_t i = 0; i < batch; ++i) {
    int64_t best = 0;
    for (int64_t c = 1; c < out.classes; ++c)
      if (evaluate_.value(output_, i * out.classes + c) > evaluate_.value(output_, i * out.classes + best)) best = c;
    ++out.confusion[static_cast<size_t>(labels[i] * out.classes + best)];
  }
}

}  // namespace cnnc::runtime
