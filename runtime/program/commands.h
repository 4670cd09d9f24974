// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The subcommands of a built program. Each has a table of options and a function that returns the exit status.
#pragma once
#include <span>

#include "runtime/abi/program.h"
#include "runtime/program/command_line.h"

namespace cnnc::runtime {

struct Command {
  CommandDef def;
  int (*run)(const cnn_program& program, const CommandLine& line);
  bool runs_kernels;
};

extern const Command kTrainCommand, kEvalCommand, kPredictCommand, kGradientsCommand, kBenchCommand, kInfoCommand, kCheckDataCommand;

// Options that several subcommands have.
inline constexpr OptionDef kDataOption{"--data", "FOLDER", "where the data lies; also the text of a `data` setting"};
inline constexpr OptionDef kWeightsOption{"--weights", "FILE", "trained weights (.safetensors) or a checkpoint"};
inline constexpr OptionDef kThreadsOption{"--threads", "N", "threads to use (default: the processors there are)"};
inline constexpr OptionDef kBatchOption{"--batch", "N", "images in one step"};
inline constexpr OptionDef kSeedOption{"--seed", "N", "decides all chance"};
inline constexpr OptionDef kRecipeOption{"--recipe", "NAME", "the `train` block to use (default: the first)"};
inline constexpr OptionDef kSetOption{"--set", "NAME=VALUE", "overrides a setting of the `train` block; may be repeated", true};
inline constexpr OptionDef kJsonOption{"--json", "", "prints JSON"};

}  // namespace cnnc::runtime
