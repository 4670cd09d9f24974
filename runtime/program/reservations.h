// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What prediction and training take of memory, besides the data: the one place where `predict`, `train` and `bench` take it
// from and `info` counts it. Tests: test/run/memory_is_as_planned.test
#pragma once
#include <cstdint>

#include "runtime/program/arena.h"
#include "runtime/program/evaluation.h"
#include "runtime/program/function_call.h"
#include "runtime/program/model.h"
#include "runtime/program/training_step.h"

namespace cnnc::runtime {

/// Reserves what `infer` needs for batches up to `batch`. `model` is null where the weights built in are used as they lie.
void reserve_inference(Arena& arena, int64_t batch, Model* model, FunctionCall& infer, const cnn_program& program, void** workspace);

/// Reserves what training with evaluation needs for batches up to `batch`.
void reserve_training(Arena& arena, int64_t batch, const Session& session, Model& model, TrainingStep& step, Evaluation& evaluation,
                      void** workspace);

}  // namespace cnnc::runtime
