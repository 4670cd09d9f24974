// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Buffers of prediction and of training, in the order in which they lie in memory.
#include "runtime/program/reservations.h"

#include <algorithm>

namespace cnnc::runtime {

void reserve_inference(Arena& arena, int64_t batch, Model* model, FunctionCall& infer, const cnn_program& program, void** workspace) {
  if (model) model->reserve(arena);
  infer.reserve(arena, batch);
  uint64_t bytes = workspace_bytes(infer.function(), batch);
  if (program.prepare) bytes = std::max(bytes, workspace_bytes(*program.prepare, 1));
  arena.reserve(MemoryUse::Workspace, workspace, bytes);
}

void reserve_training(Arena& arena, int64_t batch, const Session& session, Model& model, TrainingStep& step, Evaluation& evaluation,
                      void** workspace) {
  model.reserve_training(arena, *session.recipe);
  step.reserve(arena, batch);
  evaluation.reserve(arena, batch);
  arena.reserve(MemoryUse::Workspace, workspace,
                std::max(TrainingStep::workspace(*session.recipe, *session.program, batch), Evaluation::workspace(session, batch)));
}

}  // namespace cnnc::runtime
