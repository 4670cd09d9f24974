// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What every subcommand starts with: the program, the recipe with the settings that the command line changed, the threads.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/abi/program.h"
#include "runtime/program/arena.h"
#include "runtime/program/command_line.h"
#include "runtime/program/thread_pool.h"
#include "runtime/settings/recipe.h"

namespace cnnc::runtime {

struct Session {
  const cnn_program* program = nullptr;
  const cnn_recipe* recipe = nullptr;                // null without a `train` block
  settings::Recipe settings;
  std::vector<settings::NamedText> effective;        // every setting in force, defaults included: what a checkpoint compares
  std::unique_ptr<ThreadPool> pool;
  cnn_context context{};
};

/// Reads --recipe, --set, --batch, --epochs, --rate, --seed, --threads where the command has them.
Session make_session(const cnn_program& program, const CommandLine& line);

/// The recipe, with its functions for training; otherwise throws Failure (status 2) with the `train` block to add.
const cnn_recipe& require_training(const Session& session);

/// Classes of integer labels: the first extent of the output; 0 where there is no single output.
int64_t class_count(const cnn_recipe& recipe);
/// The name of a class, or its number; escaped for the terminal.
std::string class_name(const Session& session, int64_t index);

/// Reserves by `plan` for this batch and allocates. Where the memory is not there: Failure with the amount needed, the amount
/// there, and the largest batch that fits.
std::unique_ptr<Arena> allocate_buffers(const std::function<void(Arena&, int64_t batch)>& plan, int64_t batch);

}  // namespace cnnc::runtime
