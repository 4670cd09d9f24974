// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Inference by batches. Embedded weights are ready for the kernels and used where they lie.
#include "runtime/program/predictor.h"

#include <algorithm>

#include "runtime/program/failure.h"
#include "runtime/program/reservations.h"
#include "runtime/program/weights_file.h"

namespace cnnc::runtime {

Predictor::Predictor(const Session& session, int64_t batch, const std::string& weights_path)
    : session_(session), model_(*session.program), infer_(*session.program->infer), batch_(batch) {
  const cnn_program& program = *session.program;
  const bool embedded = weights_path.empty() && program.embedded_prepared;
  const auto plan = [&](Arena& arena, int64_t size) {
    reserve_inference(arena, size, embedded ? nullptr : &model_, infer_, program, &workspace_);
  };
  arena_ = allocate_buffers(plan, batch_);
  if (embedded) {
    // The kernels only read it.
    model_.prepared = const_cast<void*>(program.embedded_prepared);
  } else {
    load_weights(weights_path, model_);
    if (model_.prepare(workspace_, session.context) != CNN_OK) throw Failure(kInternalError, "the weights could not be prepared");
  }
  model_.connect(infer_);
}

std::vector<OutputValues> Predictor::run(const DataTable& table) {
  const BatchReader reader(infer_.function(), table, session_.settings);
  const std::span<const cnn_column> columns = infer_.columns();
  std::vector<OutputValues> out;
  for (const cnn_column& column : columns)
    if (column.role == CNN_OUTPUT) out.push_back({&column, {}});
  std::vector<uint32_t> samples(static_cast<size_t>(batch_));
  const auto count = static_cast<int64_t>(table.count);
  for (int64_t begin = 0; begin < count; begin += batch_) {
    const int64_t size = std::min(batch_, count - begin);
    for (int64_t i = 0; i < size; ++i) samples[static_cast<size_t>(i)] = static_cast<uint32_t>(begin + i);
    reader.read(infer_, std::span(samples).first(static_cast<size_t>(size)), {}, *session_.pool);
    if (infer_.call(size, workspace_, session_.context) != CNN_OK) throw Failure(kInternalError, "the prediction stopped before its end");
    for (OutputValues& output : out) {
      const auto index = static_cast<int32_t>(output.column - columns.data());
      for (int64_t i = 0; i < size * output.column->elements; ++i) output.values.push_back(infer_.value(index, i));
    }
  }
  return out;
}

}  // namespace cnnc::runtime
